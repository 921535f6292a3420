"""The webhook of Prometheus Alertmanager, version 4, read strictly where it counts and leniently where it may grow:
https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. No times are trusted before 2000.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from incidents.personal_data import mask_national_numbers

HEARTBEATS = ("watchdog", "deadmansswitch", "heartbeat")  # names of alerts that fire for ever
SERVICE_LABELS = ("service", "component")
MOST_ALERTS = 1000
EARLIEST = 2000


class Unreadable(Exception):
    """What is wrong with the document, in one line of English for a machine's log."""


@dataclass(frozen=True)
class Told:
    """*ended_at* is None while it fires. *services*: keys that a service may have."""

    fingerprint: str
    began_at: datetime
    ended_at: datetime | None
    name: str
    severity: str
    summary: str
    description: str
    url: str
    services: tuple[str, ...]

    @property
    def is_heartbeat(self) -> bool:
        return self.name.casefold().replace(" ", "") in HEARTBEATS


@dataclass(frozen=True)
class Notification:
    """*more*: how many alerts of the group were left out."""

    group_key: str
    alerts: tuple[Told, ...]
    more: int


def read(body: bytes) -> Notification:
    """Raises Unreadable. Keys that are not known are ignored."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("This is no JSON.") from error
    alerts = document.get("alerts") if isinstance(document, dict) else None
    if not isinstance(alerts, list):
        raise Unreadable('This is no notification of Alertmanager: "alerts" is no list.')
    if len(alerts) > MOST_ALERTS:
        raise Unreadable(f"More than {MOST_ALERTS} alerts: set max_alerts in Alertmanager.")
    more = document.get("truncatedAlerts", 0)
    return Notification(
        group_key=_text(document.get("groupKey"), 500),
        alerts=tuple(_alert(number, alert) for number, alert in enumerate(alerts)),
        more=more if isinstance(more, int) and 0 <= more < 10**6 else 0,
    )


def _alert(number: int, said: Any) -> Told:
    if not isinstance(said, dict):
        raise Unreadable(f"alerts[{number}] is no object.")
    status, began_at = said.get("status"), _moment(said.get("startsAt"))
    if status not in ("firing", "resolved"):
        raise Unreadable(f"alerts[{number}].status is neither firing nor resolved.")
    fingerprint = said.get("fingerprint")
    if not isinstance(fingerprint, str) or not (0 < len(fingerprint) <= 64) or not fingerprint.isprintable():
        raise Unreadable(f"alerts[{number}].fingerprint is missing.")
    if began_at is None:
        raise Unreadable(f"alerts[{number}].startsAt is no moment.")
    labels, notes = (_texts(said.get(name)) for name in ("labels", "annotations"))
    url = _text(said.get("generatorURL"), 500)
    ended_at = _moment(said.get("endsAt")) or began_at
    return Told(
        fingerprint=fingerprint,
        began_at=began_at,
        ended_at=ended_at if status == "resolved" else None,
        name=_text(labels.get("alertname"), 200) or "alert",
        severity=_text(labels.get("severity"), 40),
        summary=_text(notes.get("summary"), 500),
        description=_text(notes.get("description"), 1000),
        url=url if url.startswith(("http://", "https://")) else "",
        services=tuple(labels[name] for name in SERVICE_LABELS if labels.get(name)),
    )


def _texts(said: Any) -> Mapping[str, str]:
    return (
        {name: text for name, text in said.items() if isinstance(text, str)} if isinstance(said, dict) else {}
    )


def _text(said: Any, longest: int) -> str:
    """One line that can be stored, national numbers masked."""
    if not isinstance(said, str):
        return ""
    line = "".join(character if character.isprintable() else " " for character in said[: 4 * longest])
    return mask_national_numbers(" ".join(line.split()))[0][:longest]


def _moment(said: Any) -> datetime | None:
    """None for the year 1, which stands for no moment, and for what is none."""
    try:
        moment = parse_datetime(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo and EARLIEST <= moment.year < 9999 else None
