"""What agents have read, what they answer, and where they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from comms.models import Update
from tickets import answers
from tickets.models import Answer, Presence, Seen
from tickets.permissions import check_answer_call, check_edit_answer

TEXTS = ("text_fr", "text_nl", "text_de", "text_en")
AWAY_AFTER = timedelta(seconds=45)


@dataclass(frozen=True)
class AnswerData:
    """An answer as its form holds it."""

    trigger: str
    text_fr: str
    text_nl: str
    text_de: str = ""
    text_en: str = ""


def confirm_seen(update: Update, *, by: User, at: datetime | None = None) -> None:
    """*by* has read *update* and tells callers what it says. Said twice it stays as first said."""
    check_answer_call(by)
    if update.published_at is None:
        raise Refused(_("This message is not published."))
    Seen.objects.bulk_create([Seen(user=by, update=update, at=at or timezone.now())], ignore_conflicts=True)


@transaction.atomic
def save_answer(
    answer: Answer | None, *, by: User, data: AnswerData, revision: int = 0, at: datetime | None = None
) -> Answer:
    """Write a new answer, or change *answer* from what it said at *revision*.

    Refused with the field that is wrong: a trigger that is taken or is none, a text missing in French or Dutch, a
    variable that stands for nothing; and when somebody else has saved it meanwhile.
    """
    check_edit_answer(by)
    stored = Answer.objects.select_for_update().filter(pk=answer.pk).first() if answer else Answer(revision=0)
    if stored is None:
        raise Refused(_("This answer has been removed meanwhile."))
    if stored.revision != revision:
        raise Refused(_("Someone else changed this answer meanwhile. Nothing has been overwritten."))
    for name in ("trigger", *TEXTS):
        setattr(stored, name, " ".join(getattr(data, name).split()).removeprefix("::"))
    _check(stored)
    stored.revision += 1
    stored.saved_at, stored.saved_by = at or timezone.now(), by
    try:
        with transaction.atomic():
            stored.save()
    except IntegrityError as error:
        first = Answer.objects.filter(trigger=stored.trigger).first()
        if first and answer is None and all(getattr(first, name) == getattr(stored, name) for name in TEXTS):
            return first  # the same form sent twice
        raise Refused(_("There is an answer with this trigger already."), field="trigger") from error
    return stored


def remove_answer(answer: Answer, *, by: User) -> None:
    """Nobody is offered it any more. What was put into notes stays there."""
    check_edit_answer(by)
    Answer.objects.filter(pk=answer.pk).delete()


def be_at(place: str, *, by: User, at: datetime | None = None) -> list[str]:
    """Say that *by* is at *place* now, and hear who else was within the last moments. Two queries, two writes."""
    at = at or timezone.now()
    Presence.objects.bulk_create(
        [Presence(user=by, place=place, at=at)],
        update_conflicts=True,
        unique_fields=["user"],
        update_fields=["place", "at"],
    )
    others = Presence.objects.filter(place=place, at__gt=at - AWAY_AFTER).exclude(user=by)
    return [
        presence.user.display_name for presence in others.select_related("user").order_by("user__first_name")
    ]


def _check(answer: Answer) -> None:
    for name in ("text_fr", "text_nl"):
        if not getattr(answer, name):
            raise Refused(_("French and Dutch are needed."), field=name)
    for name in TEXTS:
        for variable in answers.unknown_variables(getattr(answer, name)):
            raise Refused(_("{%(name)s} stands for nothing.") % {"name": variable}, field=name)
    try:
        answer.clean_fields(exclude=["saved_by", "saved_at"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        trigger = _("Two to twenty small letters, digits or hyphens.")
        raise Refused(trigger if field == "trigger" else messages[0], field=field) from error
