"""The plan reminds whom it concerns: before a step is due, when it is, and then the crisis lead. Each once.

What the public was promised nags earlier and escalates sooner. A message to a person holds all that concerns her at
that moment; what stood still for long is not sent any more (comms.channels.reminding).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.languages import Language
from accounts.models import User
from comms.models import (
    Channel,
    ChannelKind,
    Checklist,
    ChecklistItem,
    Delivery,
    DeliveryState,
    Notice,
    Reminder,
    Stage,
)
from comms.plan.agenda import Pending, running
from comms.plan.rules import BRUSSELS
from incidents.models import Colleague, Incident, ResponseRole

BEFORE = {False: timedelta(minutes=5), True: timedelta(minutes=8)}  # True: the message promised to the public
ESCALATED_AFTER = {False: timedelta(minutes=10), True: timedelta(minutes=3)}


@dataclass(frozen=True)
class Call:
    """A step that is to be reminded of now."""

    step: Pending
    stage: Stage

    @property
    def key(self) -> tuple[int, str, datetime]:
        return self.step.item, str(self.stage), self.step.due_at

    def words(self) -> str:
        """In the active language."""
        told = {
            "n": self.step.number,
            "title": self.step.title_in(translation.get_language() or "fr"),
            "time": f"{self.step.due_at.astimezone(BRUSSELS):%H:%M}",
        }
        if self.stage == Stage.BEFORE:
            return _("due %(time)s: step %(n)d, %(title)s") % told
        if self.stage == Stage.DUE:
            return _("now due (%(time)s): step %(n)d, %(title)s") % told
        return _("late since %(time)s, the crisis lead is told: step %(n)d, %(title)s") % told


def stage(step: Pending, at: datetime) -> Stage | None:
    """Which reminder of *step* it is time for; an earlier one that was missed is not made up for."""
    if step.since and step.since > at:
        return None
    if at >= step.due_at + ESCALATED_AFTER[step.promised]:
        return Stage.ESCALATED
    if at >= step.due_at:
        return Stage.DUE
    return Stage.BEFORE if at >= step.due_at - BEFORE[step.promised] else None


def remind(at: datetime | None = None) -> int:
    """Owe what is to be said now about all running plans; returns how many steps were reminded of."""
    at = at or timezone.now()
    plans = {plan.checklist: plan for plan in running(at)}
    calls = {
        pk: [Call(step, now) for step in plan.steps if (now := stage(step, plan.at))]
        for pk, plan in plans.items()
    }
    new = _without_told(calls)
    return sum(_remind(pk, about, plans[pk].at) for pk, about in new.items())


def _without_told(calls: Mapping[int, list[Call]]) -> dict[int, list[Call]]:
    items = [call.step.item for about in calls.values() for call in about]
    told = set(Reminder.objects.filter(item__in=items).values_list("item", "stage", "due_at"))
    left = {pk: [call for call in about if call.key not in told] for pk, about in calls.items()}
    return {pk: about for pk, about in left.items() if about}


@transaction.atomic
def _remind(pk: int, calls: list[Call], at: datetime) -> int:
    """Two runners may come here at once: the plan's row lets one pass."""
    checklist = Checklist.objects.select_for_update(of=("self",)).select_related("incident").get(pk=pk)
    new = _without_told({pk: calls}).get(pk, [])
    if not new:
        return 0
    new.sort(key=lambda call: (not call.step.promised, call.step.due_at))
    Reminder.objects.bulk_create(
        Reminder(item_id=call.step.item, stage=call.stage, due_at=call.step.due_at, at=at) for call in new
    )
    Delivery.objects.bulk_create(_letters(checklist, new, at))
    return len(new)


