"""What the desk tells monitoring of itself, in Prometheus' text format: counts alone, nothing about anybody."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Min

from comms.models import Delivery, DeliveryState
from farmaflux_desk.counts import counts
from incidents.models import Incident

# https://prometheus.io/docs/instrumenting/exposition_formats/
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ENDED = (DeliveryState.SENT, DeliveryState.DROPPED, DeliveryState.REHEARSED)


def exposed(at: datetime) -> str:
    return "".join(f"{line}\n" for line in _lines(at))


def _lines(at: datetime) -> Iterator[str]:
    yield from _gauge("desk_incidents_open", "Open incidents, no exercises.")
    yield f"desk_incidents_open {Incident.objects.real().open().count()}"
    yield from _gauge("desk_waiting", "What waits for a person, as beside the desk's sections.")
    for what, number in asdict(counts(at)).items():
        yield f'desk_waiting{{what="{what}"}} {number}'
    here = Delivery.objects.filter(environment=settings.DESK_ENVIRONMENT_ID).order_by()
    found = dict(here.exclude(state__in=ENDED).values_list("state").annotate(number=Count("pk")))
    yield from _gauge("desk_deliveries", "What is owed to channels and has not ended well, by state.")
    for state in DeliveryState:
        if state not in ENDED:
            yield f'desk_deliveries{{state="{state.value}"}} {found.get(state, 0)}'
    due = here.filter(state=DeliveryState.QUEUED, not_before__lte=at)
    since = due.aggregate(since=Min("not_before"))["since"]
    yield from _gauge(
        "desk_delivery_overdue_seconds", "For how long the oldest delivery that is due has waited."
    )
    yield f"desk_delivery_overdue_seconds {int((at - since).total_seconds()) if since else 0}"


def _gauge(name: str, meaning: str) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
