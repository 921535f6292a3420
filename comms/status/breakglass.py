"""Puts a notice on every page of the site that is there, without the database the site was made from."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from time import time

from comms.status import archive as archives
from comms.status import banner
from comms.status import notice as notices
from comms.status.documents import SUFFIXES, Document
from comms.status.facts import Text
from comms.status.files import alone, numbers
from comms.status.languages import WORDS
from comms.status.pages import frame
from comms.status.publish import Publication, publish, published

# Who writes the notice, by the end of the name of what it stands in.
PLACES = {".html": frame.notice, ".htm": banner.notice}


class NoSite(Exception):
    """There is no publication in the folder that a notice could be put on."""


def put(
    root: Path, notice: Text | None, *, at: datetime, made_of: Callable[[Text | None], str]
) -> Publication:
    """Keep *notice* (None takes it down) and publish every page anew with it; raises NoSite, OSError.

    The pages of today first, at once; then those of what is over. *made_of*: what pages with a notice are made of, by
    which an archive that was up to date still is.
    """
    before = notices.standing(root)
    notices.put(root, notice, at=at)
    shown = published(root)
    if shown is None:
        raise NoSite(f"No publication was found in {root}.")
    known = archives.newest(root)
    publication = _publish(root, shown, notice, known)
    if known:
        fresh = known.made_of == made_of(before)
        archived = _archived(root, known, notice, made_of(notice) if fresh else known.made_of)
        publication = _publish(root, publication, notice, archived)
    return publication


def _publish(
    root: Path, shown: Publication, notice: Text | None, archive: archives.Archive | None
) -> Publication:
    """The publication *shown* with *notice*, of the same revision and moment, as nothing else is newer in it; or what
    came in between with it.
    """
    folder = root / f"{shown.number:08}" / "site"
    plain = [name for name in shown.files if not name.endswith(SUFFIXES)]
    publication = publish(
        list(_with(notice, folder, plain)),
        root,
        revision=shown.revision,
        at=shown.at,
        headers=shown.headers,
        archive=archive,
    )
    if (publication.revision, publication.at) > (shown.revision, shown.at):
        return _publish(root, publication, notice, archives.newest(root) or archive)
    return publication


def _with(notice: Text | None, folder: Path, names: list[str]) -> Iterator[Document]:
    for name in names:
        yield Document(name, partial(_read, folder / name, name, notice))


def _read(path: Path, name: str, notice: Text | None) -> bytes:
    content, write = path.read_bytes(), PLACES.get(path.suffix)
    if write is None:
        return content
    language = next((part for part in re.split("[/.]", name) if part in WORDS), None)
    return notices.on(content, write(notice, WORDS[language]) if language else frame.notice_in_all(notice))


def _archived(root: Path, known: archives.Archive, notice: Text | None, made_of: str) -> archives.Archive:
    """The archive *known* again, with *notice* on its pages."""
    with alone(root / archives.FOLDER / "lock"):
        folder = root / archives.FOLDER / f"{known.number:08}" / "site"
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.html"))
        number = max(numbers(root / archives.FOLDER)) + 1
        anew = replace(known, number=number, made_of=made_of, stamp=max(int(time()), known.stamp + 1))
        archives.write(root, anew, _with(notice, folder, names), kept=(), before=None)
        return anew