def _letters(checklist: Checklist, calls: list[Call], at: datetime) -> Iterable[Delivery]:
    """To each person what concerns her; into a team's channel all of it, each with the names of whom it concerns."""
    incident = checklist.incident
    concerned = _concerned(checklist, calls)
    told: dict[User, list[Call]] = {}
    for call, people in concerned:
        for person in people:
            told.setdefault(person, []).append(call)
    for person, about in told.items():
        for channel, address in ways_to(person):
            with translation.override(person.language):
                lines = [call.words() for call in about]
            yield reminder_of(incident, channel, person.language, address, lines, at)
    for channel in Channel.objects.filter(enabled=True, reminders=True):
        language = next(iter(channel.languages), Language.FR)
        with translation.override(language):
            lines = [
                f"{call.words()} → {', '.join(person.display_name for person in people)}"
                for call, people in concerned
            ]
        yield reminder_of(incident, channel, language, "", lines, at)


def _concerned(checklist: Checklist, calls: list[Call]) -> list[tuple[Call, list[User]]]:
    """Whoever owns a step, her deputy where nobody does; of one that nobody owns, the crisis lead; else who began.

    Of one that is late for long deputies and crisis lead too.
    """
    current = checklist.incident.role_assignments.current().select_related("person")
    assigned = [each for each in current if each.person.is_active]
    deputies = {assignment.role: assignment.person for assignment in assigned if assignment.deputy}
    holders = deputies | {each.role: each.person for each in assigned if not each.deputy}
    owners = dict(ChecklistItem.objects.filter(checklist=checklist).values_list("pk", "owners"))
    lead = holders.get(ResponseRole.CRISIS_LEAD) or checklist.started_by
    found = []
    for call in calls:
        roles = owners[call.step.item]
        people = [holders[role] for role in roles if role in holders]
        if call.stage == Stage.ESCALATED:
            people += [deputies[role] for role in roles if role in deputies]
        if not people or call.stage == Stage.ESCALATED:
            people.append(lead)
        found.append((call, list(dict.fromkeys(people))))
    return found


def ways_to(person: User) -> Iterable[tuple[Channel, str]]:
    if person.email and (channel := by_mail()):
        yield channel, person.email
    if person.browser_reminders:
        channel, _created = Channel.objects.get_or_create(
            key="staff-browser",
            defaults={"kind": ChannelKind.STAFF_BROWSER, "name": "Staff, browser", "position": 102},
        )
        if channel.enabled:
            yield channel, person.username
    if (number := person.phone or _called_in_at(person)) and (channel := by_sms()):
        yield channel, number


def by_mail() -> Channel | None:
    """The channel to staff, which makes itself; None where it is switched off."""
    channel, _created = Channel.objects.get_or_create(
        key="staff-email",
        defaults={"kind": ChannelKind.STAFF_EMAIL, "name": "Staff, e-mail", "position": 101},
    )
    return channel if channel.enabled else None


def by_sms() -> Channel | None:
    """The channel to staff, where an administrator has set one up."""
    return Channel.objects.filter(kind=ChannelKind.STAFF_SMS, enabled=True).first()


def _called_in_at(person: User) -> str:
    """Her number on the list of colleagues who can be called in."""
    listed = Colleague.objects.listed().filter(account=person).values_list("e164", flat=True)
    return listed.first() or ""


def reminder_of(
    incident: Incident,
    channel: Channel,
    language: str,
    address: str,
    lines: list[str],
    at: datetime,
    *,
    page: str = "comms:plan",
) -> Delivery:
    """*lines*, and where to go. Of an exercise it is rehearsed: written down, never sent."""
    with translation.override(language):
        lines = [f"FarmaFlux · {incident}", *lines]
    lines.append(f"{settings.DESK_BASE_URL}{reverse(page, args=[incident.public_id])}")
    return Delivery(
        notice=Notice.REMINDER,
        channel=channel,
        language=language,
        recipient=address,
        text="\n".join(lines),
        state=DeliveryState.REHEARSED if incident.drill else DeliveryState.QUEUED,
        environment=settings.DESK_ENVIRONMENT_ID,
        created_at=at,
        not_before=at,
    )
