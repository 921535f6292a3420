"""Legal deadlines that come near are told to the data protection officer and the crisis lead, each once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from comms.models import Delivery, LegalDecision, LegalReminder
from comms.operations.reminders import reminder_of, ways_to
from comms.plan.duties import duties
from comms.plan.legal import Deadline
from incidents.models import Incident, ResponseRole

HOURS = (0, 2, 6)  # before it is due; the last that has passed is told, an earlier one is not made up for
TOLD = (ResponseRole.DATA_PROTECTION_OFFICER, ResponseRole.CRISIS_LEAD)


@dataclass(frozen=True)
class Near:
    deadline: Deadline
    due_at: datetime
    hours: int

    def words(self) -> str:
        """In the active language."""
        told = {
            "what": f"{self.deadline.regime.label}, {self.deadline.stage.label}",
            "time": date_format(timezone.localtime(self.due_at), "SHORT_DATETIME_FORMAT"),
        }
        return _("legal deadline %(time)s: %(what)s") % told


def near(deadlines: Iterable[Deadline], at: datetime) -> list[Near]:
    """Those that are not filed, and for which one of HOURS has begun."""
    found = []
    for each in deadlines:
        if each.filing is None and each.due_at is not None:
            begun = [hours for hours in HOURS if at >= each.due_at - timedelta(hours=hours)]
            found += [Near(each, each.due_at, min(begun))] if begun else []
    return found


def remind_of_law(at: datetime | None = None) -> int:
    """Returns how many deadlines were reminded of. One query where nothing is watched or decided."""
    at = at or timezone.now()
    applying = LegalDecision.objects.filter(applies=True).values("incident")
    return sum(_remind(incident, at) for incident in Incident.objects.filter(pk__in=applying).order_by("pk"))


@transaction.atomic
def _remind(incident: Incident, at: datetime) -> int:
    """Two runners may come here at once: the incident's row lets one pass."""
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    at = incident.now(at)
    found = {
        (str(each.deadline.regime), str(each.deadline.stage), each.due_at, each.hours): each
        for duty in duties(incident)
        for each in near(duty.deadlines, at)
    }
    told = LegalReminder.objects.filter(incident=incident).values_list("regime", "stage", "due_at", "hours")
    new = {key: each for key, each in found.items() if key not in set(told)}
    LegalReminder.objects.bulk_create(
        LegalReminder(incident=incident, regime=regime, stage=stage, due_at=due_at, hours=hours, at=at)
        for regime, stage, due_at, hours in new
    )
    if new:
        Delivery.objects.bulk_create(_letters(incident, list(new.values()), at))
    return len(new)


def _letters(incident: Incident, about: list[Near], at: datetime) -> Iterable[Delivery]:
    for person in _people(incident):
        with translation.override(person.language):
            lines = [each.words() for each in about]
        for channel, address in ways_to(person):
            yield reminder_of(incident, channel, person.language, address, lines, at, page="comms:legal")


def _people(incident: Incident) -> set[User]:
    """Who holds one of the roles, or stands in; whoever decided where nobody does."""
    current = incident.role_assignments.current().filter(role__in=TOLD).select_related("person")
    people = {row.person for row in current if row.person.is_active}
    decision = LegalDecision.objects.filter(incident=incident, applies=True).select_related("by").last()
    return people or ({decision.by} if decision else set())
