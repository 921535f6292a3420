"""Which internal desk has read what of an incident."""

from collections.abc import Sequence
from dataclasses import dataclass

from comms.models import BriefReceipt, InternalDesk, Update
from incidents.models import Incident


@dataclass(frozen=True)
class Briefed:
    """*receipt*: of the newest message; *earlier*: of the last one before it that was read."""

    desk: InternalDesk
    receipt: BriefReceipt | None
    earlier: BriefReceipt | None


def briefed(incident: Incident, newest: Update | None) -> list[Briefed]:
    """For each desk. One query."""
    receipts = list(
        BriefReceipt.objects.filter(update__incident=incident).select_related("update", "by").order_by("pk")
    )
    return [_of(desk, [each for each in receipts if each.desk == desk], newest) for desk in InternalDesk]


def _of(desk: InternalDesk, receipts: Sequence[BriefReceipt], newest: Update | None) -> Briefed:
    current = next((each for each in receipts if newest and each.update_id == newest.pk), None)
    earlier = [each for each in receipts if each != current]
    return Briefed(desk, current, earlier[-1] if earlier else None)
