"""What the public reads of planned work."""

from datetime import timedelta

import pytest

from comms.status.facts import Facts
from comms.status.html import join
from comms.status.languages import WORDS
from comms.status.pages.maintenance import maintenance_block, window
from comms.status.render import documents, render
from incidents.models.states import MaintenanceStatus as S
from incidents.models.states import ServiceStatus
from tests.comms.status.facts import AT, BEGAN, facts, incident, maintenance, maintenance_note, text
from tests.comms.status.reading import Read, shown

HOUR = timedelta(hours=1)
LIST = "fr/maintenance/index.html"
ONE = "fr/maintenance/m1w2x3y4z5a6/index.html"
TONIGHT = maintenance()


def block(known: Facts, language: str = "fr") -> str:
    return Read(join(maintenance_block(known, WORDS[language])).encode()).text.strip()


def test_the_list_tells_what_is_under_way_then_what_comes_then_what_is_over() -> None:
    work = tuple(
        maintenance(
            id=f"work{place:08}",
            title=text(f"Travaux {place}"),
            status=status,
            starts_at=BEGAN - place * HOUR,
        )
        for place, status in enumerate((S.SCHEDULED, S.COMPLETED, S.SCHEDULED, S.IN_PROGRESS))
    )

    page = shown(LIST, maintenances=work).text

    order = ["En cours", "Travaux 3", "À venir", "Travaux 2", "Travaux 0", "Passés", "Travaux 1"]
    assert sorted(order, key=page.index) == order


def test_where_nothing_is_planned_the_list_says_so() -> None:
    empty, over, planned = (
        shown(LIST, maintenances=work).text
        for work in ((), (maintenance(status=S.COMPLETED),), (maintenance(),))
    )

    assert [WORDS["fr"].work.none in page for page in (empty, over, planned)] == [True, True, False]


def test_a_page_says_when_what_and_which_services() -> None:
    page = shown(ONE, maintenances=(TONIGHT,)).text

    assert "Redémarrage complet De courtes interruptions." in page
    assert "Prévu vendredi 1er juillet 2022, 22:00 – 24:00" in page
    assert "Services concernés Tests rapides, Transfert" in page
    assert "Dernier changement à 15:09, vendredi 1er juillet 2022." in page


def test_what_was_planned_and_what_was_done_are_told_apart() -> None:
    done = maintenance(
        status=S.COMPLETED,
        started_at=TONIGHT.starts_at + HOUR / 12,
        completed_at=TONIGHT.ends_at + HOUR / 2,
    )

    page = shown(ONE, maintenances=(done,)).text

    assert "Prévu vendredi 1er juillet 2022, 22:00 – 24:00" in page
    assert "Réel vendredi 1er juillet 2022 à 22:05 – samedi 2 juillet 2022 à 00:30" in page


def test_notes_come_newest_first_and_the_plan_is_not_told_twice() -> None:
    work = maintenance(
        status=S.VERIFYING,
        started_at=TONIGHT.starts_at,
        notes=(
            maintenance_note(status=S.VERIFYING, body=text("Nous vérifions.")),
            maintenance_note(status=S.IN_PROGRESS, body=text("Nous commençons.")),
            *TONIGHT.notes,
        ),
    )

    page = shown(ONE, maintenances=(work,)).text

    assert page.index("Nous vérifions.") < page.index("Nous commençons.")
    assert page.count("De courtes interruptions.") == 1


def test_the_incident_it_follows_is_one_click_away() -> None:
    outage = incident()
    after, alone = (
        shown(ONE, outage, maintenances=(maintenance(follows=follows),)) for follows in (outage.id, None)
    )
    address = f"/fr/incidents/{outage.id}/"

    assert [("a", {"href": address}) in page.elements for page in (after, alone)] == [True, False]


@pytest.mark.parametrize(
    ("status", "links"), [(S.SCHEDULED, 1), (S.IN_PROGRESS, 1), (S.VERIFYING, 1), (S.COMPLETED, 0)]
)
def test_what_is_not_over_can_be_put_in_a_calendar(status: S, links: int) -> None:
    page = shown(ONE, maintenances=(maintenance(status=status),))

    assert page.elements.count(("a", {"href": "/fr/maintenance/m1w2x3y4z5a6.ics"})) == links


