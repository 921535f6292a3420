"""The permanent page of an incident, and the way to it through the months."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from comms.status.facts import Incident, Link, Maintenance, Month, Postmortem
from comms.status.languages import WORDS
from comms.status.render import documents
from incidents.models.states import LinkState
from tests.comms.status.facts import (
    AT,
    BEGAN,
    everywhere,
    facts,
    incident,
    maintenance,
    resolved,
    text,
    update,
)
from tests.comms.status.reading import shown

HOUR = timedelta(hours=1)
PAGE = "fr/incidents/k7m2q9x4tb1d/index.html"
LEARNED = text(
    "Nous le regrettons.\r\n\r\nCe qui s’est passé\r\n\r\nUn serveur n’a pas démarré.\r\nPuis :\r\n- le premier\r\n"
    "- le deuxième\r\n\r\n<b>Fin</b>"
)


def learned(**fields: object) -> Postmortem:
    return Postmortem(**{"published_at": BEGAN + timedelta(days=5), "text": LEARNED, **fields})  # type: ignore[arg-type]


def test_what_was_learned_has_paragraphs_headings_and_lists_and_stays_text() -> None:
    page = shown(PAGE, resolved(postmortem=learned()))
    before = shown(PAGE, resolved())

    assert "Retour d’expérience" in page.text
    assert "Publié le mercredi 6 juillet 2022 à 13:30." in page.text
    assert "Un serveur n’a pas démarré. Puis\u00a0: le premier le deuxième <b>Fin</b>" in page.text
    assert page.count("h3") - before.count("h3") == 1
    assert page.count("ul") - before.count("ul") == 1
    assert "Retour d’expérience" not in before.text


@pytest.mark.parametrize(
    ("told", "headings"),
    [
        ("Court\n\nSuite.", 1),
        ("Court", 0),
        ("Une phrase.\n\nSuite.", 0),
        ("Deux lignes\nici\n\nSuite.", 0),
        ("m" * 61 + "\n\nSuite.", 0),
    ],
)
def test_a_heading_is_a_short_line_on_its_own_with_something_under_it(told: str, headings: int) -> None:
    page = shown(PAGE, resolved(updates=(), postmortem=learned(text=everywhere(told))))

    assert page.count("h3") == headings


def test_what_was_learned_in_another_language_says_so() -> None:
    page = shown(PAGE.replace("fr/", "de/"), resolved(postmortem=learned()))

    assert ("div", {"lang": "fr", "class": "story"}) in page.elements
    assert "um 13:30. (Text auf Französisch)" in page.text


@pytest.mark.parametrize("outage", [incident(), resolved()])
def test_the_work_that_finishes_it_is_named_with_its_hours(outage: Incident) -> None:
    other = maintenance(id="other8w2x3y4", title=everywhere("Autre chose"), follows=None)
    first, then = (
        maintenance(
            id=f"work8w2x3y4{hour}",
            title=everywhere(title),
            follows=outage.id,
            starts_at=at,
            ends_at=at + HOUR,
        )
        for hour, title in ((1, "Redémarrage complet"), (2, "Vérification"))
        for at in [AT + hour * HOUR]
    )
    page = shown(PAGE, outage, maintenances=(then, other, first))

    assert (
        "Suivie de Redémarrage complet, vendredi 1er juillet 2022, 16:20 – 17:20 Vérification, vendredi"
        in page.text
    )
    assert ("a", {"href": f"/fr/maintenance/{first.id}/"}) in page.elements
    assert "Autre chose" not in page.text
    assert "Suivie de" not in shown(PAGE, outage, maintenances=(other,)).text


def test_the_page_of_what_is_over_is_written_anew_when_that_work_changes_and_only_then() -> None:
    def keys(*works: Maintenance) -> set[str]:
        known = facts(resolved(revision=7), maintenances=works)
        return {document.key for document in documents(known) if document.name.endswith(PAGE[2:])}

    work, other = maintenance(follows=resolved().id), maintenance(follows=None)

    assert len(keys() | keys(work) | keys(replace(work, ends_at=work.ends_at + HOUR))) == 3
    assert keys() == keys(other) != {""}


def link(state: LinkState, **fields: object) -> Link:
    return Link(
        **{  # type: ignore[arg-type]
            "name": everywhere("Sciensano"),
            "state": state,
            "confirmed_by": None,
            "confirmed_at": None,
            "note": text(),
            **fields,
        }
    )


@pytest.mark.parametrize("name", [PAGE, "fr/index.html"])
def test_the_chain_says_in_words_where_it_is_stuck_and_who_says_so(name: str) -> None:
    links = (
        link(LinkState.OK, name=everywhere("Pharmacie"), note=text("Rien à régler chez vous.")),
        link(LinkState.STUCK, name=everywhere("FarmaFlux")),
        link(LinkState.WAITING, confirmed_by=text("Sciensano"), confirmed_at=BEGAN + timedelta(minutes=40)),
        link(LinkState.UNKNOWN, name=everywhere("Certificat")),
    )
    page = shown(name, incident(chain=links))
    told = [
        "Où c’est bloqué",
        "Pharmacie Fonctionne Rien à régler chez vous.",
        "FarmaFlux Bloqué ici",
        "Sciensano En attente",
        "Certificat Inconnu",
    ]

    assert sorted(told, key=page.text.index) == told
    assert page.text.count("Confirmé par") == 1
    assert "Confirmé par Sciensano" in page.text
    assert "à 14:10" in page.text
    assert "Où c’est bloqué" not in shown(name, incident()).text


def test_while_it_lasts_the_page_answers_as_the_status_page_does() -> None:
    first = update(id="aaaaaaaaaaa0", title=text("Premier message", "Eerste bericht"))
    last = update(
        central_confirmed=True,
        title=text("Dernier message", "Laatste bericht"),
        published_at=AT - timedelta(minutes=5),
        do=text("Enregistrez l’eForm.", "Registreer het eForm."),
        dont=text("Ne renvoyez rien.", "Stuur niets opnieuw."),
    )

    page = shown(PAGE, incident(updates=(last, first)))
    order = [
        incident().title.fr,
        "Aucun certificat n’est créé.",
        "Ce n’est pas votre officine.",
        "Enregistrez l’eForm.",
        "Ne renvoyez rien.",
        "Prochain message à 15:45",
        "Dernier message",
        "Premier message",
    ]
    places = [page.text.find(part) for part in order]
    assert -1 not in places
    assert places == sorted(places)
    reload = [link["href"] for tag, link in page.elements if tag == "a" and link["href"] == "/" + PAGE[:-10]]
    assert len(reload) > 1, "besides the language's own link"


def test_the_page_of_what_is_over_is_the_same_whenever_it_is_rendered() -> None:
    over = resolved(postmortem=learned(), chain=(link(LinkState.OK),), resolved_at=AT - timedelta(hours=1))
    pages = [shown(PAGE, over, at=AT + timedelta(days=days)) for days in (0, 1, 400)]

    assert pages[0].elements == pages[1].elements == pages[2].elements
    assert pages[0].texts == pages[1].texts == pages[2].texts


def test_the_history_leads_to_each_month_and_counts_what_is_there() -> None:
    months = (Month(2022, 7, 2, ()), Month(2022, 1, 1, ()), Month(2021, 12, 30, ()))
    page = shown("fr/history/index.html", incident(), months=months)
    links = [found["href"] for name, found in page.elements if name == "a"]

    assert "2022 Juillet 2 pannes Janvier 1 panne 2021 Décembre 30 pannes" in page.text
    assert {f"/fr/history/{month.key}/" for month in months} <= set(links)


def test_the_history_tells_the_newest_and_leaves_the_rest_to_their_months() -> None:
    many = [resolved(id=f"past{n:08}", began_at=BEGAN - timedelta(days=n)) for n in range(25)]
    page = shown("fr/history/index.html", *many)
    links = [found["href"] or "" for name, found in page.elements if name == "a"]

    assert sum(1 for link in links if "/incidents/" in link) == 20


@pytest.mark.parametrize("language", list(WORDS))
def test_a_month_has_a_page_in_each_language_that_no_clock_changes(language: str) -> None:
    night = datetime(2022, 7, 31, 23, tzinfo=UTC)
    month = Month(2022, 8, 1, (resolved(began_at=night, title=everywhere("Panne de la nuit")).brief,))
    pages = [
        shown(f"{language}/history/2022-08/index.html", months=(month,), at=AT + timedelta(days=days))
        for days in (0, 400)
    ]

    assert "Panne de la nuit" in pages[0].text
    assert f"{WORDS[language].months[7][:1].upper()}{WORDS[language].months[7][1:]} 2022" in pages[0].text
    assert pages[0].texts == pages[1].texts
