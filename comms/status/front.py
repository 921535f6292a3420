"""The status site in front of Django: files from memory, no database, no session, whatever state Django is in.

An address is looked up in the manifest's list of files and nowhere else, so that none can lead elsewhere.
"""

import os
import re
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from comms.status.languages import WORDS
from comms.status.marker import Marker
from comms.status.publish import CURRENT, Publication, published
from comms.status.render import CACHE

SUFFIXES = {"br": ".br", "gzip": ".gz", "identity": ""}  # the smaller first
MOST_KEPT = 64 * 2**20  # bytes held in memory; what is over comes from the disk each time
NOTHING_YET = (
    "Le statut des services n’est pas disponible pour le moment. Réessayez dans une minute.\n\n"
    "De status van de diensten is nu niet beschikbaar. Probeer over een minuut opnieuw.\n\n"
    "Der Status der Dienste ist gerade nicht verfügbar. Versuchen Sie es in einer Minute wieder.\n\n"
    "The status of the services is not available now. Try again in a minute.\n"
)

FOUND = "200 OK"
READING = ("GET", "HEAD")
NOTHING = (b"",)
OF_A_BODY = ("Content-Type", "Content-Encoding", "Content-Length")
PLAIN = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
MOVED = (
    ("Cache-Control", CACHE),
    ("Access-Control-Allow-Origin", "*"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    *PLAIN,
)

ARCHIVED = re.compile(rf"/(?:{'|'.join(WORDS)})/(?:incidents/[a-z0-9]{{12}}|history/\d{{4}}-\d\d)/")
MOST_REMEMBERED = 2000  # answers found once, by address and Accept-Encoding; archived pages among them

type Headers = list[tuple[str, str]]


class Variant(NamedTuple):
    """One file as it goes out; body: None where it is read from the disk each time.

    unchanged: the headers for who has it already.
    """

    status: str
    headers: Headers
    unchanged: Headers
    etag: str
    path: Path
    body: bytes | None
    publication: Publication


class StatusFront:
    """WSGI: answers for the public addresses from *root*, passes everything else to *app*."""

    def __init__(self, app: WSGIApplication, root: Path) -> None:
        self.app = app
        self.root = root
        self._marker = Marker(root)
        self._link: tuple[int, int] | None = None
        self._files: _Files | None = None
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        files = self._files if self._marker.stands_still() else self._current()
        if files is not None:
            key = (environ["PATH_INFO"], environ.get("HTTP_ACCEPT_ENCODING", ""))
            found = files.remembered.get(key) or files.find(*key)
            if found is not None:
                return _answer(found, environ, start_response)
        return self._otherwise(files, environ, start_response)

    def _otherwise(
        self, files: "_Files | None", environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Addresses of ours that are no file, and those of the application."""
        path = environ.get("PATH_INFO", "")
        if path != "/" and not _is_ours(path):
            return self.app(environ, start_response)
        if environ["REQUEST_METHOD"] not in READING:
            return _refuse(start_response)
        if files is None:
            headers = [("Retry-After", "60"), ("Cache-Control", "no-store"), *PLAIN]
            return _say("503 Service Unavailable", headers, NOTHING_YET.encode(), environ, start_response)
        if files.find(f"{path}/", ""):
            return _lead("301 Moved Permanently", f"{path}/", files.publication, environ, start_response)
        missing = files.missing(path, environ.get("HTTP_ACCEPT_ENCODING", ""))
        return _say(missing.status, missing.headers, files.body(missing), environ, start_response)

    def _current(self) -> "_Files | None":
        """The files that are published, read anew when the link has moved.

        While the folder cannot be read, what was read before stays: it is the last that was known.
        """
        with self._lock:
            seen = self._marker.look()
            try:
                link = os.lstat(self.root / CURRENT)
                found = (link.st_ino, link.st_mtime_ns)
                if found != self._link:
                    publication = published(self.root)
                    if publication is not None:
                        self._files = _Files(self.root, publication, self._files)
                        self._link = found
            except (OSError, ValueError):
                return self._files
            self._marker.settle(seen)
            return self._files


class _Files:
    """The files of one publication, read at once; what did not change since *before* is not read again."""

    def __init__(self, root: Path, publication: Publication, before: "_Files | None") -> None:
        self.publication = publication
        self.remembered: dict[tuple[str, str], Variant] = {}
        self._folder = (root / f"{publication.number:08}" / "site").resolve()
        self._names = {_address(name): name for name in publication.files if _has_address(name)}
        self._stats: dict[str, os.stat_result] = {}
        self._kept: dict[str, bytes] = {}
        room = MOST_KEPT
        for name, digest in publication.files.items():
            # Hundreds a publication, and a path of Python's costs as much as asking.
            path = f"{self._folder}/{name}"
            content = before._kept.get(digest) if before else None
            if content is None and room > 0:
                self._stats[name], content = _read(path)
            else:
                self._stats[name] = os.stat(path)  # noqa: PTH116
            if content is not None and (room := room - len(content)) >= 0:
                self._kept[digest] = content

    def find(self, path: str, accept_encoding: str) -> Variant | None:
        """The file at an address, as who accepts *accept_encoding* gets it; None where there is none.

        An address is looked up in the list of files, or is one of those an archive can have: nothing else is opened.
        """
        name = self._names.get(path)
        if name is None:
            if not (self.publication.archive and ARCHIVED.fullmatch(path)):
                return None
            name = f"archive{path}index.html"
        variant = self._variant(FOUND, name, accept_encoding, of_root=path == "/")
        if variant:
            if len(self.remembered) >= MOST_REMEMBERED:
                self.remembered.clear()
            self.remembered[path, accept_encoding] = variant
        return variant

    def missing(self, path: str, accept_encoding: str) -> Variant:
        first = path.split("/")[1]
        name = f"{first}/404.html" if first in WORDS else "api/v2/404.json"
        variant = self._variant("404 Not Found", name, accept_encoding, of_root=False)
        assert variant  # noqa: S101  # every publication has them
        return variant

    def body(self, variant: Variant) -> bytes:
        return variant.path.read_bytes() if variant.body is None else variant.body

    def _stat(self, name: str) -> os.stat_result | None:
        """Of a file of the publication as it was when read, of one of the archive as it is."""
        if not name.startswith("archive/"):
            return self._stats.get(name)
        try:
            return (self._folder / name).stat()
        except OSError:
            return None

    def _variant(self, status: str, name: str, accept_encoding: str, *, of_root: bool) -> Variant | None:
        for encoding in (*wanted_encodings(accept_encoding), "identity"):
            path = self._folder / (name + SUFFIXES[encoding])
            stat = self._stat(name + SUFFIXES[encoding])
            if stat is None:
                continue
            etag = f'"{int(stat.st_mtime):x}-{stat.st_size:x}"'
            headers = {
                **self.publication.headers[Path(name).suffix],
                "Content-Length": str(stat.st_size),
                "ETag": etag,
                "X-Publication": str(self.publication.number),
            }
            if status == FOUND:
                headers["Last-Modified"] = formatdate(int(stat.st_mtime), usegmt=True)
            if encoding != "identity":
                headers["Content-Encoding"] = encoding
            if of_root:
                headers["Vary"] += ", Accept-Language"
            digest = self.publication.files.get(name + SUFFIXES[encoding], "")
            unchanged = [(name, value) for name, value in headers.items() if name not in OF_A_BODY]
            kept = self._kept.get(digest)
            return Variant(status, list(headers.items()), unchanged, etag, path, kept, self.publication)
        return None


def _read(path: str) -> tuple[os.stat_result, bytes]:
    with FileIO(path) as file:
        return os.fstat(file.fileno()), file.readall()


def _answer(found: Variant, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    method = environ["REQUEST_METHOD"]
    if method not in READING:
        return _refuse(start_response)
    if environ["PATH_INFO"] == "/" and (language := wanted_language(environ.get("HTTP_ACCEPT_LANGUAGE", ""))):
        return _lead("302 Found", f"/{language}/", found.publication, environ, start_response)
    known = environ.get("HTTP_IF_NONE_MATCH")
    if known is not None and (known == found.etag or _knows(known, found.etag)):
        start_response("304 Not Modified", list(found.unchanged))
        return NOTHING
    start_response(found.status, list(found.headers))
    if method == "HEAD":
        return NOTHING
    return [found.path.read_bytes() if found.body is None else found.body]


def _lead(
    status: str, to: str, publication: Publication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    vary = "Accept-Encoding, Accept-Language" if environ["PATH_INFO"] == "/" else "Accept-Encoding"
    headers = [("Location", to), ("Vary", vary), ("X-Publication", str(publication.number)), *MOVED]
    return _say(status, headers, b"", environ, start_response)


def _refuse(start_response: StartResponse) -> Iterable[bytes]:
    start_response("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Length", "0"), *PLAIN])
    return NOTHING


def _say(
    status: str, headers: Headers, body: bytes, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    if "Content-Length" not in dict(headers):
        headers = [*headers, ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return NOTHING if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _is_ours(path: str) -> bool:
    """Whatever is below these is of the status site, be there a file or not."""
    first, _, rest = path.removeprefix("/").partition("/")
    return first in WORDS or (first == "api" and (rest == "v2" or rest.startswith("v2/")))


def _has_address(name: str) -> bool:
    """Neither the compressed siblings nor the pages of what is not there are asked for by name."""
    return not name.endswith((".br", ".gz", "404.html", "404.json"))


def _address(name: str) -> str:
    return "/" + name.removesuffix("index.html")


def _knows(if_none_match: str, etag: str) -> bool:
    """RFC 9110, 13.1.2: a list of entity tags compared weakly, or "*"."""
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or known == ["*"]


@lru_cache(maxsize=1024)
def wanted_encodings(accept: str) -> tuple[str, ...]:
    """The encodings that *accept* (Accept-Encoding) prefers to none, the most wanted first, br before gzip."""
    weights = _weights(accept)
    least = max(weights.get("identity", 0.0), 0.001)
    wanted = {encoding: weights.get(encoding, weights.get("*", 0.0)) for encoding in ("br", "gzip")}
    return tuple(sorted((e for e in wanted if wanted[e] >= least), key=lambda encoding: -wanted[encoding]))


def wanted_language(accept: str) -> str:
    """The language of ours that *accept* (Accept-Language) wants most, "" where it wants none."""
    weights: dict[str, float] = {}
    for tag, weight in _weights(accept).items():
        language = tag.partition("-")[0]
        weights[language] = max(weight, weights.get(language, 0.0))
    return max((w for w in weights if w in WORDS and weights[w] > 0), key=weights.__getitem__, default="")


def _weights(header: str) -> dict[str, float]:
    """RFC 9110, 12.4.2: names with their weight, 1 where none is given, 0 where it makes no sense."""
    found: dict[str, float] = {}
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name:
            given = next((p for p in parameters if p.startswith("q=")), "q=1")
            found[name] = float(given[2:]) if re.fullmatch(r"q=[01](\.\d{0,3})?", given) else 0.0
    return found
