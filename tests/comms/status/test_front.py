import gzip
import html
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import brotli
import pytest

from comms.status import front as fronting
from comms.status import marker
from comms.status.archive import Archive
from comms.status.front import StatusFront, wanted_encodings, wanted_language
from comms.status.publish import publish
from comms.status.render import HEADERS, documents
from comms.status.style import STYLE_HASH
from tests.comms.status.facts import AT, everywhere, facts, incident

OUTSIDE = [
    "/fr/../../manifest.json",
    "/fr/incidents/../../../../../manifest.json/",
    "/fr/%2e%2e/manifest.json",
    "/fr/incidents/............/",
    "/fr/index.html",
    "/fr/index.html.gz",
    "/fr/404.html",
    "/fr//",
    "/fr/incidents/k7m2q9x4tb1d/index.html",
    "/fr/incidents/K7M2Q9X4TB1D/",
]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def broken(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    raise ConnectionError("the database is gone")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "Panne")
    return tmp_path


def put(root: Path, title: str, *, revision: int = 1, at: datetime = AT) -> None:
    site = facts(incident(title=everywhere(title), updates=()))
    publish(documents(site), root, revision=revision, at=at, headers=HEADERS)


@pytest.fixture
def get(root: Path) -> Callable[..., Answer]:
    """Asks a front over *root*, behind which every request fails."""
    return asking(StatusFront(broken, root))


def asking(front: StatusFront) -> Callable[..., Answer]:
    """The validator holds both sides to PEP 3333."""

    def get(path: str, *, method: str = "GET", **headers: str) -> Answer:
        environ: dict[str, Any] = {
            "PATH_INFO": path,
            "REQUEST_METHOD": method,
            "QUERY_STRING": "",
            "SCRIPT_NAME": "",
        }
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        setup_testing_defaults(environ)
        said: list[Any] = []

        def start_response(status: str, found: list[tuple[str, str]], error: Any = None, /) -> Any:
            said.extend([status, found])
            return print

        body = validator(front)(environ, start_response)
        content = b"".join(body)
        body.close()  # type: ignore[attr-defined]
        return Answer(int(said[0].split()[0]), dict(said[1]), content)

    return get


@pytest.mark.parametrize(
    "path", ["/fr/", "/nl/", "/de/", "/en/", "/fr/history/", "/fr/incidents/k7m2q9x4tb1d/"]
)
def test_pages_answer_though_all_behind_the_front_is_broken(get: Callable[..., Answer], path: str) -> None:
    answer = get(path)

    assert answer.status == 200
    assert b"Panne" in answer.body
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert html.escape(f"style-src '{STYLE_HASH}'") in answer.body.decode()


def test_the_document_is_json_that_anyone_may_read(get: Callable[..., Answer]) -> None:
    answer = get("/api/v2/summary.json")

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_other_addresses_are_djangos(root: Path) -> None:
    passed = []

    def django(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        passed.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"desk"])

    addresses = ["/desk/", "/frites/", "/api/v1/x", "/livez", "//fr/", "/api/v20/summary.json", "/FR/"]
    get = asking(StatusFront(django, root))

    assert {get(path).body for path in addresses} == {b"desk"}
    assert passed == addresses


@pytest.mark.parametrize(
    "path",
    [
        "/fr/incidents/unknown00000/", "/fr/../../lock", "/fr/index.html", "/fr/index.html.br", "/fr/404.html",
        "/fr//", "/fr/%2e%2e/", "/fr/\x00", "/fr/history/../",
    ],
)  # fmt: skip
def test_an_unknown_page_is_not_found_in_its_language(get: Callable[..., Answer], path: str) -> None:
    answer = get(path)

    assert (answer.status, "Cette page n’existe pas." in answer.body.decode()) == (404, True)
    assert "Deze pagina bestaat niet." in get(path.replace("/fr", "/nl", 1)).body.decode()


@pytest.mark.parametrize("name", ["/unknown.json", "/", "", "/404.json", "/summary.json/"])
def test_an_unknown_document_is_not_found_in_json(get: Callable[..., Answer], name: str) -> None:
    answer = get(f"/api/v2{name}")

    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/json")