def test_every_link_to_a_calendar_leads_to_one() -> None:
    files = render(facts(maintenances=(TONIGHT,)))

    for language in WORDS:
        for page in ("maintenance/", "maintenance/m1w2x3y4z5a6/"):
            read = Read(files[f"{language}/{page}index.html"])
            calendars = [
                a["href"] or "" for name, a in read.elements if name == "a" and "ics" in str(a["href"])
            ]
            assert calendars
            for href in calendars:
                assert files[href.removeprefix("/")].startswith(b"BEGIN:VCALENDAR\r\n")


def test_the_page_of_one_and_the_calendars_do_not_depend_on_the_moment_nor_on_incidents() -> None:
    now, later = (
        render(facts(*incidents, maintenances=(TONIGHT,), at=at))
        for incidents, at in (((), AT), ((incident(),), AT + 9 * HOUR))
    )

    for name in now:
        if "m1w2x3y4z5a6" in name or "maintenance.ics" in name:
            assert now[name] == later[name]


@pytest.mark.parametrize("part", ["m1w2x3y4z5a6", "maintenance.ics"])
def test_its_key_changes_with_it_with_the_names_of_services_and_with_nothing_else(part: str) -> None:
    def keys(known: Facts) -> set[str]:
        return {document.key for document in documents(known) if part in document.name}

    known = facts(maintenances=(TONIGHT,))
    moved = facts(maintenances=(maintenance(revision=1),))
    renamed = facts(maintenances=(TONIGHT,), groups=known.groups[:1])

    assert len(keys(known)) == 1
    assert keys(known) == keys(facts(incident(), maintenances=(TONIGHT,), at=AT + HOUR))
    assert keys(known) != keys(moved)
    assert keys(known) != keys(renamed)
    assert keys(known) != {""}


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("address", ["maintenance/", "maintenance/m1w2x3y4z5a6/"])
def test_a_text_that_is_missing_is_shown_in_another_language_and_says_so(language: str, address: str) -> None:
    page = shown(f"{language}/{address}index.html", maintenances=(TONIGHT,))

    said = TONIGHT.body.said_in(language)
    assert said.text in page.text
    assert ("p", {"lang": said.language} if said.language != language else {}) in page.elements
    marked = WORDS[language].in_other_language.format(language=WORDS[language].language_names[said.language])
    assert (marked in page.text) == (said.language != language)


# On the status page


def test_nothing_is_said_where_nothing_is_planned() -> None:
    assert maintenance_block(facts(), WORDS["fr"]) is None
    assert maintenance_block(facts(maintenances=(maintenance(status=S.COMPLETED),)), WORDS["fr"]) is None


def test_what_is_announced_is_told_with_its_hours_and_services() -> None:
    assert block(facts(maintenances=(TONIGHT,))) == (
        "Entretien prévu Prévu vendredi 1er juillet 2022, 22:00 – 24:00 Redémarrage complet De courtes interruptions. "
        "Services concernés\u00a0: Tests rapides, Transfert Ajouter à votre agenda (ICS) Entretiens"
    )


def test_what_is_under_way_is_not_called_planned() -> None:
    planned, begun = (
        block(facts(maintenances=(maintenance(status=s),))) for s in (S.SCHEDULED, S.IN_PROGRESS)
    )

    assert (planned.startswith("Entretien prévu Prévu "), begun.startswith("Entretiens En cours ")) == (
        True,
        True,
    )


@pytest.mark.parametrize(
    ("status", "hours", "said"),
    [
        (S.SCHEDULED, -1, None),
        (S.SCHEDULED, 1, "begins_late"),
        (S.IN_PROGRESS, 1, None),
        (S.IN_PROGRESS, 3, "ends_late"),
        (S.VERIFYING, 3, "ends_late"),
    ],
)
def test_late_is_said_to_be_late(status: S, hours: int, said: str | None) -> None:
    page = block(facts(maintenances=(maintenance(status=status),), at=TONIGHT.starts_at + hours * HOUR))

    words = WORDS["fr"].work
    assert [name for name in ("begins_late", "ends_late") if getattr(words, name) in page] == (
        [said] if said else []
    )


