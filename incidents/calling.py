"""The call-in board of an incident: whom to call next, who answered what, who came."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import quote

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from incidents.models import CallIn, CallInAnswer, Colleague, Incident

COMING = (CallInAnswer.ON_WAY, CallInAnswer.VOLUNTEERED)


@dataclass(frozen=True)
class Row:
    """A colleague, and all that was tried so far, the newest last."""

    colleague: Colleague
    tried: list[CallIn]
    incident: Incident

    @property
    def last(self) -> CallIn | None:
        return self.tried[-1] if self.tried else None

    @property
    def earlier(self) -> list[CallIn]:
        """All but the last, the newest first."""
        return self.tried[-2::-1]

    @property
    def away(self) -> str:
        """Until when she is away, and for what; empty where she is not."""
        absences = self.colleague.absences_now
        if not absences:
            return ""
        longest = max(absences, key=lambda absence: absence.last)
        return f"{longest.last:%d/%m}{f', {longest.what}' if longest.what else ''}"

    @property
    def can_be_called(self) -> bool:
        return not self.colleague.unreachable and not self.colleague.absences_now

    @property
    def sms(self) -> str:
        return f"sms:{self.colleague.e164}?body={quote(asks(self.incident, self.colleague))}"

    @property
    def mail(self) -> str:
        with override(self.colleague.language):
            subject = f"FarmaFlux · {self.incident}"
        body = asks(self.incident, self.colleague)
        return f"mailto:{quote(self.colleague.email)}?subject={quote(subject)}&body={quote(body)}"


def asks(incident: Incident, colleague: Colleague) -> str:
    """In her own language; of an exercise with its mark."""
    with override(colleague.language):
        return _("FarmaFlux: %(incident)s. Can you come and help? Answer, or call the desk.") % {
            "incident": incident
        }


class CallInBoard:
    """*skill*: only those whose skills name it. Three queries."""

    def __init__(self, incident: Incident, *, at: datetime, skill: str = "") -> None:
        self.incident = incident
        self.at = at
        self.skill = skill.strip()

    @cached_property
    def everybody(self) -> list[Row]:
        """In the order in which they are called."""
        tried: dict[int, list[CallIn]] = {}
        for call in self.incident.call_ins.select_related("by"):
            tried.setdefault(call.colleague_id, []).append(call)
        today = timezone.localtime(self.at).date()
        colleagues = Colleague.objects.listed() | Colleague.objects.filter(pk__in=tried)
        return [
            Row(colleague, tried.get(colleague.pk, []), self.incident)
            for colleague in colleagues.with_absences_on(today)
        ]

    @property
    def rows(self) -> list[Row]:
        wanted = self.skill.casefold()
        return [row for row in self.everybody if wanted in row.colleague.skills.casefold()]

    @property
    def skills(self) -> list[str]:
        """Each once, however it is spelled."""
        found = {skill.casefold(): skill for row in self.everybody for skill in row.colleague.skill_list}
        return [found[name] for name in sorted(found)]

    @property
    def next(self) -> Row | None:
        """The first who can be called and was not; then whoever did not answer, the longest ago first."""
        free = [row for row in self.rows if row.can_be_called and not row.colleague.removed]
        untried = [row for row in free if row.last is None]
        if untried:
            return untried[0]
        silent = [row for row in free if row.last and row.last.answer == CallInAnswer.NO_ANSWER]
        return min(silent, key=lambda row: row.tried[-1].at, default=None)

    @property
    def came(self) -> list[Row]:
        return [row for row in self.everybody if row.last and row.last.answer == CallInAnswer.CAME]

    @property
    def coming(self) -> list[Row]:
        return [row for row in self.everybody if row.last and row.last.answer in COMING]
