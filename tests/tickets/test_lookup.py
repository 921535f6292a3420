from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from tests import factories
from tickets import heard, lookup
from tickets.callers import Known, Told
from tickets.models import Callback, Contact, Pharmacy, PharmacyPhone

pytestmark = pytest.mark.django_db


def ring(pharmacy: Pharmacy, raw: str, e164: str) -> None:
    PharmacyPhone.objects.create(pharmacy=pharmacy, raw=raw, e164=e164)


def names(query: str, **kwargs: object) -> list[str]:
    return [found.pharmacy.name for found in lookup.find(query, **kwargs)]  # type: ignore[arg-type]


@pytest.fixture
def country() -> dict[str, Pharmacy]:
    made = {
        "gare": factories.pharmacy(name="Pharmacie de la Gare", town="Ottignies", apb_number="210144"),
        "lemaitre": factories.pharmacy(
            name="Pharmacie Vandenbroeck-Lemaître", town="Ottignies-Louvain-la-Neuve", postcode="1342"
        ),
        "ottinger": factories.pharmacy(
            name="Apotheke Ottinger", town="Eupen", postcode="4700", language="de"
        ),
        "linde": factories.pharmacy(
            name="Apotheek De Linde", town="Hasselt", postcode="3500", holder="Jos Gérard"
        ),
    }
    ring(made["gare"], "010/41.20.11", "+3210412011")
    ring(made["linde"], "011 22 33 44", "+3211223344")
    return made


@pytest.mark.parametrize(
    "typed",
    [
        "010/41.20.11",
        "010412011",
        "+32 (0)10 41 20 11",
        "0032 10 41 20 11",
        "3210412011",
        "010 41 20",
        "41.20.11",
    ],
)
def test_a_number_finds_its_pharmacy_in_every_spelling_and_in_part(country: object, typed: str) -> None:
    assert names(typed) == ["Pharmacie de la Gare"]


def test_pharmacies_on_one_switchboard_are_all_shown(country: dict[str, Pharmacy]) -> None:
    ring(country["linde"], "010/41.20.11", "+3210412011")

    found = lookup.find("010 41 20 11")
    assert [(row.pharmacy.name, row.has_that_number) for row in found] == [
        ("Apotheek De Linde", True),
        ("Pharmacie de la Gare", True),
    ]
    assert [row.has_that_number for row in lookup.find("010 41 20") + lookup.find("pharmacie")] == [False] * 4


@pytest.mark.parametrize("typed", ["210144", "2101", "APB 210144", "apb: 2101"])
def test_the_beginning_of_an_apb_number_finds_its_pharmacy(country: object, typed: str) -> None:
    assert names(typed) == ["Pharmacie de la Gare"]


@pytest.mark.parametrize(
    "typed", ["lemaitre", "LEMAÎTRE", "ottignies vandenbroeck", "vandenbroeck 1342", "neuve lem"]
)
def test_words_match_in_any_order_without_accents_or_case(country: object, typed: str) -> None:
    assert names(typed) == ["Pharmacie Vandenbroeck-Lemaître"]


def test_holder_and_postcode_find_the_pharmacy(country: object) -> None:
    assert names("gerard") == names("3500") == names("jos") == ["Apotheek De Linde"]


def test_a_name_that_begins_so_comes_before_a_town_and_a_town_before_a_word_within(country: object) -> None:
    factories.pharmacy(name="Otti-Pharma", town="Gent")
    factories.pharmacy(name="Pharmacie du Lotti", town="Liège")

    assert names("otti") == [
        "Otti-Pharma",
        "Pharmacie Vandenbroeck-Lemaître",
        "Pharmacie de la Gare",
        "Apotheke Ottinger",
        "Pharmacie du Lotti",
    ]


def test_those_who_called_already_come_first_among_equals(country: dict[str, Pharmacy]) -> None:
    incident = factories.incident()
    factories.contact(pharmacy=country["gare"], incident=incident)
    factories.contact(pharmacy=country["ottinger"], incident=incident)

    assert names("otti", incident=incident) == [
        "Pharmacie de la Gare",
        "Pharmacie Vandenbroeck-Lemaître",
        "Apotheke Ottinger",
    ]


def test_an_exact_apb_number_comes_before_a_postcode_and_a_postcode_before_longer_apb_numbers() -> None:
    factories.pharmacy(name="Prefix", apb_number="134099", postcode="9000")
    factories.pharmacy(name="Postcode", apb_number="999999", postcode="1340")
    factories.pharmacy(name="Exact", apb_number="1340", postcode="9000")

    assert names("1340") == ["Exact", "Postcode", "Prefix"]


def test_at_most_seven_are_suggested() -> None:
    for _ in range(9):
        factories.pharmacy(name="Pharmacie Centrale")

    assert len(lookup.find("centrale")) == 7


@pytest.mark.parametrize(
    "typed", ["", " ", "o", "12", "%", "_", "\x00", "🦆", "zzz' OR 1=1", "x" * 5000, "0" * 5000]
)
def test_what_says_nothing_finds_nobody(country: object, typed: str) -> None:
    assert lookup.find(typed) == []


