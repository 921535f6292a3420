"""The one way out by HTTP, to a real web server; and what its answers mean."""

import ipaddress
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from pytest_django import Settings

from comms.channels import http
from comms.channels.base import TransportError
from comms.channels.http import Answer, Web, judge
from comms.models import Channel
from tests.comms.receivers import HookServer, black_hole, free_port


def call(url: str, **options: Any) -> Answer:
    with Web(Channel(key="somewhere")) as web:
        return web.call("POST", url, **options)


def refusal(url: str, **options: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        call(url, **options)
    return caught.value


def judged(status: int, headers: dict[str, str] | None = None, **options: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        judge(Answer(status, httpx.Headers(headers, encoding="utf-8")), **options)
    return caught.value


def kind(error: TransportError) -> dict[str, object]:
    return {name: said for name, said in vars(error).items() if said}


def test_json_and_a_form_arrive_as_such_and_the_answer_is_read(hook: HookServer) -> None:
    hook.body, hook.headers = b'{"id": "7"}', {"X-Request": "9"}

    answer = call(hook.url, json={"text": "é"})
    call(hook.url, data={"text": "é"}, headers={"Authorization": "Bearer t"})

    first, second = hook.received
    assert (answer.status, answer.document, answer.headers["x-request"]) == (200, {"id": "7"}, "9")
    assert (first.headers["Content-Type"], first.body) == ("application/json", '{"text":"é"}'.encode())
    assert second.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (second.body, second.headers["Authorization"]) == (b"text=%C3%A9", "Bearer t")
    assert first.headers["Host"] == hook.url.split("/")[2]
    assert first.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00", "clé"])
def test_a_value_that_would_begin_another_header_never_leaves(hook: HookServer, value: str) -> None:
    error = refusal(hook.url, headers={"Authorization": value})

    assert (str(error), kind(error)) == (http.UNFIT, {"permanent": True})
    assert hook.received == []


def test_where_nobody_listens_nothing_was_taken(local_hooks: None) -> None:
    error = refusal(f"http://127.0.0.1:{free_port()}/")

    assert (str(error), kind(error)) == (http.UNREACHABLE, {"unreachable": True})


def test_who_takes_it_and_says_nothing_may_have_it(
    local_hooks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.2)
    with black_hole() as url:
        error = refusal(url)

    assert (str(error), kind(error)) == (http.NO_ANSWER, {"maybe_sent": True, "unreachable": True})


def test_an_answer_that_takes_too_long_as_a_whole_is_hung_up_on_each_time(
    hook: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "DEADLINE", 0.3)
    call(hook.url)
    hook.before_answer = lambda: time.sleep(1)

    error = refusal(hook.url)

    assert (str(error), kind(error)) == (http.BROKE_OFF, {"maybe_sent": True, "unreachable": True})


def test_each_call_has_a_connection_of_its_own(hook: HookServer) -> None:
    with Web(Channel(key="somewhere")) as web:
        for _ in range(2):
            web.call("POST", hook.url, json={})

    assert hook.connections == 2


@pytest.mark.parametrize(("status", "maybe_sent"), [(200, True), (400, False)])
def test_an_answer_without_end_is_cut_off(hook: HookServer, status: int, *, maybe_sent: bool) -> None:
    hook.status, hook.body = status, b"x" * (http.LARGEST_ANSWER + 1)

    error = refusal(hook.url)

    assert (str(error), error.permanent, error.maybe_sent) == (http.TOO_LARGE, True, maybe_sent)


def test_a_name_that_leads_inside_at_the_moment_of_the_call_is_refused(
    hook: HookServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DESK_WEBHOOK_NETWORKS = []
    port = hook.url.split(":")[2].partition("/")[0]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", int(port)))])

    assert refusal(f"https://social.example.org:{port}/").permanent
    assert hook.received == []


def test_a_redirect_is_an_answer_and_is_not_followed(hook: HookServer, settings: Settings) -> None:
    settings.DESK_WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]
    hook.status, hook.headers = 302, {"Location": hook.url}

    assert call(hook.url).status == 302
    assert len(hook.received) == 1


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<html>", {}),
        (b"[1]", {}),
        (b"[" * 60_000, {}),
        (b"\xff\xfe", {}),
        (b"", {}),
        (b'{"a":1}', {"a": 1}),
    ],
)
def test_an_answer_that_is_no_object_holds_nothing(body: bytes, found: object) -> None:
    assert Answer(200, body=body).document == found


def test_the_words_of_an_answer_are_one_short_line() -> None:
    assert Answer(400, body=b"a\r\n\tb\x07 " + b"c" * 400).words == "a b " + "c" * 296
    assert Answer(400, body=b"\x89PNG\xff").words == ""


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_2xx_is_no_error(status: int) -> None:
    judge(Answer(status))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, {"permanent": True}),
        (400, {"permanent": True}),
        (401, {"permanent": True, "by_hand": True}),
        (403, {"permanent": True, "by_hand": True}),
        (404, {"permanent": True}),
        (422, {"permanent": True}),
        (408, {}),
        (429, {}),
        (500, {"maybe_sent": True}),
        (502, {"maybe_sent": True}),
        (503, {}),
        (504, {"maybe_sent": True}),
    ],
)
def test_each_refusal_says_what_can_be_done(status: int, expected: dict[str, object]) -> None:
    assert kind(judged(status)) == expected


def test_what_may_be_done_twice_is_never_in_doubt() -> None:
    assert kind(judged(500, repeatable=True)) == {}


def test_our_reason_stands_before_their_words() -> None:
    assert str(judged(401, refused="Enter another.", words="no")) == "Enter another.\nno"
    assert str(judged(401, refused="Enter another.")) == "Enter another.\nHTTP 401"
    assert str(judged(422, words="too long")) == "HTTP 422\ntoo long"
    assert str(judged(401)) == "HTTP 401"


SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "7200"},
        {"Retry-After": SOON.strftime("%a, %d %b %Y %H:%M:%S GMT")},
        {"RateLimit-Reset": str(int(SOON.timestamp()))},
        {"ratelimit-reset": "7200"},
        {"X-RateLimit-Reset": SOON.isoformat().replace("+00:00", ".000Z")},
        {"x-rate-limit-reset": str(int(SOON.timestamp()))},
    ],
)
def test_a_requested_pause_is_read_in_every_vendors_way(headers: dict[str, str]) -> None:
    with time_machine.travel(SOON - timedelta(hours=2), tick=False):
        pause = judged(429, headers).retry_after

    assert pause == timedelta(hours=2)


def test_an_allowance_that_is_not_used_up_asks_for_no_pause() -> None:
    assert judged(503, {"X-RateLimit-Reset": SOON.isoformat()}).retry_after is None


@pytest.mark.parametrize(
    "value", ["soon", "-5", "Wed, 99 Foo 2022", "1e9", "", "0", "²", "2022-07-01T13:30:00"]
)
def test_a_senseless_request_for_a_pause_is_ignored(value: str) -> None:
    assert judged(429, {"Retry-After": value}).retry_after is None


@pytest.mark.parametrize("value", ["9" * 40, "99999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_pause_is_a_day_at_most(value: str) -> None:
    assert judged(429, {"Retry-After": value}).retry_after == http.LONGEST_PAUSE
