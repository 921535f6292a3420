"""SMS by gateways of several makes, described by templates, over a real web server."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comms.channels import gateway, sms
from comms.models import Channel, ChannelKind, DeliveryState, Notice
from tests.comms.channels.outgoing import NUMBER, channel, owe, send
from tests.comms.receivers import HookServer, Received

pytestmark = pytest.mark.django_db
TEXT = 'Panne & «eForms» 100 %\nVoir https://status.example/?a=1&b=2#top + "x" é'


@pytest.fixture
def server(hook: HookServer) -> HookServer:
    hook.url = hook.url.removesuffix("/hook")
    return hook


def by(server: HookServer, secret: str = "user:pass/word", **settings: str) -> Channel:
    settings["url"] = server.url + settings.get("url", "/send")
    return channel(ChannelKind.SMS, settings=settings, secrets={"secret": secret})


def received_by(server: HookServer, **settings: str) -> tuple[Received, str]:
    """What the gateway got of TEXT, and the state of the delivery."""
    delivery = send(owe(by(server, **settings), text=TEXT))
    [received] = server.received
    return received, delivery.state


def test_a_gateway_that_wants_a_form_and_a_password(server: HookServer) -> None:
    received, state = received_by(
        server,
        url="/2010-04-01/Accounts/AC1/Messages.json",
        headers="Authorization: Basic {basic}",
        body="To={to}\nFrom={from}\nBody={text}",
        sender="FarmaFlux",
    )

    assert parse_qs(received.body.decode(), strict_parsing=True) == {
        "To": [NUMBER],
        "From": ["FarmaFlux"],
        "Body": [TEXT],
    }
    assert received.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(received.headers["Authorization"].removeprefix("Basic ")) == b"user:pass/word"
    assert (received.method, state) == ("POST", DeliveryState.SENT)


def test_a_gateway_that_wants_json(server: HookServer) -> None:
    received, _state = received_by(
        server,
        headers="Authorization: App {secret}\n\nX-Reference: {key}",
        body='{"messages": [{"to": ["{number}"], "text": "{text}", "flash": false, "ref": "r-{key}"}]}',
    )

    [message] = json.loads(received.body)["messages"]
    key = received.headers["X-Reference"]
    assert message == {"to": ["32470123456"], "text": TEXT, "flash": False, "ref": f"r-{key}"}
    assert (received.headers["Content-Type"], received.headers["Authorization"]) == (
        "application/json",
        "App user:pass/word",
    )


def test_a_gateway_that_wants_everything_in_the_address(server: HookServer) -> None:
    received, _state = received_by(
        server, url="/http/{secret}?api=1&to={to}&text={text}&from={from}", method="GET", sender="A&B"
    )

    parts = urlsplit(received.path)
    assert parts.path == "/http/user%3Apass%2Fword"
    assert dict(parse_qsl(parts.query, strict_parsing=True)) == {
        "api": "1",
        "to": NUMBER,
        "text": TEXT,
        "from": "A&B",
    }
    assert (received.method, received.body) == ("GET", b"")
    assert "Content-Type" not in received.headers


def test_a_content_type_of_its_own_is_kept(server: HookServer) -> None:
    received, _state = received_by(
        server, headers="Content-Type: application/vnd.sms+json", body='{"to": "{to}", "text": "{text}"}'
    )

    assert received.headers["Content-Type"] == "application/vnd.sms+json"


def test_text_and_number_are_filled_in_once(server: HookServer) -> None:
    delivery = send(owe(by(server, body="to={to}\ntext={text}"), text="{secret} {to} {basic}"))

    assert parse_qs(server.received[0].body.decode())["text"] == ["{secret} {to} {basic}"]
    assert delivery.state == DeliveryState.SENT


@given(st.text(), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_value_stays_in_its_place(text: str, sender: str) -> None:
    text = text.encode(errors="replace").decode()
    values = gateway.values(to=NUMBER, text=text, sender=sender, key="k", secret="s")

    form, _kind = gateway.body("a={text}\nb=-{from}-\nc=1", values)
    content, _kind = gateway.body('{"a": "{text}", "b": ["-{from}-"], "c": 1}', values)
    query = urlsplit(gateway.address("https://g.example/x?a={text}&b={from}&c=1#f", values))

    assert dict(parse_qsl(form.decode(), keep_blank_values=True)) == {"a": text, "b": f"-{sender}-", "c": "1"}
    assert json.loads(content) == {"a": text, "b": [f"-{sender}-"], "c": 1}
    assert (query.hostname, query.path, query.fragment) == ("g.example", "/x", "f")
    assert dict(parse_qsl(query.query, keep_blank_values=True)) == {"a": text, "b": sender, "c": "1"}


@pytest.mark.parametrize(
    "recipient", ["", "0470123456", f"{NUMBER}\r\nX: 1", "+32 470", "+0123456789", "+٣٢٤٧٠١٢٣٤"]
)
def test_what_is_no_number_is_sent_nothing(server: HookServer, recipient: str) -> None:
    delivery = send(owe(by(server, body="to={to}\ntext={text}"), recipient=recipient))

    assert (delivery.state, delivery.error, server.received) == ("failed", sms.NO_NUMBER, [])


@pytest.mark.parametrize(
    "own",
    [
        {"headers": "X-Text: {text}"},
        {"headers": "X-From: {from}", "sender": "a\r\nX-Injected: 1"},
        {"headers": "X-From: {from}", "sender": "é"},
    ],
)
def test_no_value_begins_another_header(server: HookServer, own: dict[str, str]) -> None:
    delivery = send(owe(by(server, body="to={to}\ntext={text}", **own), text="a\nX-Injected: 1"))

    assert (delivery.state, delivery.error, server.received) == ("failed", gateway.BREAKS_A_HEADER, [])


@pytest.mark.parametrize("body", ["to={to}", "text={text}", ""])
def test_a_template_without_text_or_number_sends_nothing(server: HookServer, body: str) -> None:
    delivery = send(owe(by(server, body=body)))

    assert (delivery.state, delivery.error, server.received) == ("failed", sms.INCOMPLETE, [])


SIGN = '"status": "0"'


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ('{"messages":[{"status":"0"}]}', "sent"),
        ('{ "messages" : [ { "status" :\n"0" } ] }', "sent"),
        ('{"messages":[{"status":"4","error-text":"Bad Credentials"}]}', "failed"),
        ("", "failed"),
    ],
)
def test_success_is_what_the_answer_says(server: HookServer, answer: str, state: str) -> None:
    server.body = answer.encode()

    delivery = send(owe(by(server, body="to={to}\ntext={text}", success=SIGN)))

    assert delivery.state == state
    assert delivery.error == ("" if state == "sent" else "\n".join(filter(None, [sms.NOT_TAKEN, answer])))


def test_the_sign_of_success_does_not_make_one_of_an_error(server: HookServer) -> None:
    server.status, server.body = 400, SIGN.encode()

    assert send(owe(by(server, body="to={to}\ntext={text}", success=SIGN))).state == DeliveryState.FAILED


def test_a_gateway_that_repeats_the_secret_does_not_make_it_known(server: HookServer) -> None:
    basic = gateway.basic("user:pass/word")
    server.status, server.body = 400, f"bad key user:pass/word {basic}".encode()

    delivery = send(owe(by(server, headers="A: {basic}", body="to={to}\ntext={text}")))

    assert delivery.error == "HTTP 400\nbad key … …"


def test_a_gateway_without_a_secret_needs_none(server: HookServer) -> None:
    open_gateway = by(server, secret="", body="to={to}\ntext={text}")

    assert send(owe(open_gateway)).state == DeliveryState.SENT


def test_a_test_is_an_sms_to_the_number_that_was_chosen(server: HookServer) -> None:
    delivery = send(owe(by(server, body="to={to}\ntext={text}"), notice=Notice.TEST, language="nl"))

    assert parse_qs(server.received[0].body.decode()) == {
        "to": [NUMBER],
        "text": ["Testbericht van FarmaFlux Desk. U hoeft niets te doen."],
    }
    assert delivery.state == DeliveryState.SENT


def refusal(check: Any, given: str) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        check(given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("check", "wrong", "reason"),
    [
        (gateway.check_url, "https://{to}.example.org/", gateway.IN_THE_HOST),
        (gateway.check_url, "https://8.8.8.8/?x={token}", gateway.UNKNOWN_NAME),
        (gateway.check_url, "https://8.8.8.8/?x={}", gateway.UNKNOWN_NAME),
        (gateway.check_url, "https://10.0.0.1/?to={to}", "private network"),
        (gateway.check_url, "http://8.8.8.8/?to={to}", "https"),
        (gateway.check_url, "https://user:pw@8.8.8.8/", "password"),
        (gateway.check_url, "https://[8.8.8.8/", "complete web address"),
        (gateway.check_url, "https://8.8.8.8/\r\nHost: x", "complete web address"),
        (gateway.check_method, "DELETE", gateway.NOT_A_METHOD),
        (gateway.check_headers, "Authorization {secret}", gateway.NOT_A_HEADER),
        (gateway.check_headers, "Bad Name: x", gateway.NOT_A_HEADER),
        (gateway.check_headers, "Host: evil.example", gateway.NOT_YOURS),
        (gateway.check_headers, "content-length: 1", gateway.NOT_YOURS),
        (gateway.check_headers, "X: é", gateway.BREAKS_A_HEADER),
        (gateway.check_headers, "X: {password}", gateway.UNKNOWN_NAME),
        (gateway.check_body, '{"to": {to}}', gateway.NOT_JSON),
        (gateway.check_body, "[" * 200000, gateway.NOT_JSON),
        (gateway.check_body, '{"a": ["{who}"]}', gateway.UNKNOWN_NAME),
        (gateway.check_body, "just {text}", gateway.NOT_A_FORM),
        (gateway.check_body, "={text}", gateway.NOT_A_FORM),
        (gateway.check_body, "a={wat}", gateway.UNKNOWN_NAME),
    ],
)
def test_a_template_that_cannot_work_is_refused_when_it_is_given(check: Any, wrong: str, reason: str) -> None:
    assert reason in refusal(check, wrong)


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (gateway.check_url, "https://8.8.8.8/{secret}?to={to}"),
        (gateway.check_method, "GET"),
        (gateway.check_headers, "Authorization: Basic {basic}\n\nX-Ref:{key}"),
        (gateway.check_body, ""),
        (gateway.check_body, '{"a": {"b": ["{to}", 1, null]}}'),
        (gateway.check_body, "to={to}\n\ntext = {text}"),
    ],
)
def test_a_template_that_can_work_is_taken(check: Any, right: str) -> None:
    check(right)
