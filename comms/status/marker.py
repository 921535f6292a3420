"""Eight bytes in memory that all readers of a site share, so that none asks the disk at each request.

The file `swaps` counts: odd while the link is about to move, even when it has moved. Who knows an even count and
finds it again knows that the link has not moved since; at an odd one it looks at the link each time, so that a
publisher killed in between costs a look, and no reader is shown something older than what another showed before.
"""

import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "swaps"
SIZE = 8
FRESH = 0.05  # seconds after which the link is looked at all the same: the file may have been replaced


class Marker:
    def __init__(self, root: Path) -> None:
        self._path = root / NAME
        self._map: mmap.mmap | None = None
        self._known = b""
        self._until = 0.0

    def stands_still(self) -> bool:
        """Whether the link is where it was at the last `settle`, without a system call."""
        return self._map is not None and self._map[:SIZE] == self._known and time.monotonic() < self._until

    def look(self) -> bytes:
        """The count before the link is looked at; empty where there is none."""
        try:
            with self._path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), SIZE, prot=mmap.PROT_READ)
            return self._map[:SIZE]
        except (OSError, ValueError):
            self._map = None
            return b""

    def settle(self, seen: bytes) -> None:
        """The link was looked at after *seen* was read."""
        self._known = seen if seen and not seen[0] & 1 else b""
        self._until = time.monotonic() + FRESH


@contextmanager
def moving(root: Path) -> Iterator[None]:
    """Around the moving of the link; one publisher at a time."""
    handle = os.open(root / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        count = int.from_bytes(os.pread(handle, SIZE, 0).ljust(SIZE, b"\0"), "little") | 1
        os.pwrite(handle, count.to_bytes(SIZE, "little"), 0)
        yield
        os.pwrite(handle, ((count + 1) % 2**63).to_bytes(SIZE, "little"), 0)
    finally:
        os.close(handle)
