"""What stands at the head of every desk page: the open incident, its clocks, the phones, what is late."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import BigIntegerField
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from accounts import keyring
from accounts.composed import Composed
from accounts.models import User
from comms.models import PlanTemplate, Update
from comms.permissions import can_configure_channel, can_start_plan
from comms.plan.agenda import Clock, Due, clock
from comms.plan.proposing import Proposal, default_template, proposals
from comms.pulse import Sending, sending
from farmaflux_desk.counts import Counts, counts
from farmaflux_desk.rail import RailItem, rail, section_of
from incidents.models import Alert, Incident, ServiceStatus
from incidents.models.alert import SILENT_AFTER
from incidents.permissions import can_run_incident
from tickets.felt import Hint, hints
from tickets.permissions import is_volunteer
from tickets.pressure import last_quarter_of_an_hour, lately
from tickets.rises import Call, Rise, recent_calls, rises
from tickets.urgent import Waiting, waiting

IN_THE_BAR = 4  # entries that fit beside "More" on a phone of 320 px
ALERTS = 3  # shown on every page; the others on their own


@dataclass(frozen=True)
class Spark:
    """A line of 64 × 22 units over the quarters, and the same in words."""

    path: str
    label: str


@dataclass(frozen=True)
class Other:
    url: str
    label: str
    current: bool


class Header:
    """Read lazily by the templates; each part is asked for once.

    *public_id* names the incident to show; without it, or when it is unknown, the gravest open one. An exercise is
    shown where it is named, and its clocks, calls and late steps there alone: elsewhere they are those of the real day.
    """

    def __init__(self, *, user: User, at: datetime, public_id: str = "", section: str = "") -> None:
        self.user = user
        self.at = at
        self.public_id = public_id
        self.section = section

    @cached_property
    def open_incidents(self) -> list[Incident]:
        return _OPEN()

    @cached_property
    def incident(self) -> Incident | None:
        for incident in self.open_incidents:
            if incident.public_id == self.public_id:
                return incident
        return next((incident for incident in self.open_incidents if not incident.drill), None)

    @cached_property
    def played(self) -> Incident | None:
        """The exercise that this page belongs to, open or over."""
        if not self.public_id.isalnum():  # PostgreSQL takes no NUL, not even to look for
            return None
        if self.incident and self.incident.public_id == self.public_id:
            return self.incident if self.incident.drill else None
        return Incident.objects.alike(drill=True).filter(public_id=self.public_id).first()

    @cached_property
    def now(self) -> datetime:
        """What time it is in the incident that is shown: in an exercise perhaps not ours."""
        return self.incident.now(self.at) if self.incident else self.at

    @property
    def own_time(self) -> bool:
        """It is an exercise that does not keep the real time."""
        return bool(self.incident and self.incident.drill and getattr(self.incident, "exercise_clock", None))

    @property
    def drill(self) -> bool:
        return bool(self.incident and self.incident.drill)

    @cached_property
    def others(self) -> list[Other]:
        """All open incidents, when another than the one shown is: Alt+1 … Alt+9. Exercises come last."""
        if all(incident == self.incident for incident in self.open_incidents):
            return []
        return [
            Other(
                url=reverse("desk:room", args=[incident.public_id]),
                label=f"{incident.severity} {incident}",
                current=incident == self.incident,
            )
            for incident in self.open_incidents[:9]
        ]

    @cached_property
    def worst(self) -> ServiceStatus:
        impacts = self.incident.open_impacts if self.incident else []
        return ServiceStatus(impacts[0].status) if impacts else ServiceStatus.OPERATIONAL

    @property
    def mark(self) -> str:
        return self.worst.mark

    @property
    def mark_icon(self) -> str:
        return f"i-{self.mark}"

    @property
    def status_word(self) -> str:
        return str(self.worst.label).capitalize()

    @property
    def minutes(self) -> int:
        return int((self.now - self.incident.began_at).total_seconds() // 60) if self.incident else 0

    @property
    def age(self) -> str:
        """110 min; 26 h 05 from ten hours on, when minutes alone no longer speak."""
        if self.minutes < 600:
            return gettext("%(n)d min") % {"n": self.minutes}
        return f"{self.minutes // 60} h {self.minutes % 60:02d}"

    @cached_property
    def next_update_at(self) -> datetime | None:
        if self.incident is None:
            return None
        return _NEXT_UPDATE.first(incident=self.incident.pk)

    @cached_property
    def _sending(self) -> Sending:
        return sending(self.at)

    @property
    def sending_stopped_since(self) -> datetime | None:
        return self._sending.stopped_since

    @property
    def unsent_minutes(self) -> int:
        """How many whole minutes the oldest message has waited to leave; 0 while all leave at once."""
        oldest = self._sending.oldest_unsent
        return int((self.at - oldest).total_seconds() // 60) if oldest else 0

    @property
    def next_late(self) -> bool:
        return self.next_update_at is not None and self.next_update_at < self.now

    @property
    def next_minutes(self) -> int:
        """Whole minutes until the promised message, or since it when it is late."""
        if self.next_update_at is None:
            return 0
        return int(abs((self.next_update_at - self.now).total_seconds()) // 60)

    @cached_property
    def calls(self) -> int:
        if self.drill:
            return last_quarter_of_an_hour(self.now, incident=self.incident)
        return len(self._recent)

    @cached_property
    def _recent(self) -> list[Call]:
        return recent_calls(self.at)

    @cached_property
    def hints(self) -> list[Hint]:
        """Services that fail people while no incident says so."""
        return hints(self.at)

    @cached_property
    def rises(self) -> list[Rise]:
        """What callers complain of more than usual while no incident says so."""
        return rises(self.at, self._recent)

    @cached_property
    def alerts(self) -> list[Alert]:
        """What monitoring reports while no incident says so, the newest first."""
        if not self.counts.alerts:
            return []
        return list(Alert.objects.proposing().select_related("service", "intake")[:ALERTS])

    @property
    def alerts_left(self) -> int:
        return self.counts.alerts - len(self.alerts)

    @cached_property
    def silent(self) -> list[Alert]:
        """Heartbeats of monitoring that are missing."""
        if not self.counts.silent:
            return []
        return list(Alert.objects.silent(self.at - SILENT_AFTER).select_related("intake"))

    @cached_property
    def spark(self) -> Spark | None:
        return spark(lately(self.incident, self.now)) if self.incident else None

    @cached_property
    def clock(self) -> Clock:
        return clock(self.now, exercise=self.incident.public_id if self.incident and self.drill else "")

    @cached_property
    def proposals(self) -> list[Proposal]:
        """Plans that the user may start and should, each with its reason; of an exercise where it is shown alone."""
        if not can_start_plan(self.user):
            return []
        alike = [incident for incident in self.open_incidents if incident.drill == self.drill]
        about = [incident for incident in alike if not self.drill or incident == self.incident]
        without = [incident for incident in about if incident.public_id not in self.clock.running]
        return proposals(without, self.at)

    @cached_property
    def plan_template(self) -> PlanTemplate | None:
        """What one click starts; None while there is no template."""
        return default_template()

    @property
    def late(self) -> list[Due]:
        return self.clock.late

    @property
    def late_first(self) -> str:
        """The message that the public was promised, else the step that is late the longest, and by how much."""
        return gettext("%(title)s +%(n)d min") % {
            "title": self.late[0].step.title_in(self.user.language),
            "n": self.late[0].minutes,
        }

    @property
    def late_url(self) -> str:
        return step_url(self.late[0])

    @property
    def next_step(self) -> str:
        """What is due next, and in how long; only while it is today's concern."""
        following = self.clock.next
        if following is None or following.minutes >= 12 * 60:
            return ""
        return gettext("%(title)s in %(n)d min") % {
            "title": following.step.title_in(self.user.language),
            "n": following.minutes,
        }

    @property
    def next_step_url(self) -> str:
        return step_url(self.clock.next) if self.clock.next else ""

    @property
    def room_url(self) -> str:
        return reverse("desk:room", args=[self.incident.public_id]) if self.incident else ""

    @property
    def declare_url(self) -> str:
        return reverse("incidents:declare")

    @cached_property
    def can_declare(self) -> bool:
        return can_run_incident(self.user)

    @cached_property
    def counts(self) -> Counts:
        return counts(self.at, exercise=self.incident if self.drill else None)

    @cached_property
    def urgent(self) -> Waiting:
        return waiting(self.now, incident=self.incident if self.drill else None)

    @cached_property
    def rail(self) -> list[RailItem]:
        return rail(
            self.counts,
            urgent=self.urgent.count,
            late=len(self.late),
            room_url=self.room_url,
            can_configure=can_configure_channel(self.user),
        )

    @property
    def rail_first(self) -> list[RailItem]:
        """What stands in the bar of a phone."""
        return self.rail[:IN_THE_BAR]

    @property
    def rail_rest(self) -> list[RailItem]:
        """What a phone keeps behind "More"."""
        return self.rail[IN_THE_BAR:]

    @property
    def version(self) -> str:
        """Changes when anything shown does; minutes are part of it, so it changes by the minute."""
        parts: Iterable[Any] = (
            f"{self.now:%H%M}",
            self.incident.public_id if self.incident else "",
            self.incident.phase if self.incident else "",
            self.incident.severity if self.incident else "",
            self.mark,
            self.next_update_at and int(self.next_update_at.timestamp()),
            self.calls,
            len(self.late),
            self.clock.next and int(self.clock.next.due_at.timestamp()),
            ".".join(incident.public_id for incident in self.open_incidents),
            self.counts.drafts,
            self.counts.callbacks,
            self.counts.mails,
            f"{self.urgent.count}.{self.urgent.unclaimed}",
            ".".join(proposal.incident.public_id for proposal in self.proposals),
            ".".join(f"{rise.key}:{rise.calls}" for rise in self.rises),
            ".".join(f"{hint.service.pk}:{hint.count}" for hint in self.hints),
            ".".join(str(alert.pk) for alert in (*self.alerts, *self.silent)),
            self.alerts_left,
        )
        return "-".join(str(part or "") for part in parts)

    @property
    def poll_query(self) -> str:
        return urlencode({"incident": self.public_id, "seen": self.version})


