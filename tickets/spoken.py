"""Sentences agents read to callers that no update contains, in the languages of the callers."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localtime

from accounts.languages import Language


@dataclass(frozen=True)
class Lines:
    """*not_alone*: once a central fault is confirmed; *nothing_published*: before the first update.

    *unknown*: in place of what nobody knows yet.
    """

    not_alone: str
    nothing_published: str
    unknown: str


_LINES = {
    Language.FR: Lines(
        "Ce n’est pas votre officine. La panne est centrale et touche d’autres pharmacies.",
        "Une perturbation nous est signalée et nous la vérifions. "
        "Le premier message paraîtra sur la page d’état. Je note votre appel.",
        "pas encore connu",
    ),
    Language.NL: Lines(
        "Het ligt niet aan uw apotheek. De storing is centraal en treft ook andere apotheken.",
        "Er is ons een storing gemeld en we kijken ze na. "
        "Het eerste bericht verschijnt op de statuspagina. Ik noteer uw oproep.",
        "nog niet bekend",
    ),
    Language.DE: Lines(
        "Es liegt nicht an Ihrer Apotheke. Die Störung ist zentral und betrifft auch andere Apotheken.",
        "Uns wurde eine Störung gemeldet, die wir prüfen. "
        "Die erste Mitteilung erscheint auf der Statusseite. Ich notiere Ihren Anruf.",
        "noch nicht bekannt",
    ),
    Language.EN: Lines(
        "It is not your pharmacy. The fault is central and affects other pharmacies too.",
        "A disruption has been reported to us and we are checking it. "
        "The first message will appear on the status page. I am noting your call.",
        "not known yet",
    ),
}


def time_of_day(moment: datetime) -> str:
    """15:45, as it is said in all four languages."""
    return f"{localtime(moment):%H:%M}"


def lines(language: str) -> Lines:
    return _LINES[Language(language)]