def test_at_most_three_are_told_what_is_under_way_before_what_comes_first() -> None:
    work = tuple(
        maintenance(
            id=f"work{place:08}",
            title=text(f"Travaux {place}"),
            starts_at=TONIGHT.starts_at - place * HOUR,
            status=S.SCHEDULED if place != 1 else S.IN_PROGRESS,
        )
        for place in range(5)
    )

    told = block(facts(maintenances=work))

    order = ["Travaux 1", "Travaux 4", "Travaux 3"]
    assert sorted(order, key=told.index) == order
    assert not any(f"Travaux {place}" in told for place in (0, 2))


@pytest.mark.parametrize(
    ("status", "title"),
    [(S.SCHEDULED, WORDS["fr"].calm), (S.IN_PROGRESS, "Entretien en cours"), (S.COMPLETED, WORDS["fr"].calm)],
)
def test_the_status_page_is_not_calm_while_work_is_under_way(status: S, title: str) -> None:
    page = shown("fr/index.html", maintenances=(maintenance(status=status),))

    assert (title in page.text, WORDS["fr"].calm in page.text) == (True, title == WORDS["fr"].calm)


@pytest.mark.parametrize("status", [S.IN_PROGRESS, S.VERIFYING])
def test_services_are_under_maintenance_while_it_lasts_unless_worse(status: S) -> None:
    work = maintenance(status=status, started_at=TONIGHT.starts_at)

    conditions = facts(incident(), maintenances=(work,)).conditions

    assert {service: condition.status for service, condition in conditions.items()} == {
        "service00000": ServiceStatus.MAJOR,
        "service00001": ServiceStatus.OPERATIONAL,
        "service00002": ServiceStatus.MAINTENANCE,
    }


@pytest.mark.parametrize(
    ("hours", "length", "shown_as"),
    [
        (0, 2, "vendredi 1er juillet 2022, 22:00 – 24:00"),
        (-2, 1, "vendredi 1er juillet 2022, 20:00 – 21:00"),
        (0, 3, "vendredi 1er juillet 2022 à 22:00 – samedi 2 juillet 2022 à 01:00"),
        (2, 1, "samedi 2 juillet 2022, 00:00 – 01:00"),
        (2, 0, "samedi 2 juillet 2022, 00:00 – 00:00"),
        (0, 26, "vendredi 1er juillet 2022 à 22:00 – dimanche 3 juillet 2022 à 00:00"),
    ],
)
def test_midnight_ends_the_day_that_it_ends(hours: int, length: int, shown_as: str) -> None:
    began = TONIGHT.starts_at + hours * HOUR

    assert Read(window(began, began + length * HOUR, WORDS["fr"]).encode()).text == shown_as


def test_what_was_cancelled_is_said_to_be_until_its_hours_are_over_and_then_among_what_is_past() -> None:
    gone = maintenance(status=S.CANCELLED)
    known = facts(cancelled=(gone,))

    assert "Annulé vendredi 1er juillet 2022, 22:00 – 24:00 Redémarrage complet" in block(known)
    assert maintenance_block(facts(cancelled=(gone,), at=gone.ends_at), WORDS["fr"]) is None
    assert "Passés Annulé Redémarrage complet" in shown(LIST, cancelled=(gone,)).text
    assert "Annulé Redémarrage complet" in shown(ONE, cancelled=(gone,)).text
    assert not [
        href for name, href in shown(ONE, cancelled=(gone,)).elements if name == "a" and ".ics" in str(href)
    ]
    assert {each.status for each in known.conditions.values()} == {ServiceStatus.OPERATIONAL}


def test_work_that_began_at_another_time_is_told_with_that() -> None:
    early = maintenance(status=S.IN_PROGRESS, started_at=TONIGHT.starts_at - HOUR)

    assert "En cours vendredi 1er juillet 2022, 21:00 – 24:00" in block(facts(maintenances=(early,)))
