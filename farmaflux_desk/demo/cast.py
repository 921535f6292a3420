"""The rows that are there before anything happens: people, services, partners, channels, pharmacies."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import models

from accounts.languages import Language
from accounts.models import User
from comms.channels.credentials import seal
from comms.models import Channel, ChannelKind, ListMember, MailList
from farmaflux_desk.demo.pharmacies import SyntheticPharmacy
from incidents.models import Chain, ChainLink, Colleague, Dependency, Partner, Service, ServiceGroup
from tickets.lookup import searchable
from tickets.models import Answer, Pharmacy, PharmacyPhone, SoftwareHouse

NO_SECRET = "demonstration-reaches-nobody"  # noqa: S105 -- published on purpose
SAID_OF_CHANNELS = ("audience", "languages", "voice", "severities", "moments", "settings")
AT_ONCE = 1000


@dataclass(frozen=True)
class Cast:
    """Who and what the story speaks of, by key (people by username, pharmacies by APB number)."""

    people: Mapping[str, User]
    services: Mapping[str, Service]
    partners: Mapping[str, Partner]
    links: Mapping[str, ChainLink]
    pharmacies: Mapping[str, Pharmacy]


def assemble(
    catalogue: Mapping[str, Any],
    pharmacies: Sequence[SyntheticPharmacy],
    *,
    password: str,
    since: datetime,
) -> Cast:
    """Write the rows of *catalogue* (catalogue.yaml) and *pharmacies*; services are there *since*."""
    partners = _create(Partner, ((row, {"position": row["position"]}) for row in catalogue["partners"]))
    services = _services(catalogue, partners, since)
    _channels(catalogue)
    Colleague.objects.bulk_create(
        Colleague(position=n, **row) for n, row in enumerate(catalogue["colleagues"], 1)
    )
    people = _people(catalogue["accounts"], password)
    Answer.objects.bulk_create(
        Answer(
            trigger=row["trigger"],
            saved_at=since,
            saved_by=people["comms"],
            **{f"text_{language}": row[language] for language in Language},
        )
        for row in catalogue["answers"]
    )
    return Cast(
        people=people,
        services=services,
        partners=partners,
        links=_chains(catalogue["chains"], services, partners),
        pharmacies=_pharmacies(catalogue["software_houses"], pharmacies),
    )


def _names(row: Mapping[str, Any]) -> dict[str, str]:
    return {f"name_{language}": row[language] for language in Language}


def _create[Row: models.Model](
    model: type[Row], rows: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> dict[str, Row]:
    """One *model* row for each (names and key, further fields)."""
    made = {row["key"]: model(key=row["key"], **_names(row), **fields) for row, fields in rows}
    model._default_manager.bulk_create(made.values())
    return made


def _people(accounts: Sequence[Mapping[str, Any]], password: str) -> dict[str, User]:
    sealed = make_password(
        password
    )  # one hash for all: hashing is slow on purpose, and the password is published
    people = {
        row["username"]: User(
            username=row["username"],
            password=sealed,
            first_name=row["name"][0],
            last_name=row["name"][1],
            email=f"{row['username']}@farmaflux.example",
            language=row["language"],
            is_staff=row.get("staff", False),
        )
        for row in accounts
    }
    User.objects.bulk_create(people.values())
    groups = {group.name: group for group in Group.objects.all()}
    User.groups.through.objects.bulk_create(
        User.groups.through(user=people[row["username"]], group=groups[row["role"]]) for row in accounts
    )
    return people


def _services(
    catalogue: Mapping[str, Any], partners: Mapping[str, Partner], since: datetime
) -> dict[str, Service]:
    groups = _create(
        ServiceGroup, ((row, {"position": n}) for n, row in enumerate(catalogue["groups"], start=1))
    )
    services = _create(
        Service,
        (
            (row, {"position": n, "group": groups[row["group"]]})
            for n, row in enumerate(catalogue["services"], start=1)
        ),
    )
    Service.objects.update(created_at=since, updated_at=since)
    Dependency.objects.bulk_create(
        Dependency(service=services[key], on_service=services.get(on), on_partner=partners.get(on))
        for key, others in catalogue["depends_on"].items()
        for on in others
    )
    return services


def _chains(
    chains: Sequence[Mapping[str, Any]], services: Mapping[str, Service], partners: Mapping[str, Partner]
) -> dict[str, ChainLink]:
    made = _create(
        Chain, ((row["names"] | {"key": row["key"]}, {"position": n}) for n, row in enumerate(chains, 1))
    )
    links: dict[str, ChainLink] = {}
    for row in chains:
        chain = made[row["key"]]
        chain.services.set(services[key] for key in row["services"])
        links |= _create(
            ChainLink,
            (
                (link, {"chain": chain, "position": n, "partner": partners.get(link.get("partner"))})
                for n, link in enumerate(row["links"], 1)
            ),
        )
    return links


def _channels(catalogue: Mapping[str, Any]) -> None:
    lists = _create(MailList, ((row["names"] | {"key": row["key"]}, {}) for row in catalogue["mail_lists"]))
    ListMember.objects.bulk_create(
        ListMember(mail_list=lists[row["key"]], **member)
        for row in catalogue["mail_lists"]
        for member in row["members"]
    )
    Channel.objects.bulk_create(
        Channel(
            key=row["key"],
            name=row["name"],
            position=n,
            kind=row.get("kind", ChannelKind.EMAIL),
            mail_list=lists[row["mail_list"]] if "mail_list" in row else None,
            sealed_secrets=seal(dict.fromkeys(row.get("secrets", ()), NO_SECRET)),
            **{name: row[name] for name in SAID_OF_CHANNELS if name in row},
        )
        for n, row in enumerate(catalogue["channels"], start=1)
    )


def _pharmacies(
    houses: Sequence[Mapping[str, Any]], pharmacies: Sequence[SyntheticPharmacy]
) -> dict[str, Pharmacy]:
    software = {
        row["key"]: SoftwareHouse(
            key=row["key"],
            name=row["name"],
            phone=row["phone"],
            on_call_phone=row["on_call"],
            email=f"helpdesk@{row['key']}.example",
        )
        for row in houses
    }
    SoftwareHouse.objects.bulk_create(software.values())
    made = {planned.apb_number: _pharmacy(planned, software) for planned in pharmacies}
    Pharmacy.objects.bulk_create(made.values(), batch_size=AT_ONCE)
    PharmacyPhone.objects.bulk_create(
        (
            PharmacyPhone(pharmacy=made[planned.apb_number], raw=number.raw, e164=number.e164)
            for planned in pharmacies
            for number in planned.phones
        ),
        batch_size=AT_ONCE,
    )
    return made


def _pharmacy(planned: SyntheticPharmacy, software: Mapping[str, SoftwareHouse]) -> Pharmacy:
    pharmacy = Pharmacy(
        apb_number=planned.apb_number,
        name=planned.name,
        holder=planned.holder,
        street=planned.street,
        postcode=planned.postcode,
        town=planned.town,
        province=planned.province,
        language=planned.language,
        email=planned.email,
        software_house=software[planned.software_house],
    )
    pharmacy.search_text = searchable(pharmacy)
    return pharmacy
