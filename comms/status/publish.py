"""Puts a rendered site in place, whole: a reader sees the set before or the set after, never a mix.

The root holds one numbered folder for each publication and the symlink `current`, swapped by a rename:

    current -> 00000042
    00000042/manifest.json   number, revision, moment, each file's sha256, headers by the end of a name
    00000042/site/…          the files; a web server's document root is current/site
    00000042/site/archive -> ../../archive/00000007/site: pages of what is over (comms.status.archive)
    begun-00000042-1656683400/site/…  what the next one will have of it, while a message is being written

Numbers only grow, and so do the modification times of files whose content changed, by which web servers tell versions
apart. A publisher killed at any instant leaves at worst a folder that nothing points to, which the next one clears
away. A publication's files are on the disk before the link moves; the link itself follows within seconds, so that a
power cut may for once show the publication before, until the relay renews it.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from comms.status.archive import Archive, clear_archives, site_of
from comms.status.documents import SUFFIXES, Document, with_siblings
from comms.status.files import Unfinished, alone, folders_of, numbers
from comms.status.marker import moving

CURRENT = "current"
BEGUN = "begun-"
KEPT = 5
MOST = 100  # folders, where nobody clears them away: then publishing does
GRACE = 60  # seconds a replaced folder stays, for a reader who is still in it


@dataclass(frozen=True, slots=True)
class Publication:
    """The manifest. files: sha256 by name, compressed siblings included; keys: what documents depend on, by name.

    stamp: the modification time of what is new in it, whole seconds since 1970; archive: its number.
    """

    number: int
    revision: int
    at: datetime
    stamp: int
    archive: int | None
    files: Mapping[str, str]
    keys: Mapping[str, str]
    headers: Mapping[str, Mapping[str, str]]


class Outdated(Exception):
    """What was to be published is no longer so."""


def publish(
    documents: Iterable[Document],
    root: Path,
    *,
    revision: int,
    at: datetime,
    headers: Mapping[str, Mapping[str, str]],
    archive: Archive | None = None,
    all_anew: bool = False,
    above: int = 0,
    still: Callable[[], bool] = lambda: True,
) -> Publication:
    """Make *documents* the site and return it; what a newer publication shows is returned instead and left alone.

    Newer is the higher revision, then the later moment. What did not change is taken from the publication before,
    unless *all_anew*: for a disk that spoilt a file. Its number is higher than *above*. One publisher at a time,
    whatever the process; the others wait. Raises Outdated when *still*, asked while nobody else publishes, says no; and
    OSError. The site is then as before.
    """
    with alone(root / "lock"):
        shown = published(root)
        if not still():
            raise Outdated
        if shown and (shown.revision, shown.at) > (revision, at):
            return shown
        known = numbers(root)
        number = max([above, *known]) + 1
        stamps = [shown.stamp + 1 if shown else 0, archive.stamp + 1 if archive else 0, int(time.time())]
        writer = _Writer(root, max(stamps), None if all_anew else shown)
        try:
            files, keys = writer.write(documents)
            publication = Publication(
                number, revision, at, max(stamps), archive.number if archive else None, files, keys, headers
            )
            writer.finish(publication, archive)
        except OSError:
            writer.folder.give_up()
            raise
        _point(root, number)
        if len(known) >= MOST:
            _clear(root)
        return publication


def begin_next(root: Path) -> None:
    """Begin the folder of the next publication: the folders of the one shown, and its files that have a key.

    Making them takes almost as long as writing what is new; so it is done while that is thought of. Does nothing where
    it was done already or a publisher is at work. Raises OSError.
    """
    with alone(root / "lock", wait=False) as is_alone:
        shown = published(root) if is_alone else None
        if shown is None or (begun := _begun(root, shown)).is_dir():
            return
        _clear_begun(root)
        folder = Unfinished(root, stamp=shown.stamp)
        try:
            for name in _folders(shown.files):
                folder.make_folder(name)
            for name in shown.keys:
                for each in _of(name, shown):
                    folder.take(f"site/{each}", f"{root}/{shown.number:08}/site/{each}")
            folder.path.rename(begun)
        except OSError:
            folder.give_up()
            raise


def _begun(root: Path, before: Publication) -> Path:
    """What was begun from the publication *before*: by its time too, should numbers ever begin anew."""
    return root / f"{BEGUN}{before.number:08}-{before.stamp}"


def _clear_begun(root: Path, *, but: Path | None = None) -> None:
    for path in root.glob(f"{BEGUN}*"):
        if path != but:
            shutil.rmtree(path, ignore_errors=True)


def _folders(names: Iterable[str]) -> set[str]:
    """What files of the site named so are in."""
    return folders_of(f"site/{name}" for name in names)


def _of(name: str, publication: Publication) -> list[str]:
    """The file and its siblings, as far as *publication* has them."""
    return [name + suffix for suffix in ("", *SUFFIXES) if name + suffix in publication.files]


def clear(root: Path) -> None:
    """Remove the folders that nobody can be reading any more, and archives with them: not on the way to a reader."""
    with alone(root / "lock"):
        _clear(root)


def published(root: Path) -> Publication | None:
    """What the site shows; None before there was anything, or when the disk spoilt the manifest: publish anew."""
    try:
        stored = json.loads((root / CURRENT / "manifest.json").read_bytes())
        return Publication(**stored | {"at": datetime.fromisoformat(stored["at"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


class _Writer:
    """Fills a publication's folder, with what *before* has of it already."""

    def __init__(self, root: Path, stamp: int, before: Publication | None) -> None:
        self.folder = Unfinished(root, stamp=stamp)
        self.root = root
        self.before = before
        self.files: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self._there: set[str] = set()  # names that stand in the folder already, siblings and all

    def write(self, documents: Iterable[Document]) -> tuple[dict[str, str], dict[str, str]]:
        documents = list(documents)
        self._go_on_from_begun(documents)
        for document in documents:
            if document.key:
                self.keys[document.name] = document.key
            if not (self._is_known(document) and self._take(document.name)):
                self._make(document)
        return self.files, self.keys

    def _go_on_from_begun(self, documents: list[Document]) -> None:
        """Where all that was begun has its place still; of its files those stay that are known."""
        folders = _folders(self.before.files) if self.before else set()
        if not self.before or not folders <= _folders(document.name for document in documents):
            return
        begun = _begun(self.root, self.before)
        files = [each for name in self.before.keys for each in _of(name, self.before)]
        if self.folder.go_on_from(begun, folders=folders, files=[f"site/{each}" for each in files]):
            self._there = {document.name for document in documents if self._is_known(document)}
            for name in self.before.keys.keys() - self._there:
                for each in _of(name, self.before):
                    self.folder.drop(f"site/{each}")

    def _is_known(self, document: Document) -> bool:
        known = self.before.keys.get(document.name) if self.before else None
        return bool(document.key) and known == document.key

    def _make(self, document: Document) -> None:
        content = document.make()
        digest = hashlib.sha256(content).hexdigest()
        known = self.before.files.get(document.name) if self.before else None
        if known == digest and self._take(document.name):
            return
        for name, variant in with_siblings(document.name, content).items():
            self.folder.store(f"site/{name}", variant)
            self.files[name] = digest if variant is content else hashlib.sha256(variant).hexdigest()

    def _take(self, name: str) -> bool:
        """The file and its siblings from the publication before; False where they are not there any more."""
        assert self.before  # noqa: S101  # what is known is known from there
        names = _of(name, self.before)
        try:
            for each in names if name not in self._there else ():
                self.folder.take(f"site/{each}", f"{self.root}/{self.before.number:08}/site/{each}")
        except FileNotFoundError:
            return False
        self.files |= {each: self.before.files[each] for each in names}
        return True

    def finish(self, publication: Publication, archive: Archive | None) -> None:
        if archive:
            (self.folder.path / "site" / "archive").symlink_to(site_of(archive.number))
        told = {field.name: getattr(publication, field.name) for field in fields(publication)}
        manifest = json.dumps(told | {"at": publication.at.isoformat()})
        self.folder.store("manifest.json", manifest.encode())
        self.folder.appear(publication.number)


def _point(root: Path, number: int) -> None:
    link = root / "next"
    link.unlink(missing_ok=True)
    link.symlink_to(f"{number:08}")
    with moving(root):
        link.rename(root / CURRENT)


def _clear(root: Path) -> None:
    """A folder was replaced when the next one came; only those replaced long enough ago go."""
    shown = published(root)
    for old, following in list(pairwise(numbers(root)))[:-KEPT]:
        is_shown = shown is not None and shown.number == old
        if not is_shown and time.time() - (root / f"{following:08}").stat().st_mtime > GRACE:
            shutil.rmtree(root / f"{old:08}", ignore_errors=True)
    linked = set()
    for kept in numbers(root):
        with suppress(OSError):
            linked.add(str((root / f"{kept:08}" / "site" / "archive").readlink()))
    clear_archives(root, linked)
    _clear_begun(root, but=_begun(root, shown) if shown else None)
