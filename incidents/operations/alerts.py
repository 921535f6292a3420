"""Alerts of monitoring: told in the timeline of an open incident, else a proposal; they declare nothing themselves."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Intake, User
from accounts.operations.intakes import hear
from accounts.refusals import Refused
from incidents import permissions, timeline
from incidents.alertmanager import Notification, Told
from incidents.models import Alert, EntryKind, Impact, Incident, Service
from incidents.operations import sense
from incidents.personal_data import mask_national_numbers

LONGEST_REASON: int = Alert._meta.get_field("reason").max_length or 0
# In the timeline, before what monitoring says in its own language.
FIRING = {"fr": "Alerte", "nl": "Alarm", "en": "Alert"}
OVER = {"fr": "Fin de l’alerte", "nl": "Alarm voorbij", "en": "Alert over"}
ROOM_FOR_MASKS = 100  # characters: masking a number may lengthen a text


@transaction.atomic
def take_alerts(notification: Notification, *, by: Intake, at: datetime | None = None) -> list[Alert]:
    """Keep what changed; the same notification again changes nothing but when it was heard.

    An alert on a service that an open incident touches becomes an entry of its timeline, and so does its end. All
    others propose an incident (Alert.objects.proposing) until they end or are closed by hand.
    """
    at = at or timezone.now()
    Intake.objects.select_for_update(no_key=True).get(
        pk=by.pk
    )  # of two repeats at once the second sees the first
    hear(by, at=at)
    return [_take(told, notification, by, at) for told in notification.alerts]


def _take(told: Told, notification: Notification, by: Intake, at: datetime) -> Alert:
    alert = Alert.objects.filter(intake=by, fingerprint=told.fingerprint, began_at=told.began_at).first()
    is_new = alert is None
    alert = alert or Alert(intake=by, fingerprint=told.fingerprint, began_at=told.began_at)
    ends = told.ended_at is not None and alert.ended_at is None
    for name in ("name", "severity", "summary", "description", "url", "is_heartbeat"):
        setattr(alert, name, getattr(told, name))
    alert.group_key, alert.more, alert.heard_at = notification.group_key, notification.more, at
    alert.ended_at = alert.ended_at or told.ended_at
    if is_new:
        alert.service = Service.objects.filter(key__in=told.services).first()
    if not alert.is_heartbeat and alert.incident is None and alert.ended_at is None and not alert.closed_at:
        alert.incident = _incident(alert)
        if alert.incident:
            _tell(alert, alert.incident, by, at)
    elif ends and alert.incident and not is_new:
        _tell(alert, alert.incident, by, at)
    alert.save()
    return alert


def _incident(alert: Alert) -> Incident | None:
    """The gravest open one that touches its service."""
    if alert.service is None:
        return None
    impacts = Impact.objects.real().open().filter(service=alert.service).select_related("incident")
    return min((impact.incident for impact in impacts), key=lambda row: (row.severity, row.pk), default=None)


def _tell(alert: Alert, incident: Incident, by: Intake, at: datetime) -> None:
    parts = [str(alert), alert.description]
    text = ". ".join(part.rstrip(".") for part in parts if part)
    ended = alert.ended_at
    timeline.append(
        incident,
        EntryKind.SIGNAL,
        by=by.account,
        text=text[: timeline.LONGEST_TEXT - ROOM_FOR_MASKS],
        data={"said": OVER if ended else FIRING},
        occurred_at=min(max(ended or alert.began_at, incident.began_at), at),
        at=at,
    )


@transaction.atomic
def close_alert(alert: Alert, *, reason: str, by: User, at: datetime | None = None) -> Alert:
    """It proposes nothing any more, though monitoring does not say that it is over. Raises Refused without a reason."""
    permissions.check_run_incident(by)
    reason, _masked = mask_national_numbers(
        sense.public(reason, most=LONGEST_REASON, field="reason", required=False)
    )
    if not reason:
        raise Refused(_("Say why this is no incident."), field="reason")
    alert = Alert.objects.select_for_update(of=("self",)).get(pk=alert.pk)
    if alert.closed_at is None and alert.ended_at is None:
        alert.closed_at, alert.closed_by, alert.reason = at or timezone.now(), by, reason[:LONGEST_REASON]
        alert.save()
    return alert
