"""Pages of what is over: built aside, found through every publication, renewed when they change."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from pytest_django import Settings

from accounts.roles import Role
from comms.status import archive, archiving, facts, incident_facts, site, snapshot
from comms.status.pages import incident as incident_pages
from comms.status.words import Words
from incidents import operations
from incidents.models import (
    Impact,
    Incident,
    MaintenanceStatus,
    Phase,
    PhaseChange,
    PublicRevision,
    ServiceStatus,
)
from incidents.opening_hours import Window
from tests import factories
from tests.factories import OUTAGE

pytestmark = pytest.mark.django_db
AT = OUTAGE + timedelta(days=400)


@pytest.fixture(autouse=True)
def _nothing_read_before() -> None:
    incident_facts._known.clear()


@pytest.fixture
def root(settings: Settings) -> Path:
    return Path(settings.DESK_STATUS_ROOT)


def over(days: int = 0, **fields: Any) -> Incident:
    """An incident of so many days after the outage, resolved, its change counted as the operations do."""
    began_at = OUTAGE + timedelta(days=days)
    made = factories.incident(
        began_at=began_at, services={factories.service("eforms"): ServiceStatus.MAJOR}, **fields
    )
    ended = began_at + timedelta(hours=2)
    Impact.objects.filter(incident=made).update(ended_at=ended)
    PhaseChange.objects.create(
        incident=made, phase=Phase.RESOLVED, occurred_at=ended, recorded_at=ended, by=made.declared_by
    )
    touch(made)
    return made


@transaction.atomic
def touch(incident: Incident) -> None:
    PublicRevision.objects.bump(incident)


def retitle(incident: Incident, title: str) -> None:
    Incident.objects.filter(pk=incident.pk).update(title_fr=title)
    touch(incident)


def page(root: Path, address: str) -> str | None:
    """What a reader of fr/*address* gets: the publication's own file, else its archive's."""
    for place in ("site", "site/archive"):
        path = root / "current" / place / "fr" / address / "index.html"
        if path.exists():
            return path.read_text()
    return None


def test_what_is_over_moves_into_the_archive_and_stays_where_it_was(root: Path) -> None:
    old = over(title_fr="Panne de juillet")
    site.renew(AT)
    before = page(root, f"incidents/{old.public_id}")

    archiving.build(root, AT)
    site.renew(AT)

    own = root / "current/site/fr/incidents" / old.public_id
    assert not own.exists()
    assert page(root, f"incidents/{old.public_id}") == before
    assert "Panne de juillet" in (page(root, "history/2022-07") or "")


def test_an_archive_of_four_languages_has_compressed_siblings(root: Path) -> None:
    old = over()
    built = archiving.build(root, AT)

    folder = root / "archive" / f"{built.number:08}" / "site"
    names = {path.name for path in folder.glob(f"*/incidents/{old.public_id}/*")}
    assert names == {"index.html", "index.html.br", "index.html.gz"}
    assert len(list(folder.glob("*/incidents/*/index.html"))) == 4


def test_what_changes_later_is_found_before_the_archive(root: Path) -> None:
    old, other = over(title_fr="Panne"), over(1, title_fr="Autre")
    archiving.build(root, AT)

    retitle(old, "Panne corrigée")
    site.renew(AT)

    assert "Panne corrigée" in (page(root, f"incidents/{old.public_id}") or "")
    assert "Panne corrigée" in (page(root, "history/2022-07") or "")
    assert not (root / "current/site/fr/incidents" / other.public_id).exists()


def test_a_relapse_stands_on_both_pages(root: Path) -> None:
    first = over(title_fr="La première")
    archiving.build(root, AT)

    second = over(1, title_fr="La rechute", relapse_of=first)
    site.renew(AT)
    retitle(first, "La première, corrigée")
    site.renew(AT)

    assert "La rechute" in (page(root, f"incidents/{first.public_id}") or "")
    assert "La première, corrigée" in (page(root, f"incidents/{second.public_id}") or "")


def test_what_is_over_names_the_work_that_finishes_it_as_it_is_now(root: Path) -> None:
    old = over()
    archiving.build(root, AT)

    def told() -> str:
        site.renew(AT)
        return page(root, f"incidents/{old.public_id}") or ""

    lead, services = factories.user(Role.COMMUNICATIONS), [factories.service("dpp")]
    titles, bodies = {"fr": "Redémarrage", "nl": "Herstart"}, {"fr": "Coupures.", "nl": "Onderbrekingen."}
    tonight = Window(AT + timedelta(hours=8), AT + timedelta(hours=9))
    work = operations.plan_maintenance(
        key=uuid4(),
        titles=titles,
        bodies=bodies,
        services=services,
        window=tonight,
        follows=old,
        by=lead,
        at=AT,
    )
    planned = told()
    operations.amend_maintenance(work, titles={"fr": "Redémarrage complet"}, by=lead, at=AT)
    amended = told()
    operations.move_maintenance(work, MaintenanceStatus.CANCELLED, key=uuid4(), by=lead, at=AT)

    assert (">Redémarrage<" in planned, ">Redémarrage complet<" in amended) == (True, True)
    assert ">Redémarrage complet</a>, Annulé" in told()


def test_what_lasts_is_in_no_archive_and_always_on_the_site(root: Path) -> None:
    lasting = factories.incident(services={factories.service("eforms"): ServiceStatus.MAJOR})
    touch(lasting)
    built = archiving.build(root, AT)
    site.renew(AT)

    folder = root / "archive" / f"{built.number:08}" / "site"
    assert not list(folder.glob("*/incidents/*"))
    assert page(root, f"incidents/{lasting.public_id}")


def test_the_next_archive_writes_only_what_changed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same, changed = over(title_fr="Pareil"), over(40, title_fr="Avant")
    first = archiving.build(root, AT)
    retitle(changed, "Après")
    written: list[str] = []

    def note(_facts: facts.Facts, incident: facts.Incident, _words: Words) -> list[str]:
        written.append(incident.id)
        return []

    monkeypatch.setattr(incident_pages, "_facts", note)

    second = archiving.build(root, AT)

    def file(number: int, incident: Incident) -> int:
        path = root / "archive" / f"{number:08}" / "site/fr/incidents" / incident.public_id / "index.html"
        return path.stat().st_ino

    assert set(written) == {changed.public_id}
    assert file(first.number, same) == file(second.number, same)
    assert file(first.number, changed) != file(second.number, changed)


def test_a_partner_or_service_with_another_name_makes_the_next_archive_due(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "MOST_UNARCHIVED", 0)
    old = over()
    site.archive_if_due(AT)
    settled = site.archive_if_due(AT)
    old.impacts.get().service.__class__.objects.update(name_fr="Nouveau nom")
    with transaction.atomic():
        PublicRevision.objects.bump_names()

    assert settled is None
    assert site.archive_if_due(AT)
    assert "Nouveau nom" in (page(root, f"incidents/{old.public_id}") or "")


def test_an_archive_is_due_after_so_many_changes_and_no_sooner(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "MOST_UNARCHIVED", 2)
    made = [over(day) for day in range(2)]
    few = site.archive_if_due(AT)
    made.append(over(2))
    enough = site.archive_if_due(AT)

    assert few is None
    assert enough
    assert enough.archive == 1
    assert all(page(root, f"incidents/{each.public_id}") for each in made)


def test_months_are_counted_over_archive_and_later_changes(root: Path) -> None:
    first = over()
    over(40)
    built = archiving.build(root, AT)
    retitle(first, "Corrigée")
    over(41)

    months = snapshot.snapshot(AT, archive=built).months

    assert [(month.key, month.incidents, len(month.listed)) for month in months] == [
        ("2022-08", 2, 2),
        ("2022-07", 1, 1),
    ]


def test_a_spoilt_archive_is_none_and_the_site_does_without(root: Path) -> None:
    old = over()
    built = archiving.build(root, AT)
    shutil.rmtree(root / "archive" / f"{built.number:08}")

    site.renew(AT)

    assert archive.newest(root) is None
    assert page(root, f"incidents/{old.public_id}")


def test_archives_that_nothing_points_to_go_after_a_while(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "GRACE", -1)
    over()
    for _ in range(3):
        archiving.build(root, AT)
    site.renew(AT)
    site.clear_away()

    assert sorted(path.name for path in (root / "archive").glob("0*")) == ["00000003"]


def test_after_the_database_was_set_back_no_archive_of_before_is_shown(root: Path) -> None:
    old = over(title_fr="Ce qui fut")
    archiving.build(root, AT)
    PublicRevision.objects.update(number=0)
    Incident.objects.filter(pk=old.pk).update(title_fr="Ce qui est", revision=0)

    publication = site.renew(AT, even_if_older=True)

    assert publication.archive is None
    assert "Ce qui est" in (page(root, f"incidents/{old.public_id}") or "")
