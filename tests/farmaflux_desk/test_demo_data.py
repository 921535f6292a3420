"""The demonstration's data hold together: the story, its messages, its pharmacies and its contacts."""

import re
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from farmaflux_desk.demo import contacts, pharmacies
from farmaflux_desk.demo.story import Clock, data, moved_to
from incidents.models import MilestoneKind, Phase, ServiceStatus
from incidents.personal_data import national_numbers
from tickets import phone

STORY, MESSAGES, CATALOGUE = data("black_friday_2022"), data("messages"), data("catalogue")
POSTMORTEMS = data("postmortems")
CHAINS = [event["chain"] for event in STORY["events"] if "chain" in event]
CLOCK = Clock(STORY["day"])
LANGUAGES = ("fr", "nl", "de", "en")
PROMISE = {
    "fr": "Prochain message à",
    "nl": "Volgende update om",
    "de": "Nächste Aktualisierung um",
    "en": "Next update at",
}
VAGUE = re.compile(
    r"\b(bientôt|dès que possible|binnenkort|zo snel mogelijk|bald|so schnell wie möglich|soon)\b",
    re.IGNORECASE,
)
CAUSE = re.compile(r"serve[ur]*|rechner|hacker|cyber|\d+\.\d+\.\d+", re.IGNORECASE)


def published() -> list[dict[str, Any]]:
    return [event for event in STORY["events"] if "publish" in event]


def texts() -> list[Any]:
    return [
        pytest.param(message, language, id=f"{key}-{language}")
        for key, message in MESSAGES.items()
        for language in LANGUAGES
        if language in message
    ]


def test_every_promise_of_a_next_message_is_kept_to_the_minute() -> None:
    for incident in STORY["incidents"]:
        told = [
            (event["at"], MESSAGES[event["publish"]])
            for event in published()
            if event["incident"] == incident
        ]
        promised = [CLOCK.at(message["next"]) for _at, message in told[:-1]]
        assert promised == [CLOCK.at(at) for at, _message in told[1:]], incident


def test_only_the_last_message_of_an_incident_promises_none_and_resolves_it() -> None:
    for incident in STORY["incidents"]:
        told = [MESSAGES[event["publish"]] for event in published() if event["incident"] == incident]
        assert ["next" in message for message in told] == [True] * (len(told) - 1) + [False]
        assert [message["phase"] == Phase.RESOLVED for message in told] == [False] * (len(told) - 1) + [True]


@pytest.mark.parametrize(("message", "language"), texts())
def test_a_message_ends_with_the_time_of_the_next_one(message: dict[str, Any], language: str) -> None:
    ending = f"{PROMISE[language]} {{t:{message['next']}}}." if "next" in message else "."

    assert message[language]["body"].endswith(ending)
    assert (PROMISE[language] in message[language]["body"]) == ("next" in message)


@pytest.mark.parametrize(("message", "language"), texts())
def test_a_message_keeps_to_its_lengths(message: dict[str, Any], language: str) -> None:
    text = message[language]
    shown = {name: CLOCK.filled_in(text[name]) for name in ("headline", "title", "body", "patient")}
    lines = [CLOCK.filled_in(line) for line in (*text["do"], *text["dont"])]

    assert {
        name: len(value)
        for name, value in shown.items()
        if len(value) > {"headline": 120, "title": 80, "body": 600, "patient": 120}[name]
    } == {}
    assert [line for line in lines if len(line) > 42] == []
    assert (len(text["do"]) <= 3, len(text["dont"]) <= 2) == (True, True)


@pytest.mark.parametrize(("message", "language"), texts())
def test_a_message_says_neither_cause_nor_soon_nor_a_patient(message: dict[str, Any], language: str) -> None:
    whole = str(message[language])

    assert (VAGUE.findall(whole), CAUSE.findall(whole), national_numbers(whole)) == ([], [], [])


def test_french_has_its_no_break_spaces_and_its_apostrophe() -> None:
    french = str([message["fr"] for message in MESSAGES.values()]) + str(
        [e.get("text", e.get("note")) for e in STORY["events"]]
    )
    french += str([link["note"]["fr"] for links in CHAINS for link in links.values() if "note" in link])
    french += str([text["fr"] for text in POSTMORTEMS.values()])

    assert re.findall(r".{9} [:;?!»]|.{9}« ", french) == []
    assert re.findall(r"\w'\w", french) == []


