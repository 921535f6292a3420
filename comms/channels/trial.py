"""The letter that an administrator sends to herself to try a mail channel."""

from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from comms.channels.letter import domain
from comms.models import Delivery


@dataclass(frozen=True)
class Words:
    subject: str
    arrived: str
    """%(channel)s is the channel's name."""
    nobody: str


WORDS = {
    "fr": Words(
        "Essai",
        "Ceci est un essai du canal « %(channel)s ». S’il vous parvient, ce canal fonctionne.",
        "Personne d’autre ne l’a reçu. Aucun service n’est concerné.",
    ),
    "nl": Words(
        "Test",
        "Dit is een test van het kanaal “%(channel)s”. Als dit bericht u bereikt, werkt het kanaal.",
        "Niemand anders kreeg het. Het gaat over geen enkele dienst.",
    ),
    "de": Words(
        "Test",
        "Dies ist ein Test des Kanals „%(channel)s“. Wenn er Sie erreicht, funktioniert der Kanal.",
        "Niemand sonst hat ihn erhalten. Kein Dienst ist betroffen.",
    ),
    "en": Words(
        "Test",
        "This is a test of the channel “%(channel)s”. If it reaches you, the channel works.",
        "Nobody else received it. It is about no service.",
    ),
}


def trial_letter(delivery: Delivery) -> EmailMultiAlternatives:
    """In the language of who asked for it; the same each time it is made, Message-ID included."""
    words = WORDS[delivery.language]
    context = {
        "language": delivery.language,
        "words": words,
        "arrived": words.arrived % {"channel": delivery.channel},
        "url": settings.DESK_BASE_URL,
    }
    message = EmailMultiAlternatives(
        subject=f"FarmaFlux · {words.subject}",
        body=render_to_string("comms/mail/trial.txt", context),
        to=[delivery.recipient],
        reply_to=[settings.DESK_MAIL_REPLY_TO] if settings.DESK_MAIL_REPLY_TO else [],
        headers={
            "Message-ID": f"<{delivery.key}@{domain()}>",
            "Content-Language": delivery.language,
            "Auto-Submitted": "auto-generated",  # RFC 3834
            "X-Auto-Response-Suppress": "All",  # the same for Exchange
        },
    )
    message.attach_alternative(render_to_string("comms/mail/trial.html", context), "text/html")
    return message
