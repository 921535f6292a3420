"""Pages of what is over: written once into a numbered folder of their own, which publications point to.

    archive/00000007/about.json   what it holds, as of which revision
    archive/00000007/site/…       pages of resolved incidents and of months, in every language

An archive never changes. What changes after it was built is written into each publication, where it is found first,
until so much has gathered that the next archive is built.
"""

import json
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from comms.status.documents import SUFFIXES, Document, with_siblings
from comms.status.files import Unfinished, numbers

FOLDER = "archive"
GRACE = 600  # seconds an archive stays that no publication points to: one may be about to


@dataclass(frozen=True, slots=True)
class Archive:
    """revision: every public change up to it is told of. made_of: the code and settings that wrote its pages.

    incidents: the ids counted in it, those that were open included. months: how many began, by (year, month).
    stamp: the modification time of what is new in it, whole seconds since 1970.
    """

    number: int
    revision: int
    made_of: str
    changed_at: datetime | None
    stamp: int
    incidents: frozenset[str]
    months: Mapping[tuple[int, int], int]


def newest(root: Path) -> Archive | None:
    """None where none was built, or the newest cannot be read: then another is due."""
    known = numbers(root / FOLDER)
    if not known:
        return None
    about = root / FOLDER / f"{known[-1]:08}" / "about.json"
    try:
        return _read(about, known[-1], about.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


def disown(root: Path) -> None:
    """No publication from now on points to an archive there is; what points to one keeps its pages."""
    for number in numbers(root / FOLDER):
        (root / FOLDER / f"{number:08}" / "about.json").unlink(missing_ok=True)


@lru_cache(maxsize=4)
def _read(path: Path, number: int, _mtime: int) -> Archive | None:
    try:
        about = json.loads(path.read_bytes())
        return Archive(
            number=number,
            revision=about["revision"],
            made_of=about["made_of"],
            changed_at=datetime.fromisoformat(about["changed_at"]) if about["changed_at"] else None,
            stamp=about["stamp"],
            incidents=frozenset(about["incidents"]),
            months={(int(key[:4]), int(key[5:])): many for key, many in about["months"].items()},
        )
    except (ValueError, TypeError, KeyError):
        return None


def site_of(number: int) -> str:
    """Where a publication's link to an archive leads, seen from its site folder."""
    return f"../../{FOLDER}/{number:08}/site"


def write(
    root: Path,
    archive: Archive,
    documents: Iterable[Document],
    *,
    kept: Iterable[str],
    before: Archive | None,
) -> None:
    """Write *archive*: *documents* made, the files named by *kept* taken from the archive *before*.

    The folder appears under its number only when all of it is on the disk. That one builder is at work at a time is
    the caller's to see to. Raises OSError, and then nothing has appeared.
    """
    folder = Unfinished(root / FOLDER, stamp=archive.stamp)
    try:
        for document in documents:
            for name, variant in with_siblings(document.name, document.make()).items():
                folder.store(f"site/{name}", variant)
        source = f"{root}/{FOLDER}/{before.number:08}/site" if before else ""
        for name in kept:
            for each in (name, *(name + suffix for suffix in SUFFIXES)):
                with suppress(
                    FileNotFoundError
                ):  # what was open then has no page there; small files no siblings
                    folder.take(f"site/{each}", f"{source}/{each}")
        folder.store("about.json", json.dumps(_about(archive)).encode())
        folder.appear(archive.number)
    except OSError:
        folder.give_up()
        raise


def _about(archive: Archive) -> dict[str, object]:
    return {
        "revision": archive.revision,
        "made_of": archive.made_of,
        "changed_at": archive.changed_at.isoformat() if archive.changed_at else None,
        "stamp": archive.stamp,
        "incidents": sorted(archive.incidents),
        "months": {f"{year}-{month:02}": many for (year, month), many in sorted(archive.months.items())},
    }


def clear_archives(root: Path, linked: set[str]) -> None:
    """Remove archives older than the newest that no publication links to any more."""
    for number in numbers(root / FOLDER)[:-1]:
        folder = root / FOLDER / f"{number:08}"
        if site_of(number) not in linked and time.time() - folder.stat().st_mtime > GRACE:
            shutil.rmtree(folder, ignore_errors=True)