def test_every_day_message_speaks_four_languages_and_an_invented_one_the_required_two() -> None:
    spoken = {
        event["publish"]: tuple(spoken for spoken in LANGUAGES if spoken in MESSAGES[event["publish"]])
        for event in published()
    }
    of_the_day = {key for key in spoken if key.startswith(("morning", "noon", "afternoon"))}

    assert {spoken[key] for key in of_the_day} == {LANGUAGES}
    assert {spoken[key] for key in spoken.keys() - of_the_day} == {("fr", "nl")}
    assert spoken.keys() == MESSAGES.keys()


@pytest.mark.parametrize("language", ["fr", "nl"])
def test_what_was_learned_promises_nothing_vague_and_names_no_patient(language: str) -> None:
    text = POSTMORTEMS["afternoon"][language]

    assert (VAGUE.findall(text), national_numbers(text)) == ([], [])


def test_what_is_told_of_a_link_stands_in_four_languages_or_in_none() -> None:
    notes = [link["note"] for links in CHAINS for link in links.values() if "note" in link]

    assert {tuple(note) for note in notes} == {LANGUAGES}


def test_the_recoveries_are_at_the_times_of_the_account() -> None:
    reached = {event["reach"]: event["occurred"] for event in STORY["events"] if "reach" in event}

    assert reached == {
        MilestoneKind.REGISTRATION_BACK: "15:00",
        MilestoneKind.TRANSFER_BACK: "16:30",
        MilestoneKind.PARTNER_CONFIRMED: "17:30",
        MilestoneKind.BACKLOG_RECOVERED: "21:30",
        MilestoneKind.RESTART_DONE: "2022-07-02 00:10",
    }


def test_statuses_are_those_of_known_services() -> None:
    known = {service["key"] for service in CATALOGUE["services"]}
    given = [m["statuses"] for m in MESSAGES.values()] + [
        e[k] for e in STORY["events"] for k in ("declare", "statuses") if k in e
    ]

    assert {key for statuses in given for key in statuses} == known
    assert {status for statuses in given for status in statuses.values()} <= set(ServiceStatus)


def test_the_story_is_told_in_order_and_nothing_is_entered_before_it_happened() -> None:
    entered = [CLOCK.at(event["at"]) for event in STORY["events"]]

    assert all(one <= other for one, other in pairwise(entered))
    assert [
        e for e in STORY["events"] if "occurred" in e and CLOCK.at(e["occurred"]) > CLOCK.at(e["at"])
    ] == []


def test_a_moved_story_shows_moved_times_that_are_still_round(utc: Any) -> None:
    clock = moved_to(CLOCK, "15:20", utc(2026, 11, 23, 8, 34, 29))

    assert (clock.at("13:30"), clock.at("15:20")) == (utc(2026, 11, 23, 6, 40), utc(2026, 11, 23, 8, 30))
    assert clock.filled_in("à {t:15:45}, puis {t:24:00}.") == "à 09:55, puis 18:10."
    assert CLOCK.filled_in("à {t:15:45}, puis {t:24:00}.") == "à 15:45, puis 24:00."


def test_what_is_told_of_a_day_before_the_clocks_changed_has_the_hour_of_that_day(utc: Any) -> None:
    clock = moved_to(
        CLOCK, "15:20", utc(2026, 11, 27, 6, 17)
    )  # and 18 May becomes 14 October, still summer time

    assert clock.at("2022-05-18 11:30") == utc(2026, 10, 14, 2, 25)
    assert clock.filled_in("à {t:2022-05-18 11:30}.") == "à 04:25."


# -- pharmacies


@pytest.fixture(scope="module")
def country() -> list[pharmacies.SyntheticPharmacy]:
    return pharmacies.generate(CATALOGUE)


def test_the_same_pharmacies_come_out_every_time(country: list[pharmacies.SyntheticPharmacy]) -> None:
    assert pharmacies.generate(CATALOGUE) == country


def test_there_are_4700_with_an_apb_number_each(country: list[pharmacies.SyntheticPharmacy]) -> None:
    numbers = {pharmacy.apb_number for pharmacy in country}

    assert (len(country), len(numbers), all(re.fullmatch(r"[1-9]\d{5}", number) for number in numbers)) == (
        4700,
        4700,
        True,
    )


def test_no_two_pharmacies_of_a_town_share_a_name(country: list[pharmacies.SyntheticPharmacy]) -> None:
    assert Counter((pharmacy.name, pharmacy.postcode) for pharmacy in country).most_common(1)[0][1] == 1


