"""Rows for tests, one plain function each; what a test cares about it passes, the rest is ordinary."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Group

from accounts.models import Intake, IntakeKind, User
from accounts.operations import open_intake
from accounts.roles import Role
from comms.channels import credentials
from comms.models import (
    Channel,
    ChannelKind,
    ListMember,
    MailList,
    Scope,
    Subscriber,
    SubscriberKind,
    Update,
    UpdateService,
    UpdateText,
)
from comms.secrets import fingerprints, seal
from incidents.models import (
    Chain,
    ChainLink,
    Impact,
    Incident,
    Maintenance,
    MaintenanceChange,
    MaintenanceStatus,
    Phase,
    PhaseChange,
    Service,
    ServiceGroup,
    ServiceStatus,
    Severity,
)
from tickets.models import Answer, Callback, Contact, Pharmacy, Province, Report, SoftwareHouse

_number = count(1)
OUTAGE = datetime(2022, 7, 1, 11, 30, tzinfo=UTC)  # 13:30 in Brussels


def user(role: Role | None = Role.AGENT, *, username: str = "", **fields: Any) -> User:
    made = User.objects.create_user(username=username or f"person{next(_number)}", **fields)
    if role is not None:
        made.groups.add(Group.objects.get(name=role.value))
    return made


def intake(kind: IntakeKind = IntakeKind.TELEPHONE, *, name: str = "3CX Namur") -> tuple[Intake, str]:
    """The intake and its token."""
    return open_intake(kind=kind, name=name)


def service(key: str = "", **fields: Any) -> Service:
    key = key or f"service-{next(_number)}"
    group, _ = ServiceGroup.objects.get_or_create(
        key="eforms", defaults={"name_fr": "eForms", "name_nl": "eForms"}
    )
    made, _ = Service.objects.get_or_create(
        key=key, defaults={"name_fr": f"{key} fr", "name_nl": f"{key} nl", "group": group, **fields}
    )
    return made


def chain(*keys: str, services: Iterable[Service] = ()) -> dict[str, ChainLink]:
    """The links of a chain with the first one's key, by their keys."""
    made = Chain.objects.create(key=keys[0], name_fr=keys[0], name_nl=keys[0])
    made.services.set(services)
    return {
        key: ChainLink.objects.create(
            chain=made, key=key, position=n, name_fr=f"{key} fr", name_nl=f"{key} nl"
        )
        for n, key in enumerate(keys, 1)
    }


def incident(
    *,
    services: dict[Service, ServiceStatus] | None = None,
    phase: Phase = Phase.INVESTIGATING,
    by: User | None = None,
    began_at: datetime = OUTAGE,
    **fields: Any,
) -> Incident:
    by = by or user(Role.LEAD)
    made = Incident.objects.create(
        key=uuid.uuid4(),
        declared_by=by,
        began_at=began_at,
        recorded_at=began_at + timedelta(minutes=2),
        **{
            "title_fr": "Panne des eForms",
            "title_nl": "Storing van de eForms",
            "severity": Severity.S1,
            **fields,
        },
    )
    PhaseChange.objects.create(
        incident=made, phase=phase, occurred_at=began_at, recorded_at=began_at + timedelta(minutes=2), by=by
    )
    for touched, status in (services or {}).items():
        Impact.objects.create(
            incident=made, service=touched, status=status, began_at=began_at, recorded_at=made.recorded_at
        )
    return made


def update(
    about: Incident | None = None,
    *,
    texts: dict[str, str] | None = None,
    statuses: dict[Service, ServiceStatus] | None = None,
    published_at: datetime | None = None,
    by: User | None = None,
    **fields: Any,
) -> Update:
    """A draft, or with *published_at* a published update; *texts* maps language to body."""
    about = about or incident()
    by = by or user(Role.COMMUNICATIONS)
    at = published_at or OUTAGE + timedelta(minutes=10)
    made = Update.objects.create(
        incident=about,
        key=uuid.uuid4(),
        created_at=at,
        created_by=by,
        saved_at=at,
        saved_by=by,
        published_at=published_at,
        published_by=by if published_at else None,
        number=about.updates.exclude(number=None).count() + 1 if published_at else None,
        **{"phase": Phase.INVESTIGATING, "next_update_at": at + timedelta(minutes=20), **fields},
    )
    for language, body in (texts or {"fr": "Nous y travaillons.", "nl": "We werken eraan."}).items():
        UpdateText.objects.create(
            update=made,
            language=language,
            title=f"Titre {language}",
            headline=f"Conséquence {language}",
            body=body,
        )
    for touched, status in (statuses or {}).items():
        UpdateService.objects.create(update=made, service=touched, status=status)
    return made


def software_house(**fields: Any) -> SoftwareHouse:
    number = next(_number)
    return SoftwareHouse.objects.create(**{"key": f"house-{number}", "name": f"House {number}", **fields})