@pytest.mark.parametrize("path", ["/", "/fr/", "/api/v2/summary.json", "/fr/unknown/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_public_addresses_are_only_read(get: Callable[..., Answer], path: str, method: str) -> None:
    answer = get(path, method=method)

    assert (answer.status, answer.headers["Allow"], answer.body) == (405, "GET, HEAD", b"")


def test_head_tells_what_get_would(get: Callable[..., Answer]) -> None:
    whole, head = get("/fr/"), get("/fr/", method="HEAD")

    assert (head.status, head.headers, head.body) == (200, whole.headers, b"")
    assert whole.headers["Content-Length"] == str(len(whole.body))


def test_who_has_the_page_is_told_so(get: Callable[..., Answer]) -> None:
    first = get("/fr/", accept_encoding="br")
    tag = first.headers["ETag"]

    again = {
        get("/fr/", accept_encoding="br", if_none_match=known).status for known in (tag, f'"x", W/{tag}', "*")
    }
    other = get("/fr/", accept_encoding="gzip", if_none_match=tag)

    assert again == {304}
    assert other.status == 200, "compressed otherwise it is another representation"
    unchanged = get("/fr/", accept_encoding="br", if_none_match=tag)
    assert unchanged.body == b""
    assert unchanged.headers["ETag"] == tag
    assert "Content-Length" not in unchanged.headers


def test_bytes_are_compressed_as_the_reader_can_take_them(get: Callable[..., Answer]) -> None:
    plain = get("/fr/")
    small, old = get("/fr/", accept_encoding="gzip, deflate, br"), get("/fr/", accept_encoding="gzip")

    assert "Content-Encoding" not in plain.headers
    assert (small.headers["Content-Encoding"], brotli.decompress(small.body)) == ("br", plain.body)
    assert (old.headers["Content-Encoding"], gzip.decompress(old.body)) == ("gzip", plain.body)
    assert {answer.headers["Vary"] for answer in (plain, small, old)} == {"Accept-Encoding"}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", ""), ("br", "br"), ("gzip", "gzip"), ("gzip, br", "br gzip"), ("br;q=0.5, gzip", "gzip br"),
        ("br;q=0, gzip;q=0", ""), ("*", "br gzip"), ("*;q=0", ""), ("br;q=0, *", "gzip"),
        ("gzip;q=0.5, identity", ""), ("identity;q=0, gzip", "gzip"), ("GZIP", "gzip"),
        ("gzip;q=nonsense", ""), (";;,,q=", ""), ("zstd", ""),
    ],
)  # fmt: skip
def test_the_wanted_encodings_follow_the_weights(accept: str, expected: str) -> None:
    assert " ".join(wanted_encodings(accept)) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", ""), ("nl", "nl"), ("nl-BE,fr;q=0.8", "nl"), ("fr;q=0.3, de-DE;q=0.9", "de"), ("it", ""), ("*", ""),
        ("it, en;q=0.1", "en"), ("fr;q=0", ""), ("nl;q=5", ""), ("NL-be", "nl"),
    ],
)  # fmt: skip
def test_the_wanted_language_follows_the_weights(accept: str, expected: str) -> None:
    assert wanted_language(accept) == expected


def test_the_root_leads_to_the_wanted_language_and_else_lets_choose(get: Callable[..., Answer]) -> None:
    led, choosing = get("/", accept_language="nl-BE"), get("/")

    assert (led.status, led.headers["Location"], led.headers["Vary"]) == (
        302,
        "/nl/",
        "Accept-Encoding, Accept-Language",
    )
    assert choosing.status == 200
    assert choosing.headers["Vary"] == "Accept-Encoding, Accept-Language"
    assert all(f'href="/{language}/"'.encode() in choosing.body for language in ("fr", "nl", "de", "en"))
    assert "Set-Cookie" not in led.headers


def test_a_missing_slash_is_mended_and_only_where_there_is_a_page(get: Callable[..., Answer]) -> None:
    answers = [get(path) for path in ("/fr", "/fr/history", "/fr/unknown")]

    assert [answer.status for answer in answers] == [301, 301, 404]
    assert [answer.headers.get("Location") for answer in answers] == ["/fr/", "/fr/history/", None]


def test_a_new_publication_is_served_from_the_next_request_on(get: Callable[..., Answer], root: Path) -> None:
    before = get("/fr/")
    put(root, "Réparation", revision=2)
    after = get("/fr/", if_none_match=before.headers["ETag"])

    assert (after.status, "Réparation" in after.body.decode()) == (200, True)
    assert [int(answer.headers["X-Publication"]) for answer in (before, after)] == [1, 2]
    assert after.headers["ETag"] != before.headers["ETag"]


