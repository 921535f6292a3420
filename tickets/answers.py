"""The reusable answers as they are said now: their variables filled in from the incident's newest message."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from comms.script import Script
from incidents.models import Incident
from tickets.models import Answer
from tickets.spoken import lines, time_of_day

VARIABLES = {
    "incident": _("the incident’s title"),
    "broken": _("the services that do not work"),
    "works": _("the services that work"),
    "next": _("when the next message comes"),
    "status": _("the address of the status page"),
    "phone": _("the helpdesk’s number"),
}
_VARIABLE = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class Said:
    """An answer in the caller's language, or in French where it is not written in hers."""

    trigger: str
    language: str
    text: str


def unknown_variables(text: str) -> list[str]:
    return [name for name in _VARIABLE.findall(text) if name not in VARIABLES]


def said(
    answers: Iterable[Answer], *, incident: Incident | None, script: Script | None, language: str
) -> list[Said]:
    """Every answer as an agent reads it out. A variable that nobody knows yet is a sentence that says so."""
    made = []
    for answer in answers:
        text, spoken = answer.text_in(language)
        values = _values(incident, script, spoken)
        filled = _VARIABLE.sub(lambda match, values=values: values.get(match[1], match[0]), text)  # type: ignore[misc]
        made.append(Said(answer.trigger, spoken, filled))
    return made


def _values(incident: Incident | None, script: Script | None, language: str) -> dict[str, str]:
    unknown = lines(language).unknown
    return {
        "incident": incident.title_in(language) if incident else unknown,
        "broken": ", ".join(script.broken) if script and script.broken else unknown,
        "works": ", ".join(script.works) if script and script.works else unknown,
        "next": time_of_day(script.next_update_at) if script and script.next_update_at else unknown,
        "status": f"{settings.DESK_STATUS_URL}/{language}/",
        "phone": settings.DESK_HELPDESK_PHONE or unknown,
    }
