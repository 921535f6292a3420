"""A second folder: another disk, or a share that another web server serves. Laid out as the first.

It is not made here: a disk or a share that is not mounted shall be seen, not written beside.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from comms.status.archive import FOLDER as ARCHIVE
from comms.status.files import alone, numbers, to_disk
from comms.status.marker import moving
from comms.status.publish import CURRENT, KEPT, Publication, published
from comms.status.targets.base import FOLDER, TargetError


@dataclass(frozen=True, slots=True)
class FolderTarget:
    path: Path
    key = "mirror"

    @property
    def place(self) -> str:
        return str(self.path)

    def push(self, root: Path, publication: Publication) -> int:
        try:
            self.path.stat()
            self._check_mounted(root)
            with alone(self.path / "lock"):
                return self._push(root, publication)
        except OSError as error:
            raise TargetError(f"{error.strerror or error} ({self.path})") from error

    def _check_mounted(self, root: Path) -> None:
        """What was a disk or a share of its own once must be one: below it lies a folder that nobody serves."""
        mounted = root / FOLDER / f"{self.key}.mounted"
        if self.path.is_mount():
            mounted.parent.mkdir(exist_ok=True)
            mounted.write_text(str(self.path))
        elif mounted.exists() and mounted.read_text() == str(self.path):
            raise TargetError(f"Not mounted ({self.path})")

    def _push(self, root: Path, publication: Publication) -> int:
        shown = published(self.path)
        if shown and shown.number >= publication.number:
            return shown.number
        if publication.archive:
            self._copy(root / ARCHIVE, self.path / ARCHIVE, publication.archive)
        self._copy(root, self.path, publication.number)
        link = self.path / "next"
        link.unlink(missing_ok=True)
        link.symlink_to(f"{publication.number:08}")
        with moving(self.path):
            link.rename(self.path / CURRENT)
        self._clear(publication)
        return publication.number

    def _copy(self, source: Path, target: Path, number: int) -> None:
        """The numbered folder, with its files' times; it appears only when all of it is on the disk."""
        place = target / f"{number:08}"
        if place.exists():
            return
        before = target / f"{max(numbers(target), default=0):08}"
        unfinished = target / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            _copy_all(source / f"{number:08}", unfinished, before=before)
            to_disk(unfinished)
            unfinished.rename(place)
        except OSError:
            shutil.rmtree(unfinished, ignore_errors=True)  # of a full disk, so that others have what is left
            raise

    def _clear(self, publication: Publication) -> None:
        """Readers are in the newest few; an archive goes when the next one is shown."""
        for number in numbers(self.path)[:-KEPT]:
            shutil.rmtree(self.path / f"{number:08}", ignore_errors=True)
        linked = {
            link.readlink().parts[-2]
            for kept in numbers(self.path)
            if (link := self.path / f"{kept:08}" / "site" / "archive").is_symlink()
        }
        for number in numbers(self.path / ARCHIVE):
            if f"{number:08}" not in linked and number != publication.archive:
                shutil.rmtree(self.path / ARCHIVE / f"{number:08}", ignore_errors=True)


def _copy_all(source: Path, target: Path, *, before: Path) -> None:
    """Takes from *before* what did not change. Ends with the first file that cannot be copied, as all others could
    not be either.
    """
    target.mkdir(parents=True)
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_symlink():
            (target / name).symlink_to(path.readlink())
        elif path.is_dir():
            (target / name).mkdir()
        elif not _taken(before / name, path, target / name):
            shutil.copy2(path, target / name)


def _taken(known: Path, path: Path, place: Path) -> bool:
    """Whether *known* is *path* as it is now, by time and size as web servers tell it, and stands in *place* too."""
    try:
        there, here = known.stat(), path.stat()
        if (there.st_mtime_ns, there.st_size) != (here.st_mtime_ns, here.st_size):
            return False
        place.hardlink_to(known)
    except OSError:  # it is new, or a file system without links
        return False
    return True
