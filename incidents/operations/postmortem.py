"""What we learned: written by several, published by one, corrected beside what it was."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, override
from django.utils.translation import gettext as _

from accounts.languages import INTERFACE_LANGUAGES, REQUIRED_PUBLIC_LANGUAGES, Language
from accounts.models import User
from accounts.refusals import Refused
from incidents import permissions, timeline
from incidents.models import EntryKind, Incident, Postmortem, PostmortemText, PublicRevision
from incidents.operations import rows, sense
from incidents.personal_data import emails, phone_numbers

LONGEST_TEXT: int = PostmortemText._meta.get_field("text").max_length or 0
PUBLISHED = gettext_noop("published")
CORRECTED = gettext_noop("correction %(number)d published")


class Conflict(Refused):
    """Somebody saved the post-mortem after this person had opened it. Nothing was written; `stored` is theirs."""

    def __init__(self, stored: Postmortem) -> None:
        super().__init__(
            _("%(who)s saved this at %(when)s, after you had opened it. Nothing was overwritten.")
            % {
                "who": stored.saved_by.display_name,
                "when": f"{timezone.localtime(stored.saved_at):%H:%M}",
            }
        )
        self.stored = stored


@transaction.atomic
def write_postmortem(
    incident: Incident,
    texts: Mapping[str, str],
    *,
    by: User,
    revision: int = 0,
    at: datetime | None = None,
) -> Postmortem:
    """Store *texts*, by language, as the draft; of a published post-mortem it is the draft of a correction.

    Texts that are published so already make no draft: what is published is given back. revision: that of the draft
    when it was opened, 0 where there was none. Raises Conflict when somebody saved it
    in between, Refused while the incident lasts. The public sees nothing of it. Fields of refusals:
    text_<language>.
    """
    permissions.check_change_course(by)
    at = at or incident.now()
    incident = _resolved(incident)
    kept = {
        language: sense.written(
            texts.get(language, ""), most=LONGEST_TEXT, field=f"text_{language}", required=False
        ).replace("\r\n", "\n")
        for language in Language
    }
    draft = incident.postmortems.drafts().select_related("saved_by").prefetch_related("texts").first()
    published = incident.postmortems.published().prefetch_related("texts").first()
    if draft is None and published and published.texts_by_language == kept:
        return published
    if draft and draft.revision != revision:
        if draft.texts_by_language == kept:
            return draft
        raise Conflict(draft)
    if draft is None:
        draft = Postmortem(incident=incident, revision=0)
    draft.revision += 1
    draft.saved_at, draft.saved_by = at, by
    draft.save()
    draft.texts.all().delete()
    PostmortemText.objects.bulk_create(
        PostmortemText(postmortem=draft, language=language, text=text)
        for language, text in kept.items()
        if text
    )
    return Postmortem.objects.select_related("saved_by").get(pk=draft.pk)


@transaction.atomic
def publish_postmortem(
    incident: Incident, *, by: User, revision: int, at: datetime | None = None
) -> Postmortem:
    """Tell the public what the draft with *revision* says; what was published before is kept beside it.

    Without a draft, what is published already is given back. Writes the timeline entry and bumps PublicRevision.
    Raises Conflict when somebody saved the draft since, Refused while the incident lasts, where French or Dutch is
    missing, or where a text holds personal data. Fields of refusals: text_<language>.
    """
    permissions.check_change_course(by)
    at = at or incident.now()
    incident = _resolved(incident)
    drafts = incident.postmortems.drafts().select_related("saved_by").prefetch_related("texts")
    published = incident.postmortems.published().first()
    draft = drafts.first()
    if draft is None and published:
        return published
    if draft is None:
        raise Refused(_("There is nothing to publish yet."))
    if draft.revision != revision:
        raise Conflict(draft)
    for language, text in draft.texts_by_language.items():
        _check_fit(text, language)
    draft.number = published.number + 1 if published and published.number else 1
    draft.published_at, draft.published_by = at, by
    draft.save(update_fields=["number", "published_at", "published_by"])
    timeline.append(incident, EntryKind.POSTMORTEM, by=by, data={"said": _said(draft.number)}, at=at)
    PublicRevision.objects.bump(incident)
    return draft


@transaction.atomic
def discard_postmortem(incident: Incident, *, by: User) -> None:
    """Throw the draft away; what is published stays."""
    permissions.check_change_course(by)
    rows.locked(incident).postmortems.drafts().delete()


def _resolved(incident: Incident) -> Incident:
    incident = rows.locked(incident)
    if incident.is_open:
        raise Refused(_("What was learned is told once the incident is resolved."))
    return incident


def _check_fit(text: str, language: str) -> None:
    field = f"text_{language}"
    required = language in REQUIRED_PUBLIC_LANGUAGES
    sense.lines(text, most=LONGEST_TEXT, field=field, required=required)
    for message, spans in (
        (_("“%(word)s” is an e-mail address: the public needs none."), emails(text)),
        (_("“%(word)s” is a telephone number: the public needs none."), phone_numbers(text)),
    ):
        for start, end in spans:
            raise Refused(message % {"word": text[start:end]}, field=field)


def _said(number: int) -> dict[str, str]:
    said = {}
    for language in INTERFACE_LANGUAGES:
        with override(language):
            said[str(language)] = gettext(PUBLISHED if number == 1 else CORRECTED) % {"number": number - 1}
    return said
