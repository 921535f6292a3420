"""A file of the site that can still be made, and what stands beside it on the disk."""

from collections.abc import Callable
from dataclasses import dataclass

import brotli
from isal import igzip

SUFFIXES = (".br", ".gz")
SMALLEST = 200  # bytes; below that a compressed sibling saves nothing
PAGES = (".html", ".htm")  # what browsers open, which take brotli; a publication packs whatever else once


@dataclass(frozen=True, slots=True)
class Document:
    """name: the file's, relative to the site's folder. key: names all that its content depends on, "" where the
    clock is part of that: under an unchanged key the file of the last publication is taken as it is.
    """

    name: str
    make: Callable[[], bytes]
    key: str = ""


def with_siblings(name: str, content: bytes) -> dict[str, bytes]:
    """The file and its compressed siblings, by name.

    Packing is on the way from "publish" to the page: a level more takes longer than its bytes take to arrive.
    """
    files = {name: content}
    if len(content) >= SMALLEST:
        if name.endswith(PAGES):
            files[f"{name}.br"] = brotli.compress(content, mode=brotli.MODE_TEXT, quality=2)
        files[f"{name}.gz"] = igzip.compress(content, compresslevel=2, mtime=0)
    return files
