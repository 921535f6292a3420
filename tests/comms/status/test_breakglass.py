"""The notice that needs nothing but the folder."""

import errno
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django import Settings

from comms.operations.notices import tell_notices
from comms.status import archiving, notice, site
from comms.status import breakglass as breakglass_module
from comms.status.facts import Facts
from comms.status.files import Unfinished
from comms.status.front import StatusFront
from comms.status.publish import Publication, published
from comms.status.snapshot import snapshot
from incidents.models import Entry
from tests import factories
from tests.comms.status.reading import Read
from tests.comms.status.test_archive import AT, over, page
from tests.comms.status.test_front import asking, broken

FR, NL = "Appelez le 02 555 01 00 <b>jusqu’à minuit</b>.", "Bel 02 555 01 00 tot middernacht."
ESCAPED = "&lt;b&gt;jusqu’à minuit&lt;/b&gt;"
pytestmark = pytest.mark.django_db


@pytest.fixture
def root(settings: Settings) -> Path:
    return Path(settings.DESK_STATUS_ROOT)


def breakglass(*arguments: str, **options: str) -> None:
    call_command("breakglass", *arguments, **options)


def pages(root: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in (root / "current/site").rglob("*.html")}


def test_the_notice_stands_on_every_page_as_text_in_each_language(root: Path) -> None:
    factories.incident()
    site.renew(AT)
    breakglass(FR, NL, de="Rufen Sie an.")

    assert len(pages(root)) > 15
    for name, content in pages(root).items():
        assert Read(content.encode()).count("b") == content.count("<b>")
        told = {"/nl/": NL, "/de/": "Rufen Sie an."}
        expected = next((text for part, text in told.items() if part in name), ESCAPED)
        assert expected in content, name
    assert "text in French" in (root / "current/site/en/index.html").read_text()


def test_pages_of_what_is_over_have_it_too_and_lose_it_again(root: Path) -> None:
    old = over()
    archiving.build(root, AT)
    site.renew(AT)
    before = page(root, f"incidents/{old.public_id}")

    breakglass(FR, NL)
    during = page(root, f"incidents/{old.public_id}")
    due = site.archive_if_due(AT)
    breakglass("--clear")

    assert ESCAPED in (during or "")
    assert due is None, "the archive with the notice is up to date"
    assert page(root, f"incidents/{old.public_id}") == before


