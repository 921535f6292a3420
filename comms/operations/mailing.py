"""What is owed to all subscribers of a channel becomes deliveries, some hundred at a time, as the lane comes to it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import connection
from django.db.models import Q, QuerySet

from comms.models import (
    SUBSCRIBERS,
    Action,
    Channel,
    ChannelKind,
    Delivery,
    Mailing,
    Scope,
    Subscriber,
    SubscriberKind,
)

AT_ONCE = 500  # rows

_KINDS = {
    ChannelKind.SUBSCRIBER_EMAIL: SubscriberKind.EMAIL,
    ChannelKind.SUBSCRIBER_WEBHOOK: SubscriberKind.WEBHOOK,
}


def spread(channel: Channel, *, at: datetime) -> None:
    """Make the next deliveries of *channel*'s mailings, unless enough of them wait already.

    To be called with the lane's lock. Doing the same part again adds nothing.
    """
    if channel.kind not in SUBSCRIBERS:
        return
    while channel.deliveries.due(at)[:AT_ONCE].count() < AT_ONCE:
        mailing = channel.mailings.unfinished().select_related("update__incident").first()
        if mailing is None:
            return
        _spread(mailing)


def _spread(mailing: Mailing) -> None:
    found = list(
        readers(mailing).filter(pk__gt=mailing.after).order_by("pk").values_list("pk", "language")[:AT_ONCE]
    )
    overtaken = Mailing.objects.filter(
        channel=mailing.channel_id,
        update__incident=mailing.update.incident_id,
        update__number__lt=mailing.update.number,
        overtaken=True,
    ).count()
    if found:
        _owe(
            Delivery(
                update_id=mailing.update_id,
                action=mailing.action,
                correction_id=mailing.correction_id,
                channel_id=mailing.channel_id,
                environment=mailing.environment,
                created_at=mailing.created_at,
                not_before=mailing.created_at,
                stands_for=overtaken,
            ),
            found,
        )
        mailing.after = found[-1][0]
    mailing.finished = len(found) < AT_ONCE
    mailing.save(update_fields=["after", "finished"])


def _owe(pattern: Delivery, to: Collection[tuple[int, str]]) -> None:
    """Add a row like *pattern* for each subscriber and language; one that is there already stays as it is.

    As bulk_create would, at a fraction of its price: the rows differ in three columns, and only those travel.
    """
    own = ("key", "subscriber", "language")
    fields = {field.name: field for field in Delivery._meta.concrete_fields if not field.primary_key}
    same = {name: field for name, field in fields.items() if name not in own}
    values: list[Any] = [
        field.get_db_prep_save(field.pre_save(pattern, add=True), connection) for field in same.values()
    ]
    for subscriber, language in to:
        values += [fields["key"].get_db_prep_save(uuid4(), connection), subscriber, language]
    columns = ", ".join(f'"{fields[name].column}"' for name in (*same, *own))
    places = ", ".join(["%s"] * len(same))
    rows = ", ".join(["(%s, %s, %s)"] * len(to))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Delivery._meta.db_table} ({columns}) "  # noqa: S608  # names of columns
            f"SELECT {places}, column1, column2, column3 FROM (VALUES {rows}) AS own WHERE true "
            "ON CONFLICT DO NOTHING",
            values,
        )


def readers(mailing: Mailing) -> QuerySet[Subscriber]:
    """Who is told: active when it was published, and wanting to hear of its incident or one of its services.

    Of a correction or a withdrawal: who was told of the message, or may have been. Of an exercise: nobody.
    """
    update = mailing.update
    if update.incident.drill:
        return Subscriber.objects.none()
    active = Subscriber.objects.active().filter(
        kind=_KINDS[ChannelKind(mailing.channel.kind)], confirmed_at__lte=mailing.created_at
    )
    if mailing.action != Action.POST:
        told = Delivery.objects.filter(update=update, action=Action.POST).perhaps_arrived()
        return active.filter(pk__in=told.values("subscriber"))
    touched = set(update.services.values_list("service", flat=True)) | set(
        update.incident.impacts.values_list("service", flat=True)
    )
    wanting = Subscriber.services.through.objects.filter(service__in=touched).values("subscriber")
    return active.filter(
        Q(scope=Scope.EVERYTHING)
        | Q(scope=Scope.INCIDENT, incident=update.incident)
        | Q(scope=Scope.SERVICES, pk__in=wanting)
    )
