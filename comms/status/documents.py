"""A file of the site that can still be made, and what stands beside it on the disk."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass

import brotli

SUFFIXES = (".br", ".gz")
SMALLEST = 200  # bytes; below that a compressed sibling saves nothing
LARGE = 100_000  # bytes; above that it is for machines, and thorough packing costs a publication more than they gain


@dataclass(frozen=True, slots=True)
class Document:
    """name: the file's, relative to the site's folder. key: names all that its content depends on, "" where the
    clock is part of that: under an unchanged key the file of the last publication is taken as it is.
    """

    name: str
    make: Callable[[], bytes]
    key: str = ""


def with_siblings(name: str, content: bytes) -> dict[str, bytes]:
    """The file and its compressed siblings, by name."""
    files = {name: content}
    if len(content) >= SMALLEST:
        large = len(content) > LARGE
        if not large:
            files[f"{name}.br"] = brotli.compress(content, mode=brotli.MODE_TEXT, quality=5)
        files[f"{name}.gz"] = gzip.compress(content, compresslevel=1 if large else 6, mtime=0)
    return files
