"""nginx over the same folder answers as the front does: address by address, header by header."""

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from comms.status.archive import Archive
from comms.status.front import OF_A_BODY, StatusFront
from comms.status.publish import publish, published
from comms.status.render import CACHE, HEADERS, documents
from tests.comms.status.facts import AT, facts, incident, resolved
from tests.comms.status.test_front import OUTSIDE, Answer, asking, broken

pytestmark = pytest.mark.journey

CONFIGURATION = Path(__file__).parents[3] / "deploy" / "nginx.conf"
SHOWN = "/var/lib/farmaflux-desk/status"
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
ABOUT_ITSELF = {"Date", "Server", "Connection", "Transfer-Encoding", "Keep-Alive"}
ARCHIVED = "/fr/incidents/p2d6f9j4sk7z/"


class Site(NamedTuple):
    root: Path
    port: int

    @property
    def addresses(self) -> list[str]:
        shown = published(self.root)
        assert shown
        plain = [name for name in shown.files if not name.endswith((".br", ".gz"))]
        return [*("/" + name.removesuffix("index.html") for name in plain if "404." not in name), ARCHIVED]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with an archive, served by an nginx of its own."""
    if not shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        if os.environ.get("CI"):
            pytest.fail("nginx is not installed (Debian: nginx-light)")
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    root, folder = tmp_path_factory.mktemp("status"), tmp_path_factory.mktemp("nginx")
    old = root / "archive/00000003/site" / ARCHIVED.strip("/") / "index.html"
    old.parent.mkdir(parents=True)
    old.write_text("<p>archived " * 50)
    publish(
        documents(facts(incident(), resolved(id="r2d6f9j4sk7z"))),
        root,
        revision=1,
        at=AT,
        headers=HEADERS,
        archive=Archive(3, 1, "", None, 0, frozenset(), {}),
    )
    for each in (root, folder, *root.rglob("*")):  # nginx' workers are somebody else when root starts it
        each.chmod(0o755 if each.is_dir() else 0o644)
    port = free_port()
    with running(folder, configured(folder, root, port), port):
        yield Site(root, port)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configured(folder: Path, root: Path, port: int) -> Path:
    """The configuration as it is deployed, with the two values that every installation sets."""
    deployed = CONFIGURATION.read_text()
    assert deployed.count("listen 127.0.0.1:8080") == deployed.count(SHOWN) == 1
    (folder / "site.conf").write_text(deployed.replace("8080", str(port)).replace(SHOWN, str(root)))
    brotli = CONFIGURATION.with_name("nginx-brotli.conf").read_text() if BROTLI.exists() else ""
    (folder / "brotli.conf").write_text(brotli)
    modules = f"load_module {BROTLI};" if brotli else ""
    user = "user root;" if os.geteuid() == 0 else ""
    kept = "".join(
        f"{each}_temp_path {folder}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"{modules}{user} daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;"
        f"events {{}} http {{ access_log off; {kept} include {folder}/brotli.conf; include {folder}/site.conf; }}"
    )
    return main


class running:  # noqa: N801  # reads as a verb
    def __init__(self, folder: Path, configuration: Path, port: int) -> None:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        self.nginx = subprocess.Popen(
            [str(program), "-e", f"{folder}/error", "-p", str(folder), "-c", str(configuration)]
        )
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        pytest.fail((folder / "error").read_text())

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None:
        self.nginx.terminate()
        self.nginx.wait()


def asked(site: Site, path: str, *, method: str = "GET", **headers: str) -> Answer:
    """What nginx says. The path goes out as it is, with whatever it holds."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    found = {name: value for name, value in answer.getheaders() if name not in ABOUT_ITSELF}
    body = answer.read()
    connection.close()
    return Answer(answer.status, found, body)


def both(site: Site, path: str, *, method: str = "GET", **headers: str) -> tuple[Answer, Answer]:
    front = asking(StatusFront(broken, site.root))
    return asked(site, path, method=method, **headers), front(path, method=method, **headers)