def test_provinces_have_about_their_share(country: list[pharmacies.SyntheticPharmacy]) -> None:
    counts = Counter(pharmacy.province for pharmacy in country)

    assert counts.keys() == pharmacies.SHARES.keys()
    assert {p: share for p, share in pharmacies.SHARES.items() if abs(counts[p] / 47 - share) > 2} == {}


def test_languages_follow_the_town(country: list[pharmacies.SyntheticPharmacy]) -> None:
    spoken: dict[str, set[str]] = {}
    for pharmacy in country:
        spoken.setdefault(pharmacy.province, set()).add(pharmacy.language)

    assert spoken == {
        **{key: {"nl"} for key in ("VAN", "VBR", "VLI", "VOV", "VWV")},
        **{key: {"fr"} for key in ("WBR", "WHT", "WLX", "WNA")},
        "WLG": {"fr", "de"},
        "BRU": {"fr", "nl"},
    }


def test_a_number_is_what_the_desk_reads_from_its_spelling(
    country: list[pharmacies.SyntheticPharmacy],
) -> None:
    numbers = [number for pharmacy in country for number in pharmacy.phones]

    assert [number for number in numbers if phone.parse(number.raw).e164 != number.e164] == []
    assert len({re.sub(r"\d", "9", number.raw) for number in numbers}) > 20


def test_numbers_stay_in_the_block_set_aside_for_them(country: list[pharmacies.SyntheticPharmacy]) -> None:
    block = re.compile(r"\+32(?:[2349]555\d{4}|(?:[15678]\d)55\d{4}|47055\d{4})")

    assert [n for pharmacy in country for n in pharmacy.phones if not block.fullmatch(n.e164)] == []


def test_some_pharmacies_share_a_switchboard_and_some_have_two_numbers(
    country: list[pharmacies.SyntheticPharmacy],
) -> None:
    holders = Counter(number.e164 for pharmacy in country for number in pharmacy.phones)

    assert (
        30 < sum(n > 1 for n in holders.values()) < 120,
        300 < sum(len(p.phones) == 2 for p in country) < 900,
    ) == (True, True)


def test_mail_goes_nowhere(country: list[pharmacies.SyntheticPharmacy]) -> None:
    members = [member for mail_list in CATALOGUE["mail_lists"] for member in mail_list["members"]]
    lists = [member.get("email") for member in members]

    assert [
        email for email in (*lists, *(p.email for p in country)) if email and not email.endswith(".example")
    ] == []


def test_software_houses_say_that_they_are_invented() -> None:
    names = [house["name"] for house in CATALOGUE["software_houses"]]

    assert (len(names), [name for name in names if not re.search(r"\((fictif|fictief|fiktiv)", name)]) == (
        6,
        [],
    )


# -- contacts


@pytest.fixture(scope="module")
def calls(country: list[pharmacies.SyntheticPharmacy]) -> list[contacts.PlannedContact]:
    return contacts.plan(STORY["contacts"], data("contacts"), country, CLOCK)


def test_contacts_come_as_the_schedule_spreads_them(calls: list[contacts.PlannedContact]) -> None:
    quarters = Counter(
        (c.incident, c.at - timedelta(minutes=c.at.minute % 15, seconds=c.at.second)) for c in calls
    )
    wanted: Counter[Any] = Counter()
    for incident, counts in STORY["contacts"].items():
        for start, count in counts.items():
            moment = CLOCK.at(start)
            wanted[incident, moment - timedelta(minutes=moment.minute % 15)] += count

    assert quarters == wanted


def test_at_twenty_past_three_the_room_is_as_the_mock_ups_show_it(
    calls: list[contacts.PlannedContact],
) -> None:
    so_far = [c for c in calls if c.incident == "afternoon" and c.at <= CLOCK.at("15:20")]

    assert {
        "contacts": len(so_far),
        "pharmacies": len({c.pharmacy.apb_number for c in so_far if c.pharmacy}),
        "urgent": sum(c.impact == "patient_waiting" for c in so_far),
        "unknown callers": sum(c.pharmacy is None for c in so_far),
        "last quarter of an hour": sum(c.at > CLOCK.at("15:05") for c in so_far),
    } == {"contacts": 102, "pharmacies": 87, "urgent": 4, "unknown callers": 2, "last quarter of an hour": 12}


def test_nobody_works_before_she_has_come(calls: list[contacts.PlannedContact]) -> None:
    volunteer = [c.at for c in calls if c.agent == "agent7"]

    assert (len(volunteer) > 3, min(volunteer) >= CLOCK.at("14:16")) == (True, True)
