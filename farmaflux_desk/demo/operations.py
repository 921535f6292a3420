"""Loading and resetting the demonstration."""

from datetime import datetime

from django.conf import settings
from django.core.management import call_command
from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from accounts.refusals import Refused
from comms.models import Channel
from comms.operations import prepared, standard_plan
from comms.status import archive
from farmaflux_desk.demo import contacts, pharmacies, reports
from farmaflux_desk.demo.cast import assemble
from farmaflux_desk.demo.story import Clock, data, moved_to
from farmaflux_desk.demo.telling import Teller
from farmaflux_desk.models import Demonstration
from incidents.models import Incident, PublicRevision, Service
from tickets.models import Contact, Pharmacy

# Any row of these and the database is somebody's.
OWNED: tuple[type[models.Model], ...] = (User, Incident, Service, Channel, Pharmacy, Contact)
SINCE = "2022-01-03 09:00"  # the services are there


@transaction.atomic
def load(*, live: bool, password: str, at: datetime | None = None) -> Demonstration:
    """Fill an empty database with 1 July 2022 and mark it as a demonstration.

    The whole day at its own times, or, *live*, moved so that it stands at 15:20 at the moment *at*, with the
    afternoon's outage open. Every account gets *password*. Nothing is sent. Raises Refused when the database
    holds anything already.
    """
    at = at or timezone.now()
    if any(model._default_manager.exists() for model in OWNED):
        raise Refused("This database is in use: a demonstration is loaded into an empty one only.")
    marked = Demonstration.objects.create(pk=1, loaded_at=at, live=live)
    story, catalogue = data("black_friday_2022"), data("catalogue")
    clock = Clock(story["day"])
    if live:
        clock = moved_to(clock, story["live"]["at"], at)
    country = pharmacies.generate(catalogue)
    cast = assemble(catalogue, country, password=password, since=clock.at(SINCE))
    standard_plan.install()
    prepared.install()
    teller = Teller(story, data("messages"), cast, clock)
    teller.tell(
        contacts.plan(story["contacts"], data("contacts"), country, clock),
        reports.happenings(story["reports"], country, cast, clock),
        until=clock.at(story["live"]["at"]) if live else None,
    )
    if live:
        teller.leave_draft(story["live"]["draft"])
        teller.leave_trouble(story["live"]["trouble"])
    return marked


def reset(*, password: str, live: bool | None = None, at: datetime | None = None) -> Demonstration:
    """Empty a demonstration's database and load it anew, *live* or not as it was before unless told.

    Everything entered since goes, sessions too; the public revision keeps growing, so that the status site
    follows, and no page of before is in its archive any more. Raises Refused, with nothing deleted, when the
    database is not marked as a demonstration.
    """
    marked = Demonstration.objects.first()
    if marked is None:
        raise Refused("This database is no demonstration: nothing was deleted.")
    revision = PublicRevision.objects.current()
    with transaction.atomic():
        call_command("flush", interactive=False, verbosity=0)
        PublicRevision.objects.create(pk=1, number=revision)
        loaded = load(live=marked.live if live is None else live, password=password, at=at)
    archive.disown(settings.DESK_STATUS_ROOT)
    return loaded
