"""A scenario file is read, or every line that is wrong is named."""

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from farmaflux_desk.rehearsal.replay import BUILT_IN
from farmaflux_desk.rehearsal.scenario import Arrival, Scenario, Unreadable, read

SERVICES = ["eforms", "certificates"]
PARTNERS = ["sciensano"]
BROKEN = ["degraded_performance", "partial_outage", "major_outage", "under_maintenance"]
HEAD = """\
title: {fr: Panne, nl: Storing}
severity: S2
services: {eforms: major_outage}
begins: "18:00"
events:
"""


def problems(text: str) -> list[str]:
    with translation.override("en"), pytest.raises(Unreadable) as raised:
        read(text, services=SERVICES, partners=PARTNERS)
    with translation.override("en"):
        return [str(problem) for problem in raised.value.problems]


def test_what_arrives_stands_in_the_order_in_which_it_does() -> None:
    scenario = read(
        HEAD
        + """\
  - {at: "18:10:30", partner: sciensano, says: {fr: Rien ne vient., nl: Er komt niets.}}
  - {at: "18:00", signal: Monitoring.}
  - {at: "18:01", call: Attend., language: nl, caller: Apotheek, service: certificates,
     waiting: true, callback: "02 555 12 12"}
  - {at: "18:02", until: "18:04", calls: 2, notes: [Un., Deux.]}
""",
        services=SERVICES,
        partners=PARTNERS,
    )

    assert (scenario.titles, scenario.severity, scenario.services, scenario.begins) == (
        {"fr": "Panne", "nl": "Storing"},
        "S2",
        {"eforms": "major_outage"},
        "18:00",
    )
    assert scenario.arrivals == [
        Arrival(0, "signal", {"fr": "Monitoring."}),
        Arrival(
            60,
            "call",
            {"fr": "Attend."},
            language="nl",
            caller="Apotheek",
            service="certificates",
            waiting=True,
            callback="02 555 12 12",
        ),
        Arrival(150, "call", {"fr": "Un."}),
        Arrival(210, "call", {"fr": "Deux."}),
        Arrival(630, "partner", {"fr": "Rien ne vient.", "nl": "Er komt niets."}, partner="sciensano"),
    ]
    assert Scenario.of_json(scenario.as_json()) == scenario


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{at: "18:00"}', "An event is one of these: signal, partner, call or calls."),
        ('{at: "17:59", signal: Trop tôt.}', "This is before the scenario begins."),
        ("{at: 18:00, signal: Sans guillemets.}", None),
        ('{at: "25:00", signal: Non.}', 'Give a time of day in quotes, as in "13:30".'),
        ("{signal: Quand}", "“at” is missing."),
        ('{at: "18:00", signal: ""}', "A text is missing here."),
        (r'{at: "18:00", signal: "a\0"}', "This holds characters that no text has."),
        (r'{at: "18:00", call: "\ud800"}', "This holds characters that no text has."),
        ('{at: "18:00", signal: [a]}', "A single value belongs here."),
        ('{at: "18:00", signal: {xx: a}}', "“xx” is none of these: fr, nl, de, en."),
        ('{at: "18:00", partner: nobody, says: a}', "No partner of this desk has the key “nobody”."),
        ('{at: "18:00", partner: sciensano}', "“says” is missing."),
        ('{at: "18:00", call: a, service: fax}', "No service of this desk has the key “fax”."),
        ('{at: "18:00", call: a, waiting: perhaps}', "Write true or false."),
        ('{at: "18:00", call: a, callback: "0900 12 345"}', "This is not a number that we would call back."),
        (
            '{at: "18:00", call: a, colour: red}',
            "“colour” is none of these: at, call, language, caller, service, waiting, callback.",
        ),
        ('{at: "18:00", until: "18:00", calls: 3}', "This is not later than its “at”."),
        ('{at: "18:00", until: "18:10", calls: 501}', "Between 1 and 500 calls."),
        (f'{{at: "18:00", signal: {"a" * 1001}}}', "At most 1000 characters."),
        ('{at: "18:00", call: a, call: b}', "“call” stands here twice."),
        ("une chaîne", "An event says when (at) and what: signal, partner, call or calls."),
    ],
)
def test_a_line_that_is_wrong_is_named_with_what_is_wrong(line: str, said: str | None) -> None:
    text = f'{HEAD}  - {{at: "18:00", signal: Bon.}}\n  - {line}\n'
    if said is None:
        assert read(text, services=SERVICES, partners=PARTNERS).arrivals[1].after == 0
        return

    assert f"Line 7: {said}" in problems(text)


def test_all_that_is_wrong_is_said_at_once() -> None:
    text = "title: {fr: Panne}\nseverity: S9\nservices: {fax: major_outage, eforms: works}\nevents: []\nwho: me\n"

    assert problems(text) == [
        "Line 1: “begins” is missing.",
        "Line 1: The title is missing in Nederlands.",
        "Line 2: “S9” is none of these: S1, S2, S3.",
        "Line 3: No service of this desk has the key “fax”.",
        f"Line 3: “works” is none of these: {', '.join(BROKEN)}.",
        "Line 4: The events are a list with at least one.",
        "Line 5: “who” is none of these: title, severity, services, begins, events.",
    ]


def test_what_is_no_yaml_is_said_where_it_breaks() -> None:
    assert problems('title: {fr: Panne\nseverity: "S1\n')[0].startswith("Line ")
    assert problems("") == ["Line 1: A scenario begins with title, severity, services, begins and events."]
    assert problems("[" * 20_000) == problems("")
    assert problems('title: "\\UFFFFFFFF"') == problems("\x00")
    assert problems("\x00") == ["Line 1: This holds characters that no text has."]


@given(st.text(max_size=300))
def test_no_file_whatever_is_in_it_fails_otherwise(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text, services=SERVICES, partners=PARTNERS)


def test_the_built_in_one_holds_the_afternoon_as_it_was() -> None:
    services = [
        "eforms-rapid-test",
        "eforms-vaccination",
        "eforms-booster",
        "transfer-sciensano",
        "certificates",
    ]
    partners = ["software-houses", "sciensano", "digitaal-vlaanderen"]

    scenario = read(BUILT_IN.read_text(encoding="utf-8"), services=services, partners=partners)

    kinds = [arrival.kind for arrival in scenario.arrivals]
    assert (kinds.count("signal"), kinds.count("partner"), kinds.count("call")) == (4, 6, 144)
    assert (scenario.begins, scenario.arrivals[0].after, scenario.arrivals[-1].after) == ("13:30", 0, 15075)