def test_further_places_have_it_at_once_and_one_that_fails_keeps_nothing_up(
    root: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DESK_STATUS_MIRROR = mirror = tmp_path / "mirror"
    site.renew(AT)
    breakglass(FR, NL)
    failed = capsys.readouterr().out
    mirror.mkdir()
    breakglass(FR, NL)

    assert f"{mirror}: No such file or directory" in failed
    assert f"{mirror}: publication 3." in capsys.readouterr().out
    assert NL in (mirror / "current/site/nl/index.html").read_text()


def test_it_stays_through_every_later_publication_until_it_is_taken_down(root: Path) -> None:
    site.renew(AT)
    breakglass(FR, NL)
    site.renew(AT + timedelta(minutes=1))
    later = (root / "current/site/nl/index.html").read_text()
    breakglass("--clear")
    cleared = pages(root)
    site.renew(AT + timedelta(minutes=2))

    assert NL in later
    assert not [
        name for name, content in {**cleared, **pages(root)}.items() if NL in content or ESCAPED in content
    ]


def test_what_is_no_page_is_as_it_was_and_the_number_grew(root: Path) -> None:
    site.renew(AT)
    before = published(root)
    breakglass(FR, NL)
    after = published(root)

    assert before
    assert after
    assert (after.number, after.revision, after.at) == (before.number + 1, before.revision, before.at)
    assert {name: digest for name, digest in after.files.items() if ".htm" not in name} == {
        name: digest for name, digest in before.files.items() if ".htm" not in name
    }


def test_who_asks_for_no_language_reads_it_in_each_that_it_is_said_in(root: Path) -> None:
    site.renew(AT)
    breakglass(FR, NL)
    by_hand = (root / "current/site/index.html").read_text()
    site.renew(AT + timedelta(minutes=1))

    assert (ESCAPED in by_hand, NL in by_hand) == (True, True)
    assert (root / "current/site/index.html").read_text() == by_hand


def test_a_publication_that_was_under_way_does_not_take_it_down(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.renew(AT)
    once = iter([True])

    def meanwhile(*given: Any, **named: Any) -> Facts:
        facts = snapshot(*given, **named)
        if next(once, False):
            breakglass(FR, NL)
        return facts

    monkeypatch.setattr(site, "snapshot", meanwhile)
    site.renew(AT + timedelta(minutes=1))

    assert NL in (root / "current/site/nl/index.html").read_text()


def test_what_was_published_while_it_was_put_up_has_it_too(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.renew(AT)

    def meanwhile(where: Path) -> Publication | None:
        """What is shown; then comes what had looked just before there was a notice."""
        shown = published(where)
        if shown and shown.at == AT:
            with monkeypatch.context() as before:
                before.setattr(notice, "standing", lambda _root: None)
                site.renew(AT + timedelta(minutes=1))
        return shown

    monkeypatch.setattr(breakglass_module, "published", meanwhile)
    breakglass(FR, NL)

    shown = published(root)
    assert shown
    assert shown.at == AT + timedelta(minutes=1)
    assert NL in (root / "current/site/nl/index.html").read_text()


def test_a_disk_that_refuses_is_said_in_one_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    site.renew(AT)
    monkeypatch.setattr(Unfinished, "store", refuse)

    with pytest.raises(CommandError, match="Not shown yet: No space left on device"):
        breakglass(FR, NL)


def test_it_stands_in_the_banners_of_software_houses_each_in_its_language_and_goes_again(root: Path) -> None:
    site.renew(AT)
    before = banners(root)
    breakglass(FR, NL)
    during = banners(root)
    site.renew(AT)
    renewed = banners(root)
    breakglass("--clear")

    assert before.keys() == {"fr", "nl", "de", "en"}
    assert (ESCAPED in during["fr"], NL in during["nl"]) == (True, True)
    assert "Text auf Französisch" in during["de"]
    assert Read(during["nl"].encode()).count("a") == 2
    assert 'href="/nl/"' in during["nl"]
    assert renewed == during
    assert banners(root) == before


def banners(root: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in (root / "current/site/banner").glob("*.htm")}


def test_compressed_readers_see_it_as_well(root: Path) -> None:
    site.renew(AT)
    breakglass(FR, NL)
    answer = asking(StatusFront(broken, root))("/nl/", accept_encoding="br")
    assert NL in brotli.decompress(answer.body).decode()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "in French and in Dutch"),
        (("Seul",), "in French and in Dutch"),
        (("x" * 301, "y"), "at most 300"),
        (("Le 85.07.30-033.28", "y"), "national number"),
        (("Un", "Een", "--clear"), "either a notice or --clear"),
    ],
)
def test_what_cannot_be_put_up_is_refused_and_changes_nothing(
    root: Path, arguments: tuple[str, ...], reason: str
) -> None:
    site.renew(AT)
    with pytest.raises(CommandError, match=reason):
        breakglass(*arguments)

    assert published(root).number == 1  # type: ignore[union-attr]
    assert not (root / "notice.json").exists()


def test_without_a_site_it_says_so_and_the_first_one_has_it(root: Path) -> None:
    with pytest.raises(CommandError, match="No publication"):
        breakglass(FR, NL)
    site.renew(AT)

    assert NL in (root / "current/site/nl/index.html").read_text()


def test_it_needs_neither_database_nor_redis_nor_mail(root: Path) -> None:
    """A process of its own, all of whose addresses lead nowhere."""
    site.renew(AT)
    environment = os.environ | {
        "DESK_STATUS_ROOT": str(root),
        "DESK_DATA_DIR": str(root.parent / "elsewhere"),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "MAIL_URL": "smtp://127.0.0.1:1",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "breakglass", FR, NL], env=environment, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert NL in (root / "current/site/nl/index.html").read_text()


def test_once_the_database_is_back_it_stands_in_every_open_timeline_once(root: Path) -> None:
    first, second = factories.incident(), factories.incident()
    over()
    site.renew(AT)
    breakglass(FR, NL)
    breakglass("--clear")

    told = [tell_notices(), tell_notices()]

    assert told == [4, 0]
    entries = list(Entry.objects.filter(incident__in=[first, second]).order_by("incident", "sequence"))
    assert [entry.text.startswith("Break-glass") for entry in entries] == [True] * 4
    assert [NL in entry.text for entry in entries] == [True, False] * 2
    assert Entry.objects.count() == 4


def test_what_was_put_up_long_ago_is_told_to_no_incident_of_today(root: Path, settings: Settings) -> None:
    factories.incident()
    site.renew(AT)
    breakglass(FR, NL)
    assert tell_notices(timezone.now() + timedelta(days=2)) == 0
