"""How grave it is, from three questions: what nobody knows yet counts as yes, so that in doubt it is the higher."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.models import Severity


class Question(models.TextChoices):
    CORE = "core", _("Is a service without which pharmacies cannot dispense down for all of them?")
    PATIENTS = "patients", _("Do patients go without their medicine in several places of the country?")
    MANY = "many", _("Does it touch more than 100 pharmacies?")


class Reply(models.TextChoices):
    YES = "yes", _("yes")
    NO = "no", _("no")
    UNKNOWN = "unknown", _("not known")


# What a yes makes of it, the gravest first; where nothing does, it is local.
_MAKES: tuple[tuple[Question, Severity], ...] = (
    (Question.CORE, Severity.S1),
    (Question.PATIENTS, Severity.S1),
    (Question.MANY, Severity.S2),
)
_BECAUSE: dict[tuple[Question, Reply], Promise] = {
    (Question.CORE, Reply.YES): _("a core service is down for all"),
    (Question.CORE, Reply.UNKNOWN): _("nobody knows yet whether a core service is down for all"),
    (Question.PATIENTS, Reply.YES): _("patients go without their medicine in several places"),
    (Question.PATIENTS, Reply.UNKNOWN): _("nobody knows yet whether patients go without their medicine"),
    (Question.MANY, Reply.YES): _("more than 100 pharmacies are touched"),
    (Question.MANY, Reply.UNKNOWN): _("nobody knows yet whether more than 100 pharmacies are touched"),
}
_LOCAL = _("no core service is down, no patient goes without, at most 100 pharmacies are touched")


@dataclass(frozen=True)
class Assessment:
    """What the three replies propose. A question without one counts as not known."""

    replies: Mapping[Question, Reply]

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self | None:
        """From the replies by their questions' values; None where none was given."""
        replies = {question: Reply(given[question]) for question in Question if given.get(question)}
        if not replies:
            return None
        return cls({question: replies.get(question, Reply.UNKNOWN) for question in Question})

    @property
    def _decides(self) -> tuple[Question, Severity] | None:
        """A yes before what is not known, of what makes it as grave."""
        grave = [(q, severity) for q, severity in _MAKES if self.replies[q] != Reply.NO]
        worst = [pair for pair in grave if pair[1] == grave[0][1]]
        return min(worst, key=lambda pair: self.replies[pair[0]] != Reply.YES, default=None)

    @property
    def severity(self) -> Severity:
        return self._decides[1] if self._decides else Severity.S3

    @property
    def reason(self) -> str:
        """Why, in the active language."""
        decides = self._decides
        return str(_BECAUSE[decides[0], self.replies[decides[0]]] if decides else _LOCAL)

    def as_json(self) -> dict[str, str]:
        return {str(question): str(reply) for question, reply in self.replies.items()}
