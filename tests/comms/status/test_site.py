"""The site beside the database, and the middleware that brings it up to date."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.management import call_command
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import translation
from pytest_django import DjangoAssertNumQueries, Settings

from comms.middleware import StatusSiteMiddleware
from comms.status import site
from comms.status.files import Unfinished
from comms.status.publish import published
from incidents.models import MaintenanceStatus, Phase, PublicRevision
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
AT = OUTAGE + timedelta(hours=2)


def change_something_public() -> None:
    with transaction.atomic():
        factories.incident(title_fr="Nouvelle panne")
        PublicRevision.objects.bump()


def page(settings: Settings) -> str:
    return (Path(settings.DESK_STATUS_ROOT) / "current/site/fr/index.html").read_text()


def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Unfinished, name: str, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Unfinished, "store", refuse)


@pytest.fixture
def answer(rf: RequestFactory) -> Callable[..., HttpResponse]:
    """What a request that changes something public is answered through the middleware."""

    def answer(method: str = "post", *, status: int = 200, changes: bool = True) -> HttpResponse:
        def view(request: HttpRequest) -> HttpResponse:
            if changes:
                change_something_public()
            return HttpResponse(status=status)

        return StatusSiteMiddleware(view)(getattr(rf, method)("/desk/"))

    return answer


def test_renewing_shows_what_is_public_now(settings: Settings) -> None:
    change_something_public()

    publication = site.renew(AT)

    assert (publication.number, publication.revision, publication.at) == (1, 1, AT)
    assert "Nouvelle panne" in page(settings)


def test_the_site_is_renewed_when_it_is_behind_or_was_never_published_and_only_then() -> None:
    first, again = site.renew_if_changed(), site.renew_if_changed()
    change_something_public()
    behind = site.renew_if_changed()

    assert first
    assert again is None
    assert behind
    assert (first.revision, behind.revision) == (0, 1)


def test_the_site_grows_old_in_a_minute_while_an_incident_lasts_and_in_an_hour_otherwise() -> None:
    site.renew(AT)
    calm = [bool(site.renew_if_old(AT + timedelta(minutes=minutes))) for minutes in (1, 59, 60)]
    change_something_public()
    site.renew(AT + timedelta(hours=2))
    disturbed = [bool(site.renew_if_old(AT + timedelta(hours=2, seconds=seconds))) for seconds in (30, 60)]

    assert (calm, disturbed) == ([False, False, True], [False, True])


@pytest.mark.parametrize(
    ("status", "hours", "publications"),
    [
        (MaintenanceStatus.SCHEDULED, 1, 0),
        (MaintenanceStatus.SCHEDULED, -1, 1),
        (MaintenanceStatus.IN_PROGRESS, -1, 1),
        (MaintenanceStatus.VERIFYING, -1, 1),
        (MaintenanceStatus.COMPLETED, -1, 0),
    ],
)
def test_the_site_grows_old_in_a_minute_while_maintenance_is_under_way_or_should_be(
    status: MaintenanceStatus, hours: int, publications: int
) -> None:
    factories.maintenance(status=status, starts_at=AT + timedelta(hours=hours))
    site.renew(AT)

    assert int(bool(site.renew_if_old(AT + timedelta(minutes=1)))) == publications


def test_a_promise_that_is_not_kept_becomes_late_by_renewal_alone(settings: Settings) -> None:
    outage = factories.incident()
    factories.update(outage, published_at=OUTAGE, next_update_at=OUTAGE + timedelta(minutes=20))
    site.renew(OUTAGE + timedelta(minutes=19))
    before = page(settings)
    site.renew_if_old(OUTAGE + timedelta(minutes=21))

    assert "Prochain message à" in before
    assert "a du retard" in page(settings)


def test_what_a_request_made_public_is_visible_before_its_answer_leaves(
    answer: Callable[..., HttpResponse], settings: Settings
) -> None:
    answer()

    assert "Nouvelle panne" in page(settings)


def test_what_a_request_committed_before_it_failed_is_visible_too(
    answer: Callable[..., HttpResponse], settings: Settings
) -> None:
    answer(status=500)

    assert "Nouvelle panne" in page(settings)


def test_what_is_rolled_back_publishes_nothing(rf: RequestFactory) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            change_something_public()
            transaction.set_rollback(True)
        return HttpResponse()

    site.renew()
    StatusSiteMiddleware(view)(rf.post("/desk/"))

    assert site.state().number == 1


def test_a_request_that_changes_nothing_public_costs_no_query(
    answer: Callable[..., HttpResponse], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        answer("get", changes=False)
        answer("post", changes=False)


def test_a_full_disk_breaks_no_answer_and_is_there_to_be_shown(
    answer: Callable[..., HttpResponse], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.renew()
    with monkeypatch.context() as patch:
        full_disk(patch)
        response = answer()
    broken = site.state()
    site.try_to_renew()
    mended = site.state()

    assert response.status_code == 200
    assert (broken.revision, broken.should_show, broken.behind) == (0, 1, True)
    assert "No space left on device" in broken.error
    assert (mended.revision, mended.behind, mended.error) == (1, False, "")


@translation.override("en")
def test_who_made_something_public_is_told_when_the_page_does_not_show_it(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        messages.success(request, "Visible.")
        change_something_public()
        return HttpResponse()

    def told() -> list[str]:
        request = rf.post("/desk/")
        request._messages = CookieStorage(request)  # type: ignore[attr-defined]
        StatusSiteMiddleware(view)(request)
        return [str(message) for message in messages.get_messages(request)]

    assert told() == ["Visible."]
    full_disk(monkeypatch)
    assert told() == [
        "Visible.",
        "The status page could not be renewed and does not show it yet: tell the operators.",
    ]


def test_the_state_of_a_site_never_published_is_behind() -> None:
    state = site.state()

    assert (state.number, state.published_at, state.behind) == (0, None, True)


def test_a_database_that_was_set_back_is_shown_when_asked_for(settings: Settings) -> None:
    change_something_public()
    site.renew(AT)
    PublicRevision.objects.update(number=0)

    site.renew(AT)
    kept = published(Path(settings.DESK_STATUS_ROOT))
    call_command("publish_status", "--even-if-older", stdout=StringIO())
    forced = published(Path(settings.DESK_STATUS_ROOT))

    assert kept
    assert forced
    assert (kept.revision, forced.revision, forced.number) == (1, 2, 2)


@pytest.mark.parametrize("noticed", ["at once", "later"])
def test_after_the_database_was_set_back_no_process_takes_the_new_for_what_is_gone(
    settings: Settings, noticed: str
) -> None:
    """The same numbers come again; a process that was not restarted remembers what they meant."""

    def said(title: str) -> None:
        with transaction.atomic():
            factories.update(incident, published_at=AT, texts={"fr": title, "nl": title})
            PublicRevision.objects.bump(incident)
        site.renew(AT)

    incident = factories.incident(began_at=AT)
    with transaction.atomic():
        PublicRevision.objects.bump(incident)
    kept = transaction.savepoint_create()
    for title in ("Perdu", "Perdu aussi", "Perdu encore"):
        said(title)
    transaction.savepoint_rollback(kept)

    if noticed == "later":
        said("Nouveau")
    call_command("publish_status", "--even-if-older", stdout=StringIO())
    if noticed == "at once":
        said("Nouveau")

    assert "Nouveau" in page(settings)
    assert "Perdu" not in page(settings)


def test_a_resolved_incident_leaves_the_page_calm(settings: Settings) -> None:
    factories.incident(phase=Phase.RESOLVED)
    with time_machine.travel(AT, tick=False):
        site.renew()

    assert "Tous les services fonctionnent." in page(settings)
