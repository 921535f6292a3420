"""After a long standstill: the newest message stands for those that it overtook, and an old one asks a person first."""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_noop

from comms.models import Action, Channel, Delivery, DeliveryState, Mailing, Update

OVERTAKEN_AFTER = timedelta(minutes=5)  # a short pause is made up for in order, as if nothing had been
STALE_AFTER = timedelta(minutes=30)
OVERTAKEN = gettext_noop("A newer message stands for it.")
WITHDRAWN = gettext_noop("The message was withdrawn before this had left.")
NOTHING_THERE = gettext_noop("What it would put right never left.")


def sort_out(channel: Channel, *, at: datetime) -> None:
    """Set aside what of *channel* was overtaken, or waited for half an hour. To be called with the lane's lock.

    Edits, removals and notices of corrections are sent however late they are, but not before what they are about;
    nothing is sent any more of a message that was withdrawn while a sender had it.
    """
    if _changes_wait(channel):
        _end_withdrawn(channel)
        _keep_order(channel)
    old = channel.deliveries.due(at).filter(action=Action.POST, created_at__lte=at - OVERTAKEN_AFTER)
    waiting = set(old.exclude(update=None).values_list("update", flat=True))
    mailings = channel.mailings.unfinished().filter(action=Action.POST, created_at__lte=at - OVERTAKEN_AFTER)
    waiting |= set(mailings.values_list("update", flat=True))
    if not waiting:
        return
    for overtaken, newest in _overtaken(channel, waiting):
        _drop(channel, overtaken, newest)
    unconfirmed = (
        channel.deliveries.due(at)
        .exclude(update=None)
        .filter(action=Action.POST, confirmed_at=None, created_at__lte=at - STALE_AFTER)
    )
    unconfirmed.move(DeliveryState.STALE, out_of=DeliveryState.QUEUED)


def _changes_wait(channel: Channel) -> bool:
    """Whether anything that waits is of a withdrawn message, or changes what another one posts. Ten thousand letters
    that wait are looked through once for it, not by each of the statements that follow."""
    withdrawn = Update.objects.filter(withdrawn_at__isnull=False).values("pk")
    waits = channel.deliveries.ours().filter(state__in=[DeliveryState.QUEUED, DeliveryState.STALE])
    return waits.filter(Q(original__isnull=False) | Q(update__in=withdrawn)).exists()


def _end_withdrawn(channel: Channel) -> None:
    """Also of what was refused for now, or given back, after its message had been withdrawn."""
    ours = channel.deliveries.ours()
    ended = ours.filter(
        action__in=[Action.POST, Action.EDIT, Action.CORRECTION], update__withdrawn_at__isnull=False
    )
    for state in (DeliveryState.QUEUED, DeliveryState.STALE):
        ended.move(DeliveryState.DROPPED, out_of=state, error=WITHDRAWN)
    never_left = ours.filter(original__state=DeliveryState.DROPPED, original__doubtful=False)
    never_left.move(DeliveryState.DROPPED, out_of=DeliveryState.QUEUED, error=NOTHING_THERE)


def _keep_order(channel: Channel) -> None:
    """What changes a post waits as long as the post does; of the two the older is claimed first."""
    waits = channel.deliveries.ours().filter(
        state=DeliveryState.QUEUED,
        original__state=DeliveryState.QUEUED,
        original__not_before__gt=F("not_before"),
    )
    waits.update(not_before=Delivery.objects.filter(pk=OuterRef("original")).values("not_before")[:1])


def _overtaken(channel: Channel, waiting: set[int]) -> list[tuple[Update, Update]]:
    """Those of *waiting* for which a newer message of the same incident was owed to *channel*, each with the newest."""
    by_incident: defaultdict[int, list[Update]] = defaultdict(list)
    owed = Update.objects.standing().filter(
        Exists(Delivery.objects.filter(update=OuterRef("pk"), channel=channel, action=Action.POST))
        | Exists(Mailing.objects.filter(update=OuterRef("pk"), channel=channel, action=Action.POST)),
        incident__in=Update.objects.filter(pk__in=waiting).values("incident"),
    )
    for update in owed:
        by_incident[update.incident_id].append(update)
    return [
        (update, newest)
        for newest, *others in by_incident.values()
        for update in others
        if update.pk in waiting
    ]


def _drop(channel: Channel, overtaken: Update, newest: Update) -> None:
    channel.mailings.unfinished().filter(update=overtaken, action=Action.POST).update(
        finished=True, overtaken=True
    )
    missed = channel.deliveries.filter(
        update=overtaken,
        action=Action.POST,
        state=DeliveryState.QUEUED,
        language=OuterRef("language"),
        recipient=OuterRef("recipient"),
    )
    heirs = channel.deliveries.filter(update=newest, action=Action.POST, state=DeliveryState.QUEUED)
    heirs.filter(Exists(missed.filter(subscriber=OuterRef("subscriber")))).update(
        stands_for=F("stands_for") + 1
    )
    heirs.filter(Exists(missed.filter(subscriber=None)), subscriber=None).update(
        stands_for=F("stands_for") + 1
    )
    channel.deliveries.ours().filter(update=overtaken, action=Action.POST).move(
        DeliveryState.DROPPED, out_of=DeliveryState.QUEUED, error=OVERTAKEN
    )
