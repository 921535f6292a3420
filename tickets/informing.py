"""Who called about an incident and is still to be told of its newest message, and how each can be reached."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Exists, Prefetch, Q, QuerySet

from comms.channels.mobile import NotAMobile, mobile
from comms.models import Channel, ChannelKind, DeliveryState, Update
from incidents.models import Incident
from tickets.callbacks import recovered
from tickets.models import (
    Callback,
    CallbackState,
    CallbackWindow,
    Contact,
    ContactChannel,
    Informed,
    InformedBy,
    Mail,
    MailKind,
)

KINDS = {InformedBy.EMAIL: ChannelKind.CALLER_EMAIL, InformedBy.SMS: ChannelKind.CALLER_SMS}
FAILED = (DeliveryState.FAILED, DeliveryState.DROPPED)
IN_VAIN = Q(delivery__state__in=FAILED) | Q(bounced_at__isnull=False)


@dataclass(frozen=True)
class Caller:
    """*contact*: the newest of hers on the incident; *contacts*: all of them. *email*: where she wrote from, else her
    pharmacy's. *mention*: her newest post that can be answered."""

    contact: Contact
    contacts: tuple[Contact, ...]
    email: str
    mobile: str
    number: str
    mention: Mail | None

    @property
    def came_by(self) -> ContactChannel:
        return ContactChannel(self.contact.channel)

    def reached_by(self, wanted: InformedBy) -> InformedBy | None:
        """The wanted way, else the phone; None for who left neither address nor number."""
        address = {
            InformedBy.EMAIL: self.email,
            InformedBy.SMS: self.mobile,
            InformedBy.POST: self.mention,
            InformedBy.PHONE: self.number,
        }
        if address[wanted]:
            return wanted
        return InformedBy.PHONE if self.number else None


@dataclass(frozen=True)
class Result:
    """What came of telling one message by one way."""

    way: InformedBy
    done: int
    waiting: int
    failed: int


def to_tell(update: Update, *, waiting_only: bool = False) -> list[Caller]:
    """Each caller once, the newest call first: who has neither heard *update* on the phone nor been informed of it.

    *waiting_only*: who wants to be phoned when it works. As many queries, however many called.
    """
    found: dict[object, list[Contact]] = {}
    contacts = Contact.objects.of_incident(update.incident).exclude(channel=ContactChannel.INTERNAL)
    written = (
        Mail.objects.filter(kind=MailKind.MESSAGE).select_related("channel").order_by("-occurred_at", "-pk")
    )
    related = contacts.select_related("pharmacy", "callback", "told_update").prefetch_related(
        "pharmacy__phones", Prefetch("mails", written)
    )
    told = set(Informed.objects.filter(update=update).values_list("contact", flat=True))
    heard: set[object] = set()
    for contact in related:
        who = contact.pharmacy_id or contact.caller_e164 or contact.caller_text.casefold()
        found.setdefault(who, []).append(contact)
        knows = contact.told_update and (contact.told_update.number or 0) >= (update.number or 0)
        if knows or contact.pk in told:
            heard.add(who)
    callers = [_caller(contacts) for who, contacts in found.items() if who not in heard]
    return [caller for caller in callers if not waiting_only or _waits(caller)]


def _waits(caller: Caller) -> bool:
    return any(
        contact.callback_state == CallbackState.OPEN and contact.callback.window == CallbackWindow.RECOVERY
        for contact in caller.contacts
    )


def _caller(contacts: list[Contact]) -> Caller:
    pharmacy = contacts[0].pharmacy
    wished = [contact.callback.e164 for contact in contacts if contact.callback_state]
    heard = [contact.caller_e164 for contact in contacts]
    kept = [phone.e164 for phone in pharmacy.phones.all()] if pharmacy else []
    numbers = [number for number in (*wished, *heard, *kept) if number]
    mails = [mail for contact in contacts for mail in contact.mails.all()]
    letters = [mail.sender for mail in mails if not mail.is_mention and mail.sender]
    posts = [mail for mail in mails if mail.is_mention and mail.channel and mail.channel.enabled]
    return Caller(
        contact=contacts[0],
        contacts=tuple(contacts),
        email=next(iter(letters), pharmacy.email if pharmacy else ""),
        mobile=next((number for number in numbers if _takes_sms(number)), ""),
        number=next(iter(numbers), ""),
        mention=next(iter(posts), None),
    )


def _takes_sms(number: str) -> bool:
    try:
        return bool(mobile(number))
    except NotAMobile:
        return False


def counted(callers: list[Caller]) -> list[tuple[ContactChannel, Counter[str], int]]:
    """By the way they came in: how many in each language, and in all."""
    by_way: dict[ContactChannel, Counter[str]] = {}
    for caller in callers:
        by_way.setdefault(caller.came_by, Counter())[caller.contact.language] += 1
    return [(way, by_way[way], by_way[way].total()) for way in ContactChannel if way in by_way]


def channels(update: Update) -> dict[InformedBy, Channel]:
    """The ways out that are switched on and carry a message of that severity and moment. Two queries."""
    first = not update.incident.updates.published().filter(number__lt=update.number).exists()
    rows = Channel.objects.filter(kind__in=KINDS.values(), enabled=True)
    carrying = {
        row.kind: row
        for row in rows
        if row.carries(severity=update.incident.severity, first=first, phase=update.phase)
    }
    return {way: carrying[kind] for way, kind in KINDS.items() if kind in carrying}


def results(update: Update) -> list[Result]:
    """One query."""
    by_phone = Q(way=InformedBy.PHONE)
    arrived = Q(delivery__state__in=[DeliveryState.SENT, DeliveryState.REHEARSED], bounced_at=None)
    done = ~by_phone & arrived | by_phone & Q(contact__callback__state=CallbackState.DONE)
    failed = ~by_phone & IN_VAIN | by_phone & Q(
        contact__callback__state__in=[CallbackState.UNREACHED, CallbackState.DROPPED]
    )
    rows = (
        Informed.objects.filter(update=update)
        .order_by()
        .values("way")
        .annotate(all=Count("pk"), done=Count("pk", filter=done), failed=Count("pk", filter=failed))
    )
    found = {row["way"]: row for row in rows}
    return [
        Result(way, row["done"], row["all"] - row["done"] - row["failed"], row["failed"])
        for way in InformedBy
        if (row := found.get(way))
    ]


def undelivered(update: Update) -> QuerySet[Informed]:
    """Told in writing, as it turned out in vain."""
    return Informed.objects.filter(IN_VAIN, update=update).exclude(way=InformedBy.PHONE)


def newest(incident: Incident) -> Update | None:
    return Update.objects.select_related("incident").prefetch_related("texts").holding(incident)


def recoveries() -> list[tuple[Incident, int]]:
    """Incidents of which it was published that it works again, and how many wait to hear it. Two queries at most."""
    waiting = Callback.objects.open().filter(
        Exists(recovered(incident="contact__incident", since="contact__occurred_at")),
        window=CallbackWindow.RECOVERY,
    )
    counts = dict(waiting.order_by().values_list("contact__incident").annotate(n=Count("pk")))
    incidents = Incident.objects.filter(pk__in=counts) if counts else []
    return [(incident, counts[incident.pk]) for incident in incidents]
