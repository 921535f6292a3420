"""What waits for somebody: the numbers beside the desk's sections."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Count, DateTimeField, QuerySet, Value

from accounts.composed import Composed
from comms.models import Channel, Update
from incidents.models import Alert, Incident, Maintenance
from incidents.models.alert import SILENT_AFTER
from tickets.models import Callback, CallbackState, Mail


@dataclass(frozen=True)
class Counts:
    """*mails*: what came in writing and nobody has answered yet; *accounts*: those that are read for it.

    *alerts*, *silent*: what monitoring reports while no incident says so, and its heartbeats that are missing.
    *maintenances*: those that should have begun, or be done, by now.
    """

    drafts: int = 0
    callbacks: int = 0
    mails: int = 0
    accounts: int = 0
    alerts: int = 0
    silent: int = 0
    maintenances: int = 0


def counts(at: datetime, *, exercise: Incident | None = None) -> Counts:
    """At *at*, a real moment; drafts and callbacks are the real day's. One query.

    On the pages of an *exercise* they are those of exercises: its own callbacks, and the drafts of them all.
    """
    moments = {"at": at, "silent_since": at - SILENT_AFTER}
    found = _OF_EXERCISE(**moments, incident=exercise.pk) if exercise else _REAL(**moments)
    return Counts(**dict(found))


def _counted(
    updates: "QuerySet[Update]", callbacks: "QuerySet[Callback]", at: Any, silent_since: Any
) -> "QuerySet[Any, tuple[str, int]]":
    counted: list[QuerySet[Any, tuple[str, int]]] = [
        rows.order_by().values_list(Value(what)).annotate(n=Count("pk"))
        for what, rows in (
            ("drafts", updates),
            ("callbacks", callbacks.filter(state=CallbackState.OPEN)),
            ("mails", Mail.objects.unanswered()),
            ("accounts", Channel.objects.filter(mentions=True)),
            ("alerts", Alert.objects.proposing()),
            ("silent", Alert.objects.silent(silent_since)),
            ("maintenances", Maintenance.objects.late(at)),
        )
    ]
    return counted[0].union(*counted[1:], all=True).order_by()


_REAL = Composed(
    lambda **moments: _counted(
        Update.objects.drafts().filter(incident__drill=False),
        Callback.objects.exclude(contact__incident__drill=True),
        **moments,
    ),
    at=DateTimeField(),
    silent_since=DateTimeField(),
)
_OF_EXERCISE = Composed(
    lambda incident, **moments: _counted(
        Update.objects.drafts().filter(incident__drill=True),
        Callback.objects.filter(contact__incident=incident),
        **moments,
    ),
    incident=BigIntegerField(),
    at=DateTimeField(),
    silent_since=DateTimeField(),
)