def without_words(answer: Answer) -> tuple[int, dict[str, str]]:
    """Of an answer that leads elsewhere or refuses: what nginx adds for the eye does not count."""
    return answer.status, {name: value for name, value in answer.headers.items() if name not in OF_A_BODY}


ENCODINGS = [
    "",
    "gzip",
    "gzip, deflate",
    "identity",
    "zstd",
    *(["br", "gzip, br"] if BROTLI.exists() else []),
]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_address_is_the_same_from_both(site: Site, encoding: str, method: str) -> None:
    assert len(site.addresses) > 30
    for path in site.addresses:
        nginx, front = both(site, path, method=method, accept_encoding=encoding)

        assert (nginx.status, path) == (200, path)
        assert (nginx, path) == (front, path)


def test_who_knows_the_page_is_told_so_by_both(site: Site) -> None:
    for path in site.addresses:
        tag = asked(site, path).headers["ETag"]
        for known in (tag, f'"x", W/{tag}', "*"):
            nginx, front = both(site, path, if_none_match=known)

            assert (nginx.status, nginx.body) == (304, b"")
            assert (nginx, path) == (front, path)
        nginx, front = both(
            site, path, if_none_match='"x"', if_modified_since="Fri, 01 Jul 2032 13:20:00 GMT"
        )
        assert (nginx.status, nginx) == (200, front)


@pytest.mark.parametrize(
    "path", [*OUTSIDE, "/fr/unknown/", "/nl/unknown", "/api/v2/unknown.json", "/de/404.html"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there_is_not_there_in_the_same_words(site: Site, path: str, method: str) -> None:
    if "../" in path:  # no browser or proxy sends it; nginx goes up by itself and finds nothing, or refuses
        assert asked(site, path).status in (400, 404)
        return
    nginx, front = both(site, path, method=method)

    assert nginx.status == 404
    assert nginx == front


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/fr/", "/api/v2/summary.json", ARCHIVED, "/fr/unknown/"])
def test_both_are_only_read(site: Site, path: str, method: str) -> None:
    nginx, front = both(site, path, method=method)

    assert (nginx.status, nginx.headers["Allow"]) == (405, "GET, HEAD")
    assert without_words(nginx) == without_words(front)


@pytest.mark.parametrize(
    ("path", "language", "status", "to"),
    [
        ("/fr", "", 301, "/fr/"),
        ("/fr/history", "", 301, "/fr/history/"),
        (ARCHIVED[:-1], "", 301, ARCHIVED),
        ("/", "nl-BE,nl;q=0.9,fr;q=0.8", 302, "/nl/"),
        ("/", "DE", 302, "/de/"),
        ("/", "es, it;q=0.9, fr;q=0.5", 302, "/fr/"),
    ],
)
def test_both_lead_to_the_same_place(site: Site, path: str, language: str, status: int, to: str) -> None:
    nginx, front = both(site, path, accept_language=language)

    assert (nginx.status, nginx.headers["Location"], nginx.headers["Cache-Control"]) == (status, to, CACHE)
    assert without_words(nginx) == without_words(front)


def test_a_language_that_we_do_not_speak_lets_choose(site: Site) -> None:
    nginx, front = both(site, "/", accept_language="it")

    assert nginx.status == 200
    assert nginx == front


def test_part_of_a_page_is_given_whole_by_both(site: Site) -> None:
    nginx, front = both(site, "/fr/", range="bytes=0-99")

    assert (nginx.status, nginx) == (200, front)


def test_a_new_publication_is_nginx_answer_from_the_next_request_on(site: Site) -> None:
    before = asked(site, "/fr/")
    publish(documents(facts()), site.root, revision=2, at=AT, headers=HEADERS)
    after = asked(site, "/fr/", if_none_match=before.headers["ETag"])

    assert (after.status, int(after.headers["X-Publication"])) == (
        200,
        int(before.headers["X-Publication"]) + 1,
    )
