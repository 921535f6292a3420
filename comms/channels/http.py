"""The one way out by HTTP: to an address that was checked, for a short time, and what the answer means."""

import functools
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import structlog
from django.utils.translation import gettext_noop

from comms.channels import addresses
from comms.channels.base import TransportError
from comms.models import Channel

log = structlog.get_logger(__name__)

TIMEOUT = 5.0  # seconds to connect, and between two signs of life
DEADLINE = 20.0  # seconds for the whole answer
LARGEST_ANSWER = 64 * 1024  # bytes
LONGEST_PAUSE = timedelta(days=1)
CURABLE = {408, 425, 429, 503}  # it was not taken, and time may cure that
REFUSALS = {401, 402, 403}  # of whoever asks with these credentials
RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")

NO_ANSWER = gettext_noop("The address did not answer in time.")
UNREACHABLE = gettext_noop("The address could not be reached.")
BROKE_OFF = gettext_noop("The connection broke before the answer was complete.")
REDIRECTED = gettext_noop("The address redirects elsewhere: enter the final one.")
TOO_LARGE = gettext_noop("The answer is larger than what is read of one.")
UNFIT = gettext_noop("A part of the call holds characters that may not stand there.")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=httpx.Headers)
    """Whatever the case of their names."""
    body: bytes = b""

    @property
    def retry_after(self) -> timedelta | None:
        """The pause that it asks for: by Retry-After, or with a 429 by when the allowance begins anew."""
        if said := _pause(self.headers.get("Retry-After", "")):
            return said
        resets = [self.headers.get(name, "") for name in RESETS] if self.status == 429 else []
        return next((pause for pause in map(_pause, resets) if pause), None)

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON object, empty where it is none."""
        found = self.json
        return found if isinstance(found, dict) else {}

    @property
    def json(self) -> Any:
        """Its JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def words(self) -> str:
        """It as one line of at most 300 characters, for a person; empty where it is no text."""
        text = self.body[:2000].decode(errors="replace")
        return "" if "\ufffd" in text else one_line(text)


class Web:
    """Calls for *channel*, each over a connection of its own: one left open may have died, and nobody would know.

    Proxies of the environment are not asked (they would connect to an address that nobody checked), and no redirect
    is followed. Of an answer at most *largest* bytes are read.
    """

    def __init__(self, channel: Channel, *, largest: int = LARGEST_ANSWER) -> None:
        self._channel = channel
        self._largest = largest

    def __enter__(self) -> Self:
        self._client = httpx.Client(
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            verify=_trust(),
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def call(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **body: Any) -> Answer:
        """Whatever it answered, of any status; *body* is httpx's `content`, `json`, `data` (a form) or nothing.

        Raises TransportError when there was no answer; maybe_sent once the connection stood.
        """
        _check_headers(headers or {})
        try:
            return self._answer(self._request(method, url, headers or {}, body))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            log.warning("address_unreachable", channel=self._channel.key, error=str(error))
            raise TransportError(UNREACHABLE, unreachable=True) from error
        except httpx.TimeoutException as error:
            raise TransportError(NO_ANSWER, maybe_sent=True, unreachable=True) from error
        except httpx.TransportError as error:
            log.warning("connection_broke", channel=self._channel.key, error=str(error))
            raise TransportError(BROKE_OFF, maybe_sent=True, unreachable=True) from error

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any]
    ) -> httpx.Request:
        try:
            address = addresses.resolve(url)
        except addresses.Forbidden as error:
            raise TransportError(str(error), permanent=True) from error
        except LookupError as error:
            raise TransportError(str(error.args[0]), unreachable=True) from error
        parts = urlsplit(url)
        return self._client.build_request(
            method,
            httpx.URL(url).copy_with(host=address),
            headers={
                "User-Agent": "FarmaFlux-Desk",
                "Accept-Encoding": "identity",  # what is unpacked could be of any size
                **headers,
                "Host": parts.netloc,
            },
            extensions={"sni_hostname": parts.hostname},  # the certificate is held against the name
            **body,
        )

    def _answer(self, request: httpx.Request) -> Answer:
        with _deadline(request):
            response = self._client.send(request, stream=True)
            try:
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > self._largest:
                        raise TransportError(TOO_LARGE, permanent=True, maybe_sent=response.is_success)
            finally:
                response.close()
        return Answer(response.status_code, response.headers, bytes(body))


@functools.cache
def _trust() -> ssl.SSLContext:
    """The authorities this machine trusts, its own of an in-house authority among them; read once for a process."""
    return ssl.create_default_context()


def _check_headers(headers: Mapping[str, str]) -> None:
    """A line break in one would begin another."""
    for value in headers.values():
        if not (value.isascii() and value.isprintable()):
            raise TransportError(UNFIT, permanent=True)


@contextmanager
def _deadline(request: httpx.Request) -> Iterator[None]:
    """Hang up after DEADLINE seconds: httpx counts only the silence between two bytes, and a byte may drip."""
    streams: list[Any] = []

    def note(event: str, info: dict[str, Any]) -> None:
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            streams.append(info["return_value"])

    def hang_up() -> None:
        for stream in streams:
            try:
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            except OSError:  # closed already
                pass

    request.extensions["trace"] = note
    timer = threading.Timer(DEADLINE, hang_up)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _pause(value: str) -> timedelta | None:
    """From now: seconds (RFC 9110, 10.2.3), seconds since 1970, or a date of HTTP or ISO 8601; else None."""
    moment = _moment(value)
    return min(max(moment - datetime.now(UTC), timedelta()), LONGEST_PAUSE) if moment else None


def _moment(value: str) -> datetime | None:
    if value.isascii() and value.isdecimal():
        seconds = int(value[:10])
        begin = datetime.now(UTC) if seconds < 10**9 else datetime.fromtimestamp(0, UTC)
        return begin + timedelta(seconds=min(seconds, 2**32))
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(value)
        except (ValueError, TypeError):
            continue
        if found.tzinfo:
            return found
    return None


def judge(answer: Answer, *, words: str = "", refused: str = "", repeatable: bool = False) -> None:
    """Nothing for 2xx; else raises TransportError, which tells what can be done about it.

    *words*: what the other side said, for a person. *refused*: what she is to do when credentials are refused.
    *repeatable*: doing it twice changes nothing. A 500, 502 or 504 leaves open whether a message was taken
    (RFC 9110, 15.6); a 503 says that it was not.
    """
    status, reason = answer.status, f"HTTP {answer.status}"
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise TransportError(REDIRECTED, permanent=True)
    if status in REFUSALS:
        raise TransportError(told(refused or reason, words or (reason if refused else "")), by_hand=True)
    if status in CURABLE:
        raise TransportError(told(reason, words), retry_after=answer.retry_after)
    if status >= 500:
        unsure = not repeatable
        raise TransportError(told(reason, words), maybe_sent=unsure, retry_after=answer.retry_after)
    raise TransportError(told(reason, words), permanent=True)


def told(reason: str, words: str) -> str:
    """Our reason, and below it the other side's own words; the first line alone is translated when it is shown."""
    return f"{reason}\n{words}" if words else reason


def one_line(text: str) -> str:
    """*text* without line breaks and what cannot be seen, at most 300 characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:300]