_OPEN = Composed(
    lambda: (
        Incident.objects.open().select_related("exercise_clock").prefetch_related("phase_changes", "impacts")
    )
)
_NEXT_UPDATE = Composed(
    lambda incident: (
        Update.objects.standing().filter(incident=incident).values_list("next_update_at", flat=True)[:1]
    ),
    incident=BigIntegerField(),
)


def step_url(due: Due) -> str:
    return f"{reverse('comms:plan', args=[due.public_id])}#step-{due.step.number}"


def spark(counts: list[int]) -> Spark | None:
    """None when there is nothing to draw."""
    if len(counts) < 2 or not any(counts):
        return None
    step, scale = 62 / (len(counts) - 1), 18 / max(counts)
    points = [f"{1 + index * step:.1f} {20 - count * scale:.1f}" for index, count in enumerate(counts)]
    label = gettext("Contacts per quarter of an hour: %(counts)s") % {"counts": ", ".join(map(str, counts))}
    return Spark(path="M" + "L".join(points), label=label)


def of_request(request: HttpRequest) -> Header:
    """The header for *request*: its page decides the section, its address the incident."""
    match = request.resolver_match
    view = match.view_name if match else ""
    public_id = str((match.kwargs.get("public_id") if match else "") or request.GET.get("incident", ""))
    assert isinstance(request.user, User)  # noqa: S101 -- only desk pages ask, and they need a sign-in
    return Header(user=request.user, at=timezone.now(), public_id=public_id, section=section_of(view))


def header(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `header` and `sign_in` (accounts.keyring), for someone signed in; nothing is asked of the
    database until it is shown."""
    user = getattr(request, "user", None)  # a page of refusal can come before anyone knows who asks
    if user is None or not user.is_authenticated:
        return {}
    shell = "tickets/volunteer.html" if is_volunteer(user) else "desk.html"
    return {
        "header": SimpleLazyObject(lambda: of_request(request)),
        "shell": shell,
        "sign_in": SimpleLazyObject(lambda: keyring.sign_in(request)),
    }
