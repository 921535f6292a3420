"""Reports: "I have this too", from anyone."""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.senders import first_time
from incidents.models import Incident, Service
from tickets.models import Pharmacy, Report, SoftwareHouse

COUNTS_ONCE_WITHIN = timedelta(hours=1)


def report(
    *,
    key: UUID,
    service: Service,
    who: str,
    software_house: SoftwareHouse | None = None,
    apb_number: str = "",
    at: datetime | None = None,
) -> None:
    """Count that *service* fails someone, under the gravest open incident that touches it, if there is one.

    Nobody signs in for this, so there is no `by`. *who* (accounts.senders.sender) is not stored; the same sender
    and pharmacy counts once an hour for a service and incident, and a *key* once. Of *apb_number* only the
    pharmacy it belongs to is kept; a number that nobody has counts as well.
    """
    incident = Incident.objects.holding(service).first()
    pharmacy = Pharmacy.objects.filter(apb_number=apb_number).first() if apb_number else None
    told = [str(row.pk if row else "") for row in (service, incident, pharmacy)]
    if not first_time(who, what=f"report:{'-'.join(told)}", within=COUNTS_ONCE_WITHIN):
        return
    made = Report(
        key=key,
        service=service,
        software_house=software_house,
        pharmacy=pharmacy,
        incident=incident,
        received_at=at or timezone.now(),
    )
    Report.objects.bulk_create([made], ignore_conflicts=True)