def pharmacy(**fields: Any) -> Pharmacy:
    from tickets.lookup import searchable

    number = next(_number)
    made = Pharmacy(
        **{
            "apb_number": f"{100000 + number}",
            "name": f"Pharmacie {number}",
            "postcode": "1340",
            "town": "Ottignies",
            "province": Province.WALLOON_BRABANT,
            "language": "fr",
            **fields,
        }
    )
    made.search_text = searchable(made)
    made.save()
    return made


def report(about: Service | None = None, *, at: datetime = OUTAGE, **fields: Any) -> Report:
    return Report.objects.create(key=uuid.uuid4(), service=about or service(), received_at=at, **fields)


def contact(**fields: Any) -> Contact:
    at = fields.pop("at", OUTAGE + timedelta(minutes=20))
    if "pharmacy" not in fields and "caller_text" not in fields:
        fields["pharmacy"] = pharmacy()
    return Contact.objects.create(
        **{
            "key": uuid.uuid4(),
            "language": "fr",
            "agent": fields.get("agent") or user(),
            "occurred_at": at,
            "recorded_at": at,
            **fields,
        }
    )


def mail_channel(*members: str | tuple[str, str], key: str = "", **fields: Any) -> Channel:
    """An e-mail channel with a list of its own; a member is an address (French) or (address, language)."""
    key = key or f"list-{next(_number)}"
    mail_list = MailList.objects.create(key=key, name_fr=f"{key} fr", name_nl=f"{key} nl")
    for member in members:
        email, language = (member, "fr") if isinstance(member, str) else member
        ListMember.objects.create(
            mail_list=mail_list, name=email.partition("@")[0], email=email, language=language
        )
    return Channel.objects.create(
        **{"key": key, "name": key, "kind": ChannelKind.EMAIL, "mail_list": mail_list, **fields}
    )


def webhook_channel(
    url: str = "https://hooks.example.org/desk", *, secret: str = "s3cret", **fields: Any
) -> Channel:
    key = f"hook-{next(_number)}"
    return Channel.objects.create(
        **{
            "key": key,
            "name": key,
            "kind": ChannelKind.WEBHOOK,
            "settings": {"url": url},
            "sealed_secrets": credentials.seal({"secret": secret}),
            **fields,
        }
    )


def subscriber_channel(kind: ChannelKind = ChannelKind.SUBSCRIBER_EMAIL, **fields: Any) -> Channel:
    return Channel.objects.create(**{"key": kind.value, "name": kind.value, "kind": kind, **fields})


def subscriber(
    address: str = "reader@pharmacy.example",
    *,
    kind: SubscriberKind = SubscriberKind.EMAIL,
    services: tuple[Service, ...] = (),
    created_at: datetime = OUTAGE,
    active: bool = True,
    **fields: Any,
) -> Subscriber:
    """Active, told of everything, unless said otherwise; *services* or an incident among *fields* set the scope."""
    scope = Scope.SERVICES if services else Scope.INCIDENT if "incident" in fields else Scope.EVERYTHING
    made = Subscriber.objects.create(
        **{
            "kind": kind,
            "sealed_address": seal(address),
            "fingerprint": fingerprints(address)[0],
            "sealed_secret": seal("s3cret") if kind == SubscriberKind.WEBHOOK else "",
            "language": "fr",
            "scope": scope,
            "created_at": created_at,
            "confirmed_at": created_at if active else None,
            **fields,
        }
    )
    made.services.set(services)
    return made


def callback(about: Contact | None = None, **fields: Any) -> Callback:
    return Callback.objects.create(contact=about or contact(), **{"number": "8003", **fields})


def maintenance(
    *services: Service,
    status: MaintenanceStatus = MaintenanceStatus.SCHEDULED,
    starts_at: datetime = OUTAGE,
    ends_at: datetime | None = None,
    by: User | None = None,
    **fields: Any,
) -> Maintenance:
    """In *status* by one change, entered a day before it starts."""
    by = by or user(Role.COMMUNICATIONS)
    at = starts_at - timedelta(days=1)
    made = Maintenance.objects.create(
        key=uuid.uuid4(),
        starts_at=starts_at,
        ends_at=ends_at or starts_at + timedelta(hours=2),
        recorded_at=at,
        created_by=by,
        **{
            "title_fr": "Redémarrage complet",
            "title_nl": "Volledige herstart",
            "body_fr": "De courtes interruptions sont possibles.",
            "body_nl": "Korte onderbrekingen zijn mogelijk.",
            **fields,
        },
    )
    made.services.set(services)
    MaintenanceChange.objects.create(
        maintenance=made, key=uuid.uuid4(), status=status, occurred_at=at, recorded_at=at, by=by
    )
    return made


def answer(trigger: str = "", **fields: Any) -> Answer:
    return Answer.objects.create(
        **{
            "trigger": trigger or f"answer-{next(_number)}",
            "text_fr": "Le certificat suit.",
            "text_nl": "Het certificaat volgt.",
            "saved_at": OUTAGE,
            "saved_by": fields.get("saved_by") or user(Role.COMMUNICATIONS),
            **fields,
        }
    )
