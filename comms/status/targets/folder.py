"""A second folder: another disk, or a share that another web server serves. Laid out as the first."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from comms.status.archive import FOLDER as ARCHIVE
from comms.status.files import alone, numbers, to_disk
from comms.status.marker import moving
from comms.status.publish import CURRENT, KEPT, Publication, published
from comms.status.targets.base import TargetError


@dataclass(frozen=True, slots=True)
class FolderTarget:
    path: Path
    key = "mirror"

    @property
    def place(self) -> str:
        return str(self.path)

    def push(self, root: Path, publication: Publication) -> int:
        try:
            with alone(self.path / "lock"):
                return self._push(root, publication)
        except OSError as error:
            raise TargetError(f"{error.strerror or error} ({self.path})") from error

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
        target.mkdir(parents=True, exist_ok=True)
        unfinished = target / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(source / f"{number:08}", unfinished, symlinks=True)
        to_disk(unfinished)
        unfinished.rename(place)

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
