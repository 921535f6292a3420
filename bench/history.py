"""Past incidents beside the demonstration, on its eight services: `python -m bench.history 500`.

`python -m bench.history next` ends what is open, as if that was long ago, and declares another.
"""

import sys
import uuid
from datetime import timedelta
from itertools import batched, count

import django

MESSAGES = 6
EVERY = timedelta(hours=36)  # so far apart that as many lie in the last weeks whatever the whole
BODY = {
    "fr": "Nous cherchons la solution avec Sciensano et Digitaal Vlaanderen. L’enregistrement des eForms fonctionne, "
    "les certificats suivent dès que la transmission reprend. Ne renvoyez pas un formulaire enregistré.",
    "nl": "We zoeken de oplossing met Sciensano en Digitaal Vlaanderen. De registratie van eForms werkt, de "
    "certificaten volgen zodra de verzending hervat. Verstuur een geregistreerd formulier niet opnieuw.",
    "de": "Wir suchen die Lösung mit Sciensano und Digitaal Vlaanderen. Die Registrierung der eForms funktioniert, "
    "die Zertifikate folgen, sobald die Übermittlung wieder läuft. Senden Sie kein Formular erneut.",
    "en": "We are looking for the solution with Sciensano and Digitaal Vlaanderen. Registration of eForms works, "
    "certificates follow when the transfer is back. Do not send a registered form again.",
}


def fill(past: int) -> None:
    """*past* resolved incidents of six messages in four languages each."""
    from django.db import transaction
    from django.utils import timezone

    from accounts.models import User
    from comms.models import Update, UpdateService, UpdateText
    from incidents.models import (
        Impact,
        Incident,
        Phase,
        PhaseChange,
        PublicRevision,
        Service,
        ServiceStatus,
        Severity,
    )

    by = User.objects.get(username="comms")
    services = list(Service.objects.all())
    numbers = count()
    newest = timezone.now() - timedelta(days=2)
    with transaction.atomic():
        PublicRevision.objects.bump()
        for batch in batched(range(past), 500):
            incidents = Incident.objects.bulk_create(
                Incident(
                    key=uuid.uuid4(),
                    title_fr=f"Perturbation n° {n}",
                    title_nl=f"Storing nr. {n}",
                    title_de=f"Störung Nr. {n}",
                    title_en=f"Disruption no. {n}",
                    severity=Severity.S2,
                    began_at=newest - n * EVERY,
                    recorded_at=newest - n * EVERY,
                    declared_by=by,
                    revision=1,
                )
                for n in batch
            )
            phases = (Phase.INVESTIGATING, Phase.IDENTIFIED, Phase.MONITORING, Phase.RESOLVED)
            PhaseChange.objects.bulk_create(
                PhaseChange(
                    incident=incident,
                    phase=phase,
                    occurred_at=incident.began_at + timedelta(minutes=30 * place),
                    recorded_at=incident.began_at + timedelta(minutes=30 * place),
                    by=by,
                )
                for incident in incidents
                for place, phase in enumerate(phases)
            )
            Impact.objects.bulk_create(
                Impact(
                    incident=incident,
                    service=services[next(numbers) % len(services)],
                    status=(ServiceStatus.MAJOR, ServiceStatus.DEGRADED)[place],
                    began_at=incident.began_at + timedelta(minutes=45 * place),
                    ended_at=incident.began_at + timedelta(minutes=45 + 45 * place),
                    recorded_at=incident.began_at,
                )
                for incident in incidents
                for place in range(2)
            )
            updates = Update.objects.bulk_create(
                Update(
                    incident=incident,
                    key=uuid.uuid4(),
                    number=number + 1,
                    phase=phases[min(number // 2, 2)] if number < MESSAGES - 1 else Phase.RESOLVED,
                    created_at=incident.began_at,
                    created_by=by,
                    saved_at=incident.began_at,
                    saved_by=by,
                    published_at=incident.began_at + timedelta(minutes=15 * (number + 1)),
                    published_by=by,
                )
                for incident in incidents
                for number in range(MESSAGES)
            )
            UpdateText.objects.bulk_create(
                UpdateText(
                    update=update,
                    language=language,
                    title=f"Message {update.number}",
                    headline="…",
                    body=body,
                )
                for update in updates
                for language, body in BODY.items()
            )
            UpdateService.objects.bulk_create(
                UpdateService(update=update, service=services[update.pk % 8], status=ServiceStatus.MAJOR)
                for update in updates
            )


def go_on() -> None:
    """The open incidents are over, long enough ago that the page of today says nothing of them; another begins."""
    from django.utils import timezone

    from accounts.models import User
    from incidents import operations
    from incidents.models import Incident, Phase, PhaseChange, Service, ServiceStatus, Severity

    by, long_ago = User.objects.get(username="lead"), timezone.now() - timedelta(days=30)
    for incident in Incident.objects.open():
        operations.move(incident, Phase.RESOLVED, by=by)
        PhaseChange.objects.filter(incident=incident).update(occurred_at=long_ago)
    operations.declare(
        key=uuid.uuid4(),
        titles={"fr": "Panne", "nl": "Storing"},
        severity=Severity.S1,
        began_at=timezone.now(),
        statuses=dict.fromkeys(Service.objects.all()[:5], ServiceStatus.MAJOR),
        by=by,
    )


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "next":
        go_on()
    else:
        fill(int(sys.argv[1]))