def test_a_suggestion_says_how_often_they_called_what_they_heard_and_who_waits_for_us(
    country: dict[str, Pharmacy],
) -> None:
    incident, elsewhere = factories.incident(), factories.incident()
    told = factories.update(incident, published_at=factories.OUTAGE + timedelta(minutes=10))
    sandrine = factories.user(first_name="Sandrine")
    gare = country["gare"]
    first = factories.contact(pharmacy=gare, incident=incident, told_update=told, agent=sandrine)
    later = factories.contact(pharmacy=gare, incident=incident, at=first.occurred_at + timedelta(minutes=5))
    factories.contact(pharmacy=gare, incident=elsewhere)
    Callback.objects.create(contact=later, number="8003")

    assert lookup.find("gare", incident=incident) == [
        lookup.Suggestion(
            gare,
            Known(2, later.occurred_at, 1, first.pk),
            Told(1, first.occurred_at, "Sandrine", "Conséquence fr"),
            rank=3,
        )
    ]


@pytest.mark.parametrize("pharmacies", [1, 3])
def test_suggestions_cost_six_queries_however_many(
    pharmacies: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    incident = factories.incident()
    told = factories.update(incident, published_at=factories.OUTAGE)
    house = factories.software_house()
    for _ in range(pharmacies):
        pharmacy = factories.pharmacy(name="Pharmacie Centrale", software_house=house)
        ring(pharmacy, "8003", "")
        for _ in range(2):
            factories.contact(pharmacy=pharmacy, incident=incident, told_update=told)

    with django_assert_num_queries(
        6
    ):  # matches, their calls, pharmacies, numbers, what they heard in which words
        found = lookup.find("centrale", incident=incident)
        assert [(row.calls, str(row.pharmacy.software_house)) for row in found] == [
            (2, house.name)
        ] * pharmacies


def test_the_words_looked_for_are_marked_in_what_was_found() -> None:
    assert lookup.highlighted("Ottignies-Lemaître", "lemai OTTI") == [
        ("Otti", True),
        ("gnies", False),
        ("-", False),
        ("Lemaî", True),
        ("tre", False),
    ]


def test_a_contact_without_pharmacy_counts_for_nobody(country: dict[str, Pharmacy]) -> None:
    incident = factories.incident()
    factories.contact(caller_text="02 555 12 12", incident=incident)

    assert [row.calls for row in lookup.find("gare", incident=incident)] == [0]
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    "typed", ["vandenbroek", "vandebroeck", "lemaitre vanderbroeck", "lemiatre", "otignie vandenbrock"]
)
def test_a_name_as_it_was_heard_finds_the_one_that_is_written_nearly_so(
    country: dict[str, Pharmacy], typed: str
) -> None:
    assert [(row.pharmacy, row.is_alike) for row in lookup.find(typed)] == [(country["lemaitre"], True)]


def test_a_slip_that_stands_within_another_name_is_a_slip_nevertheless(country: dict[str, Pharmacy]) -> None:
    factories.pharmacy(name="Apotheke Gutlemiatrehof", town="Eupen")

    assert [row.pharmacy for row in lookup.find("lemiatre otignies")] == [country["lemaitre"]]


@pytest.mark.parametrize(
    "typed", ["apotheek mertens", "pharmacie mertens eupen", "officine mertes", "pharmacie"]
)
def test_what_all_of_them_are_called_matters_only_where_it_is_written_so(typed: str) -> None:
    mertens = factories.pharmacy(name="Apotheke Mertens", town="Eupen")
    saint = factories.pharmacy(name="Pharmacie Saint-Roch", town="Eupen")

    assert [row.pharmacy for row in lookup.find(typed)] == [saint if typed == "pharmacie" else mertens]


def test_among_names_as_heard_too_a_name_comes_before_a_holder(country: dict[str, Pharmacy]) -> None:
    holder = factories.pharmacy(name="Apotheek Aalst", holder="Jan Vandenbroeck")

    found = [row.pharmacy for row in lookup.find("vandenbroek")]
    assert found == [country["lemaitre"], holder]


def test_what_is_written_so_comes_alone_and_is_not_called_alike(country: dict[str, Pharmacy]) -> None:
    factories.pharmacy(name="Pharmacie Lemaire")

    assert [(row.pharmacy, row.is_alike) for row in lookup.find("lemaitre")] == [(country["lemaitre"], False)]


@pytest.mark.parametrize("typed", ["linden gare", "lmx", "bxbx", "gare bxbx"])
def test_words_that_differ_too_much_or_are_two_pharmacies_find_nobody(country: object, typed: str) -> None:
    assert lookup.find(typed) == []


def test_where_hundreds_match_those_who_called_are_among_those_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MOST_RANKED", 5)
    many = [factories.pharmacy(name=f"Pharmacie {n:02}") for n in range(20)]
    incident = factories.incident()
    factories.contact(pharmacy=many[19], incident=incident)
    factories.contact(pharmacy=many[18], incident=factories.incident())

    assert names("pharmacie", incident=incident)[:2] == ["Pharmacie 19", "Pharmacie 00"]


def test_how_often_the_words_of_all_are_read_does_not_depend_on_how_often_is_asked(
    country: object, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert heard.alike("lemiatre") == ["lemaitre"]

    with django_assert_num_queries(0):
        assert heard.alike("vandenbroek") == ["vandenbroe", "vandenbroec", "vandenbroeck"]
