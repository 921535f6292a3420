"""What a telephone system tells: Zammad's generic CTI events (JSON or form) and sipgate's push, as one shape."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from django.http import QueryDict

from tickets import phone
from tickets.models import PhoneCall

LONGEST_ID = PhoneCall._meta.get_field("call_id").max_length or 0
EVENTS = ("newCall", "answer", "hangup")
VOICEMAIL = "voicemail"
# Who answered: sipgate names people in user[], their ids beside; Zammad's answer has one user or caller.
NAMES = ("answeringNumber", "user", "caller", "userId", "fullUserId")

type Kind = Literal["newCall", "answer", "hangup"]


class Unreadable(Exception):
    """No event, and why: English, for the telephone system's own log."""


@dataclass(frozen=True)
class Event:
    """Of an incoming call. *names* are the telephone system's for who answered, without repeats."""

    kind: Kind
    call_id: str
    origin: str
    number: phone.Number
    names: tuple[str, ...]
    answered: bool
    diverted: bool
    wants_answer: bool


def read(content_type: str, body: bytes) -> Event | None:
    """None for what does not concern us: outgoing calls, and events we have no use for. Raises Unreadable."""
    told = _json(body) if content_type.lower().startswith("application/json") else _form(body)
    kind = _text(told, "event")
    if not kind:
        raise Unreadable("event is missing.")
    if kind not in EVENTS or _text(told, "direction") == "out":
        return None
    call_id, origin = _id(told, "callId"), _id(told, "origCallId")
    if not call_id:
        raise Unreadable("callId is missing.")
    names = tuple(dict.fromkeys(name for key in NAMES for name in told.get(key, []) if name))
    if kind == "newCall":  # everybody whose telephone rings
        names = ()
    to_a_person = VOICEMAIL not in (name.lower() for name in names)
    return Event(
        kind=cast(Kind, kind),
        call_id=call_id,
        origin="" if origin == call_id else origin,
        number=phone.given_by_machine(_text(told, "from")),
        names=names,
        answered=to_a_person and (kind == "answer" or bool(_text(told, "answeringNumber"))),
        diverted=_text(told, "cause") == "forwarded",
        wants_answer=kind == "newCall" and "user[]" in told,
    )


def _json(body: bytes) -> dict[str, list[str]]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("This is not JSON.") from None
    if not isinstance(told, dict):
        raise Unreadable("A JSON object is expected.")
    return {key: _texts(value) for key, value in told.items()}


def _form(body: bytes) -> dict[str, list[str]]:
    """Repeated keys are kept under their own name and without their brackets."""
    try:
        told = QueryDict(body.decode())
    except ValueError:
        raise Unreadable("This is no form in UTF-8.") from None
    read = {key: _texts(values) for key, values in told.lists()}
    return {key.removesuffix("[]"): values for key, values in read.items()} | read


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(one).replace("\0", "").strip("\r\n\t") for one in values if isinstance(one, str | int)]


def _text(told: Mapping[str, list[str]], key: str) -> str:
    return next(iter(told.get(key, [])), "")


def _id(told: Mapping[str, list[str]], key: str) -> str:
    text = _text(told, key).strip()
    if len(text) > LONGEST_ID:
        raise Unreadable(f"{key} is longer than {LONGEST_ID} characters.")
    return text
