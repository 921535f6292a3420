"""What each page tells."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from comms.status.facts import Impact, Incident, PastImpact
from comms.status.languages import WORDS
from comms.status.moments import BRUSSELS, clock
from comms.status.render import render
from incidents.models.states import Phase, ServiceStatus
from tests.comms.status.facts import (
    AT,
    BEGAN,
    everywhere,
    facts,
    impact,
    incident,
    maintenance,
    milestone,
    resolved,
    text,
    update,
)
from tests.comms.status.reading import shown

DAY = timedelta(days=1)


def test_the_answer_comes_in_the_order_of_the_questions() -> None:
    told = update(
        central_confirmed=True,
        do=text("Enregistrez."),
        dont=text("Ne renvoyez pas."),
        patient=text("Il suivra."),
    )
    page = shown("fr/index.html", incident(updates=(told,), milestones=(milestone(),))).text
    order = [
        "Panne majeure",
        "Aucun certificat n’est créé.",
        "Ce n’est pas votre officine.",
        "Qu’est-ce qui fonctionne\u00a0?",
        "À faire en attendant",
        "Au patient\u00a0: «\u00a0Il suivra.\u00a0»",
        "À ne pas faire",
        "Prochain message à 15:45",
        "Retour à la normale",
        "Messages",
        "Services",
        "À jour à 15:20:00, vendredi 1er juillet 2022.",
    ]

    assert [page.count(part) > 0 for part in order] == [True] * len(order)
    assert sorted(order, key=page.index) == order


def test_it_is_not_your_pharmacy_only_when_a_central_fault_is_confirmed() -> None:
    said = {
        confirmed: WORDS["fr"].not_you
        in shown("fr/index.html", incident(updates=(update(central_confirmed=confirmed),))).text
        for confirmed in (True, False)
    }

    assert said == {True: True, False: False}


def test_before_the_first_message_the_page_says_what_is_disturbed_and_promises_no_time() -> None:
    page = shown("fr/index.html", incident(updates=())).text

    assert "eForms hors service" in page
    assert "Nous cherchons ce qui se passe." in page
    assert "Tests rapides\u00a0: hors service" in page
    assert "Un premier message suit ici" in page
    assert "Ce n’est pas votre officine." not in page
    assert "Prochain message" not in page


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (1, "Prochain message à 15:21"),
        (0, "Le message de 15:20 a du retard"),
        (-5, "Le message de 15:15 a du retard"),
    ],
)
def test_a_promise_that_was_not_kept_is_said_to_be_late(minutes: int, expected: str) -> None:
    promised = update(next_update_at=AT + timedelta(minutes=minutes))

    assert expected in shown("fr/index.html", incident(updates=(promised,))).text


def test_a_promise_for_another_day_names_the_day() -> None:
    promised = update(next_update_at=AT + timedelta(hours=16))

    page = shown("fr/index.html", incident(updates=(promised,))).text

    assert "Prochain message samedi 2 juillet à 07:20" in page


def test_both_times_of_a_message_are_told_where_they_differ_and_only_there() -> None:
    late, prompt = (
        shown("nl/index.html", incident(updates=(update(occurred_at=at),))).text
        for at in (BEGAN, BEGAN + timedelta(minutes=15))
    )

    assert "Gebeurd om 13:30, gepubliceerd om 13:45" in late
    assert "Gebeurd om" not in prompt


def test_in_the_night_that_has_an_hour_twice_a_time_says_which_of_them_it_means() -> None:
    began = datetime(2022, 10, 30, 0, 45, tzinfo=UTC)
    told = update(published_at=began + timedelta(minutes=30), occurred_at=began + timedelta(minutes=30))
    later = update(
        id="b" * 12, published_at=began + timedelta(hours=2), occurred_at=began + timedelta(hours=2)
    )
    world = incident(began_at=began, updates=(later, told))

    page = shown("nl/index.html", world, at=began + timedelta(hours=3))

    assert "sinds 02:45 CEST" in page.text
    assert re.findall(r"\b0[23]:\d\d(?: CES?T)?", page.text.partition("Berichten")[2])[:2] == [
        "03:45",
        "02:15 CET",
    ]


def test_two_moments_that_the_clocks_of_brussels_tell_alike_are_told_apart() -> None:
    first = datetime(2022, 10, 30, 2, 45, tzinfo=BRUSSELS)

    assert [clock(first), clock(first.replace(fold=1))] == [
        '<time datetime="2022-10-30T02:45+02:00">02:45 CEST</time>',
        '<time datetime="2022-10-30T02:45+01:00">02:45 CET</time>',
    ]


def test_a_service_says_since_when_it_is_as_it_is_by_its_worst_impact() -> None:
    partly = impact(0, ServiceStatus.PARTIAL, began_at=BEGAN + timedelta(minutes=90))
    slow = impact(0, ServiceStatus.DEGRADED)

    page = shown(
        "fr/index.html", incident(impacts=(partly,)), incident(id="other0000000", impacts=(slow,))
    ).text

    assert "Tests rapides Fonctionne en partie depuis 15:00" in page


def test_a_missing_translation_shows_a_language_there_is_and_says_so() -> None:
    page = shown("de/index.html", incident())

    assert ("span", {"lang": "fr"}) in page.elements
    assert "Aucun certificat n’est créé. (Text auf Französisch)" in page.text
    assert "Text auf" not in shown("nl/index.html", incident()).text


def test_a_message_of_which_only_dutch_exists_is_shown_in_dutch_everywhere() -> None:
    dutch = update(headline=text(nl="Kapot."), title=text(nl="Storing"), body=text(nl="Wij zoeken."))
    pages = [shown(f"{language}/index.html", incident(updates=(dutch,))).text for language in WORDS]

    assert ["Kapot." in page and "Wij zoeken." in page for page in pages] == [True] * 4


def test_the_gravest_of_several_incidents_speaks_first_and_links_to_the_others() -> None:
    slow = incident(
        id="slow00000000",
        title=everywhere("Lenteur"),
        updates=(),
        impacts=(impact(1, ServiceStatus.DEGRADED),),
    )
    page = shown("fr/index.html", slow, incident())

    assert page.count("h1") == 1
    assert page.text.index("Aucun certificat n’est créé.") < page.text.index(
        "Autre panne en cours\u00a0: Lenteur"
    )
    assert ("a", {"href": "#i-slow00000000"}) in page.elements
    assert any(attributes.get("id") == "i-slow00000000" for _, attributes in page.elements)


def test_an_incident_whose_services_work_again_is_watched_and_not_red() -> None:
    ended = replace(impact(), ended_at=AT)
    page = shown("fr/index.html", incident(phase=Phase.MONITORING, impacts=(ended,)))

    assert "Rétabli, sous surveillance" in page.text
    assert "Panne majeure" not in page.text


def test_a_message_that_the_incident_has_outlived_alarms_nobody_any_more() -> None:
    alarm = update(headline=everywhere("Plus rien ne passe."), dont=everywhere("N’envoyez rien."))
    ended = replace(impact(), ended_at=AT)
    page = shown("fr/index.html", incident(updates=(alarm,), impacts=(ended,))).text
    over = resolved(updates=(alarm,))
    after, permanent = (
        shown(path, over, at=over.resolved_at).text
        for path in ("fr/index.html", f"fr/incidents/{over.id}/index.html")
    )

    assert "eForms hors service Les services fonctionnent à nouveau." in page
    assert "Plus rien ne passe." not in page + after + permanent
    assert "N’envoyez rien." not in after


def test_a_calm_day_says_that_all_works_and_leaves_no_box_empty() -> None:
    page = shown("nl/index.html").text

    assert "Alle diensten werken." in page
    assert "Volgende update" not in page
    assert "Herstel" not in page


def test_a_site_without_services_has_no_empty_place_for_them() -> None:
    sections = [
        [name for tag, found in shown("fr/index.html", **fields).elements for name in found.values()]
        for fields in ({}, {"groups": ()})
    ]

    assert ["h-svc" in found for found in sections] == [True, False]


def test_what_was_just_resolved_keeps_its_last_message_for_a_day() -> None:
    told = update(
        phase=Phase.RESOLVED, body=text("Nous reprenons les eForms."), dont=text("Ne les renvoyez pas.")
    )
    pages = [
        shown("fr/index.html", resolved(resolved_at=AT - ago, updates=(told,))).text
        for ago in (timedelta(hours=23), timedelta(hours=25))
    ]

    assert ["Ne les renvoyez pas." in page for page in pages] == [True, False]


def test_what_a_message_leaves_out_in_a_language_is_not_told_in_another() -> None:
    last = update(
        phase=Phase.RESOLVED,
        body=text("Rétabli.", "Hersteld.", "Behoben."),
        do=text(de="Nicht erneut senden."),
        dont=text(nl="Stuur niets opnieuw."),
    )
    over = resolved(resolved_at=AT - timedelta(hours=1), updates=(last,))
    pages = {language: shown(f"{language}/index.html", over).text for language in WORDS}

    assert [code for code, page in pages.items() if "Nicht erneut senden." in page] == ["de"]
    assert [code for code, page in pages.items() if "Stuur niets opnieuw." in page] == ["nl"]
    assert "Rétabli." in pages["en"]


def test_what_was_just_resolved_says_in_which_language_it_is_told() -> None:
    last = update(
        phase=Phase.RESOLVED,
        title=text(),
        headline=text("Tout fonctionne.", "Alles werkt.", "Alles geht."),
        body=text("Rétabli.", "Hersteld."),
        do=text("Vérifiez la file.", "Kijk de wachtrij na."),
    )
    over = resolved(resolved_at=AT - timedelta(hours=1), updates=(last,))

    page = shown("de/index.html", over).text
    assert "(Text auf Französisch) Rétabli." in page
    assert "(Text auf Französisch) Vérifiez la file." in page
    assert "(texte" not in shown("fr/index.html", over).text


def test_the_permanent_page_tells_the_messages_from_first_to_last() -> None:
    first, last = update(title=everywhere("Premier")), update(id="b" * 12, title=everywhere("Dernier"))
    page = shown("fr/incidents/k7m2q9x4tb1d/index.html", resolved(updates=(last, first))).text

    assert page.index("Premier") < page.index("Dernier")
    assert "vendredi 1er juillet 2022, 13:30 – 17:30" in page


def test_the_permanent_page_of_a_resolved_incident_does_not_change_with_the_clock() -> None:
    files = [render(facts(resolved(), at=at)) for at in (AT, AT + timedelta(days=40))]

    pages = [site["fr/incidents/k7m2q9x4tb1d/index.html"] for site in files]
    assert pages[0] == pages[1]


def test_past_incidents_are_listed_by_month() -> None:
    older = resolved(
        id="older0000000", began_at=BEGAN - timedelta(days=40), title=everywhere("Ancienne panne")
    )
    page = shown("fr/history/index.html", resolved(), older).text

    assert page.index("Juillet 2022") < page.index("eForms hors service") < page.index("Mai 2022")
    assert page.index("Mai 2022") < page.index("Ancienne panne")


def test_the_language_links_keep_the_page() -> None:
    page = shown("fr/incidents/k7m2q9x4tb1d/index.html", incident())
    links = {attributes.get("href") for name, attributes in page.elements if name == "a"}

    assert {f"/{language}/incidents/k7m2q9x4tb1d/" for language in WORDS} <= links


def test_what_to_do_says_how_long_it_holds_and_is_honest_once_that_is_over() -> None:
    do = text("Enregistrez.")
    holds, over, always = (
        shown("fr/index.html", incident(updates=(update(do=do, valid_until=until),))).text
        for until in (AT + timedelta(minutes=1), AT, None)
    )

    assert "À faire en attendant Valable jusqu’à 15:21. Enregistrez." in holds
    assert "C’était valable jusqu’à 15:20. Nous n’avons pas encore dit si cela le reste." in over
    assert "Valable" not in over
    assert "À faire en attendant Enregistrez." in always


def test_an_outage_leads_to_saying_so_and_to_being_told_of_it_where_the_application_is() -> None:
    links = {found["href"] for name, found in shown("nl/index.html", incident()).elements if name == "a"}
    calm = {found["href"] for name, found in shown("nl/index.html").elements if name == "a"}

    assert "https://desk.example.org/public/report/?lang=nl" in links
    assert "https://desk.example.org/public/subscribe/?lang=nl&incident=k7m2q9x4tb1d" in links
    assert "https://desk.example.org/public/subscribe/?lang=nl" in calm


def test_planned_work_stands_on_the_page_with_its_calendar() -> None:
    for incidents in ((), (incident(),)):
        page = shown("fr/index.html", *incidents, maintenances=(maintenance(),))
        links = {found["href"] for name, found in page.elements if name == "a"}

        assert "Redémarrage complet" in page.text
        assert {"/fr/maintenance/m1w2x3y4z5a6/", "/fr/maintenance/m1w2x3y4z5a6.ics"} <= links


def test_ninety_days_are_told_by_height_in_words_and_in_a_table() -> None:
    past = (
        PastImpact("service00000", "k7m2q9x4tb1d", ServiceStatus.MAJOR, BEGAN, None),
        PastImpact("service00000", "gone00000000", ServiceStatus.PARTIAL, AT - DAY, AT - DAY / 2),
    )
    page = shown("fr/index.html", incident(), past_impacts=past)
    bars = [found for name, found in page.elements if found.get("class") == "bar"]
    drawn = {found.get("class"): found["d"] for name, found in page.elements if name == "path"}

    assert len(bars) == 3
    assert (
        bars[0]["aria-label"] == "90 jours\u00a0: 2 jours avec une perturbation, la dernière le 1er juillet"
    )
    assert bars[1]["aria-label"] == "90 jours\u00a0: Aucune perturbation en 90 jours"
    assert (drawn["major"], drawn["partial"]) == ("M445 0h4v24h-4z", "M440 4h4v20h-4z")
    assert "100\u00a0% disponible" in page.text
    assert "1\u00a0h\u00a050" in page.text
    assert ("a", {"href": "/fr/incidents/gone00000000/"}) in page.elements


@pytest.mark.parametrize(("language", "expected"), [("fr", "99,99"), ("en", "99.99"), ("de", "99,99")])
def test_a_percentage_is_written_as_the_language_does_and_never_rounded_up(
    language: str, expected: str
) -> None:
    second = PastImpact("service00000", "gone00000000", ServiceStatus.MAJOR, AT - DAY, AT - DAY + DAY / 86400)

    assert expected in shown(f"{language}/index.html", past_impacts=(second,)).text


def reopened(**fields: object) -> Incident:
    """Of which it was said that it is over, with nothing said since."""
    over = update(
        phase=Phase.RESOLVED,
        headline=everywhere("Tout fonctionne à nouveau."),
        central_confirmed=True,
        do=text("Renvoyez ce qui a été refusé."),
        next_update_at=None,
    )
    return incident(**{"phase": Phase.INVESTIGATING, "updates": (over,), **fields})


@pytest.mark.parametrize(
    ("impacts", "state"),
    [((), "Nous cherchons la cause depuis 13:30"), ((impact(),), "Panne majeure depuis 13:30")],
)
@pytest.mark.parametrize("name", ["fr/index.html", "fr/incidents/k7m2q9x4tb1d/index.html"])
def test_what_came_back_is_not_said_to_be_over_nor_to_be_confirmed(
    impacts: tuple[Impact, ...], state: str, name: str
) -> None:
    page = shown(name, reopened(impacts=impacts))
    card = page.text[: page.text.index("Messages")]

    for said in (state, "Nous la disions résolue\u00a0; elle est revenue. Nous cherchons ce qui se passe."):
        assert said in card
    for old in (
        "Tout fonctionne",
        "fonctionnent à nouveau",
        "Ce n’est pas votre officine",
        "Renvoyez ce qui",
    ):
        assert old not in card
    assert ("now ok" in [element.get("class") for _, element in page.elements]) is False
    assert "Services touchés Messages" not in page.text


def test_what_it_touched_before_it_came_back_is_not_said_to_work() -> None:
    ended = impact(ended_at=AT)
    page = shown("fr/index.html", reopened(impacts=(ended,))).text
    card = page[: page.index("Messages")]

    assert ended.service_id == "service00000"
    assert "Qu’est-ce qui fonctionne\u00a0? Vaccination, Transfert\u00a0: oui" in card


@pytest.mark.parametrize(
    "works",
    [
        reopened(impacts=(impact(ended_at=AT),), phase=Phase.MONITORING),
        incident(impacts=(impact(ended_at=AT),), phase=Phase.INVESTIGATING),
    ],
)
def test_what_works_again_is_said_to_work_whatever_the_phase_and_whatever_came_before(
    works: Incident,
) -> None:
    card = shown("fr/index.html", works).text.partition("Messages")[0]

    assert "Les services fonctionnent à nouveau." in card
    assert "est revenue" not in card
    assert "Tests rapides, Vaccination, Transfert\u00a0: oui" in card


def test_a_chat_and_the_banner_do_not_call_what_came_back_over() -> None:
    files = render(facts(reopened(impacts=(impact(),))))

    assert b"Tout fonctionne" not in files["banner/fr.htm"]
    assert b'content="Tout fonctionne' not in files["fr/index.html"]


def test_what_was_just_resolved_stands_before_what_is_planned() -> None:
    page = shown("fr/index.html", resolved(resolved_at=AT), maintenances=(maintenance(),)).text

    assert page.index("Résolu") < page.index("Redémarrage complet")


def test_a_frame_without_a_script_asks_again_by_itself() -> None:
    refresh = ("meta", {"http-equiv": "refresh", "content": "60"})

    assert all(refresh in shown(f"banner/{language}.htm").elements for language in WORDS)
