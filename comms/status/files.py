"""Numbered folders of files that appear whole, and survive a power cut once they have."""

import ctypes
import fcntl
import os
import shutil
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

# linux/fs.h and ext4.h: FS_IOC_GETFLAGS and FS_IOC_SETFLAGS, _IOR('f', 1, long) and _IOW('f', 2, long); `chattr +T`
_LONG = struct.calcsize("l")
_GET_FLAGS, _SET_FLAGS = (
    (2 << 30 | _LONG << 16 | ord("f") << 8 | 1),
    (1 << 30 | _LONG << 16 | ord("f") << 8 | 2),
)
_TOP_OF_A_TREE = 0x00020000


@contextmanager
def alone(lock: Path, *, wait: bool = True) -> Iterator[bool]:
    """One process at a time: True; others wait, or get False at once. The system frees the lock of one that dies."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def numbers(folder: Path) -> list[int]:
    """The numbered folders in *folder*, in order; none where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(int(entry.name) for entry in entries if entry.name.isdecimal())
    except FileNotFoundError:
        return []


class Unfinished:
    """A folder in the making, filled file by file; nobody sees it before `appear`. Emptied when made anew.

    stamp: the modification time of what is stored, whole seconds since 1970.
    """

    def __init__(self, parent: Path, *, stamp: int) -> None:
        self.path = parent / "unfinished"
        self.stamp = stamp
        self._folders: set[str] = set()
        shutil.rmtree(self.path, ignore_errors=True)
        parent.mkdir(parents=True, exist_ok=True)
        spread(parent)
        self.path.mkdir()

    def go_on_from(self, begun: Path, *, folders: Iterable[str], files: Iterable[str]) -> bool:
        """Take the place of *begun*, before anything is written; False, and all is as before, where it does not hold
        those *folders* and *files*.
        """
        try:
            begun.rename(self.path)
            for name in (*folders, *files):
                os.stat(f"{self.path}/{name}")  # noqa: PTH116  # as below
        except OSError:
            shutil.rmtree(self.path, ignore_errors=True)
            self.path.mkdir(exist_ok=True)
            return False
        self._folders.update(folders)
        return True

    def store(self, name: str, content: bytes) -> None:
        handle = os.open(self._place(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            write_all(handle, content)
            os.utime(handle, (self.stamp, self.stamp))
        finally:
            os.close(handle)

    def take(self, name: str, source: str) -> None:
        """The same file as *source*, time and all. Raises FileNotFoundError where that is gone."""
        place = self._place(name)
        try:
            os.link(source, place)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without links, or one link too many
            shutil.copy2(source, place)

    def drop(self, name: str) -> None:
        os.unlink(f"{self.path}/{name}")  # noqa: PTH108  # as below

    def _place(self, name: str) -> str:
        self.make_folder(name.rpartition("/")[0])
        return f"{self.path}/{name}"

    def make_folder(self, name: str) -> None:
        if name and name not in self._folders:
            self.make_folder(name.rpartition("/")[0])
            os.mkdir(f"{self.path}/{name}")  # noqa: PTH102  # dozens a publication, and a path of Python's costs as much
            self._folders.add(name)

    def appear(self, number: int) -> None:
        """Under its number, all of it on the disk."""
        to_disk(self.path)
        self.path.rename(self.path.with_name(f"{number:08}"))

    def give_up(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def folders_of(names: Iterable[str]) -> set[str]:
    """The folders that files named so are in, and those that these are in."""
    found: set[str] = set()
    for name in names:
        while (name := name.rpartition("/")[0]) and name not in found:
            found.add(name)
    return found


def spread(folder: Path) -> None:
    """From now on the folders in *folder* come apart from each other on the disk, where its file system knows how.

    ext4 makes files up to ten times as slowly where many were deleted in the last minutes (ialloc.c, recently_deleted):
    those of the next publication, where they lay beside those that were cleared away.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        [flags] = struct.unpack("l", fcntl.ioctl(handle, _GET_FLAGS, bytes(_LONG)))
        if not flags & _TOP_OF_A_TREE:
            fcntl.ioctl(handle, _SET_FLAGS, struct.pack("l", flags | _TOP_OF_A_TREE))
    except OSError:  # another file system, which has no such flag and no such need
        pass
    finally:
        os.close(handle)


def write_all(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def to_disk(path: Path) -> None:
    """Everything written to the file system that *path* is on. Asked once, it waits once; fsync waits for each file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        if _libc.syncfs(handle):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), str(path))
    finally:
        os.close(handle)
