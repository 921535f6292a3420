"""Events of telephone systems, in the shapes that Zammad and sipgate give them."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets import cti
from tickets.phone import Number, given_by_machine

CALL = {
    "from": "3225551212",
    "to": "3227392399",
    "direction": "in",
    "callId": "307fa962-de8d-4ffc-817b-7f6993204159",
}
FORM = "application/x-www-form-urlencoded"


def as_json(**told: object) -> cti.Event | None:
    return cti.read("application/json", json.dumps(CALL | told).encode())


def as_form(*told: tuple[str, str]) -> cti.Event | None:
    return cti.read(FORM, urlencode([*CALL.items(), *told]).encode())


def test_zammads_three_events_are_read_from_json_and_from_a_form() -> None:
    new = as_json(event="newCall", user=["A", "B"], queue="support")
    answer = as_json(event="answer", answeringNumber="agent@example.org", user=["A"])
    hangup = as_json(event="hangup", answeringNumber="agent@example.org", cause="normalClearing")

    assert new == cti.Event(
        kind="newCall",
        call_id=CALL["callId"],
        origin="",
        number=Number("3225551212", "+3225551212"),
        names=(),
        answered=False,
        diverted=False,
        wants_answer=False,
    )
    assert answer
    assert (answer.kind, answer.answered, answer.names) == ("answer", True, ("agent@example.org", "A"))
    assert hangup
    assert (hangup.kind, hangup.answered) == ("hangup", True)
    assert as_form(("event", "answer"), ("answeringNumber", "agent@example.org"), ("user", "A")) == answer


def test_sipgates_repeated_users_are_read_and_its_new_call_wants_an_answer() -> None:
    new = as_form(("event", "newCall"), ("user[]", "Alice"), ("user[]", "Bob"))
    answer = as_form(("event", "answer"), ("user[]", "Alice"), ("userId[]", "w0"), ("fullUserId[]", "123w0"))

    assert new
    assert new.wants_answer
    assert answer
    assert (answer.wants_answer, answer.names) == (False, ("Alice", "w0", "123w0"))


def test_who_answered_may_be_called_user_or_caller() -> None:
    for key in ("user", "caller"):
        answer = as_json(event="answer", **{key: "101"})
        assert answer
        assert answer.names == ("101",)


def test_a_hangup_of_a_call_that_nobody_took_is_not_answered() -> None:
    for cause in ("cancel", "busy", "noAnswer", "congestion", "notFound"):
        hangup = as_json(event="hangup", cause=cause)
        assert hangup
        assert (hangup.answered, hangup.diverted) == (False, False)
    diverted = as_json(event="hangup", cause="forwarded")
    assert diverted
    assert diverted.diverted


def test_the_voicemail_is_nobody() -> None:
    answer = as_json(event="answer", user=["voicemail"], answeringNumber="3227392399")

    assert answer
    assert not answer.answered


@pytest.mark.parametrize(
    "told", [{"event": "newCall", "direction": "out"}, {"event": "dtmf"}, {"event": "hold"}]
)
def test_outgoing_calls_and_other_events_do_not_concern_us(told: dict[str, str]) -> None:
    assert as_json(**told) is None


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        ("application/json", b"{", "This is not JSON."),
        ("application/json", b"[" * 8000, "This is not JSON."),
        ("application/json", b"[]", "A JSON object is expected."),
        ("application/json", b"{}", "event is missing."),
        ("application/json", b'{"event": "newCall"}', "callId is missing."),
        ("application/json", b'{"event": "newCall", "callId": {"a": 1}}', "callId is missing."),
        (FORM, b"event=newCall&callId=" + b"x" * 121, "callId is longer than 120 characters."),
        (FORM, b"event=\xff", "This is no form in UTF-8."),
        (FORM, b"", "event is missing."),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason(content_type: str, body: bytes, why: str) -> None:
    with pytest.raises(cti.Unreadable, match=why.replace(".", r"\.")):
        cti.read(content_type, body)


@pytest.mark.parametrize(
    ("given_number", "e164"),
    [
        ("3225551212", "+3225551212"),
        ("025551212", "+3225551212"),
        ("32475123456", "+32475123456"),
        ("4915791234567", "+4915791234567"),
        ("+33142685300", "+33142685300"),
        (" 33142685300", "+33142685300"),
        ("0033142685300", "+33142685300"),
        ("tel:+3225551212", "+3225551212"),
        ("sip:+3225551212@pbx.example", "+3225551212"),
        ("02/555.12.12", "+3225551212"),
        ("8003", ""),
        ("anonymous", ""),
        ("sip:anonymous@anonymous.invalid", ""),
        ("", ""),
    ],
)
def test_a_number_is_read_as_machines_give_it(given_number: str, e164: str) -> None:
    assert given_by_machine(given_number).e164 == e164


def test_a_short_number_is_kept_and_a_withheld_one_is_none() -> None:
    assert (given_by_machine("8003").raw, given_by_machine("anonymous").raw) == ("8003", "")


@given(st.text(), st.text(), st.text())
def test_no_text_in_an_event_is_too_strange(call_id: str, number: str, user: str) -> None:
    body = json.dumps({"event": "answer", "callId": call_id, "from": number, "user": [user]})
    try:
        event = cti.read("application/json", body.encode())
    except cti.Unreadable:
        return
    assert event
    assert len(event.number.raw) <= 40
    assert "\0" not in event.call_id + event.number.raw