def test_every_address_of_a_publication_carries_its_number(get: Callable[..., Answer], root: Path) -> None:
    put(root, "Réparation", revision=2)
    paths = ["/", "/fr/", "/nl/history/", "/api/v2/summary.json", "/en/unknown/"]

    assert {get(path).headers["X-Publication"] for path in paths} == {"2"}


def test_what_was_read_stays_when_the_folder_is_gone(get: Callable[..., Answer], root: Path) -> None:
    get("/fr/")
    for path in (root / "current").resolve().rglob("*.html*"):
        path.unlink()
    (root / "current").unlink()

    assert get("/nl/").status == 200


def test_before_anything_was_published_it_says_so_and_asks_to_come_back(tmp_path: Path) -> None:
    answer = asking(StatusFront(broken, tmp_path / "nothing"))("/fr/")

    assert (answer.status, answer.headers["Retry-After"], answer.headers["Cache-Control"]) == (
        503,
        "60",
        "no-store",
    )
    assert "Réessayez dans une minute" in answer.body.decode()


def test_a_site_larger_than_the_memory_it_may_take_is_served_from_the_disk(
    get: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fronting, "MOST_KEPT", 1000)

    assert get("/fr/").status == 200


def test_a_file_is_told_apart_as_a_web_server_does_it(get: Callable[..., Answer], root: Path) -> None:
    file = (root / "current/site/fr/index.html").stat()
    answer = get("/fr/")

    assert answer.headers["ETag"] == f'"{int(file.st_mtime):x}-{file.st_size:x}"'
    assert answer.headers["Last-Modified"] == formatdate(int(file.st_mtime), usegmt=True)


def test_a_link_that_moved_without_a_word_is_seen_all_the_same(
    get: Callable[..., Answer], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror's link may be moved by another program; the marker then stands still."""
    monkeypatch.setattr(marker, "FRESH", 0.0)
    put(root, "Réparation", revision=2)
    get("/fr/")
    (root / "next").symlink_to("00000001")
    (root / "next").rename(root / "current")

    assert get("/fr/").headers["X-Publication"] == "1"


def test_a_publisher_that_died_while_the_link_moved_hides_nothing(
    get: Callable[..., Answer], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marker, "FRESH", 1000.0)
    put(root, "Réparation", revision=2)
    get("/fr/")
    with suppress(InterruptedError), marker.moving(root):
        (root / "next").symlink_to("00000001")
        (root / "next").rename(root / "current")
        raise InterruptedError

    assert get("/fr/").headers["X-Publication"] == "1"


def test_while_nothing_moves_the_disk_is_not_asked(
    get: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marker, "FRESH", 1000.0)
    get("/fr/")
    monkeypatch.setattr("os.lstat", None)

    assert get("/fr/").status == 200


def test_pages_of_the_archive_are_found_where_the_publication_has_none(tmp_path: Path) -> None:
    page = tmp_path / "archive/00000007/site/fr/incidents/k7m2q9x4tb1d/index.html"
    page.parent.mkdir(parents=True)
    page.write_bytes(b"<p>archived")
    archive = Archive(7, 1, "", None, 0, frozenset(), {})
    publish(documents(facts()), tmp_path, revision=1, at=AT, headers=HEADERS, archive=archive)
    get = asking(StatusFront(broken, tmp_path))

    assert get("/fr/incidents/k7m2q9x4tb1d/").body == b"<p>archived"
    assert get("/fr/incidents/k7m2q9x4tb1d").headers["Location"] == "/fr/incidents/k7m2q9x4tb1d/"
    assert [get(path).status for path in OUTSIDE] == [404] * len(OUTSIDE)
    assert get("/fr/").headers["X-Publication"] == get("/fr/incidents/k7m2q9x4tb1d/").headers["X-Publication"]


def test_made_up_encodings_cost_a_look_and_no_memory(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fronting, "MOST_REMEMBERED", 3)
    front = StatusFront(broken, root)
    get = asking(front)
    for number in range(20):
        assert get("/fr/", accept_encoding=f"x{number}, gzip").headers["Content-Encoding"] == "gzip"

    assert front._files
    assert 0 < len(front._files.remembered) <= 3
