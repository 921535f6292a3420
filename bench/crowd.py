"""A country of callers beside the demonstration: `python -m bench.crowd 20000 1000000` adds pharmacies and contacts.

The contacts are those of the years before, on 500 past incidents and on none; the open incident keeps its own. The
first pharmacy has a page full of them, however many there are. Run on an installation with the demonstration, whose
DATABASE_URL and DESK_DATA_DIR it takes.
"""

import csv
import random
import sys
from collections.abc import Iterator
from itertools import batched
from pathlib import Path

import django

PAST = 500  # incidents, however many contacts they share
TOWNS = Path("farmaflux_desk/demo/data/towns.csv")
FIRST = "Gare Centre Place Parc Moulin Pont Château Poste Marché Lion Cygne Soleil Étoile Colombe Linde Molen Brug Dorp"
FAMILIES = (
    "Vandenbroeck Lemaître Peeters Janssens Maes Jacobs Mertens Willems Claes Goossens Wouters Dubois Lambert Dupont "
    "Martin Simon Laurent Leroy Renard Verhaeghe Vandecasteele Declercq Desmet Debruyne Hoffmann Schmitz Müller Janssen"
)
GIVEN = ("Anne", "Jos", "Marie", "Luc", "Sophie", "Jan")
ENDINGS = ("", "-Lambert", "-Maes", " & Fils", "-Dubois", " en Zoon", "-Claes", "-Simon")

# Contact by contact in the database itself: a million through the ORM would take minutes.
CONTACTS = """
insert into tickets_contact (key, incident_id, channel, pharmacy_id, caller_text, caller_e164, language, service_id,
    impact, needed_by, urgent_kind, outcome, note, told_update_id, agent_id, occurred_at, recorded_at, revision)
with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n + 1 < %(count)s)
select {key}, case when n %% 10 < 9 then %(incident)s + n / %(each)s end, 'phone',
    case when n < 100 then %(pharmacy)s when n %% 20 = 19 then null
        else %(pharmacy)s + (n %% %(pharmacies)s) * 7919 %% %(pharmacies)s end,
    case when n %% 20 = 19 then '02 555 12 12' else '' end, '', 'fr', %(service)s,
    case when n %% 15 = 0 then 'patient_waiting' else 'info' end, null, '', 'informed', '', null,
    %(agent)s, {at}, {at}, 1
from numbers
"""
CALLBACKS = """
insert into tickets_callback (contact_id, number, e164, "window", due_at, state, outcome, closed_at, closed_by_id)
select id, '02 555 12 12', '+3225551212', 'recovery', null, 'done', '', occurred_at, agent_id
from tickets_contact where id > %(last)s and id %% 20 = 0
"""


def pharmacies(count: int) -> None:
    """Invented ones in real towns, each with a number of its own; one in fifty shares a switchboard."""
    from tickets.lookup import searchable
    from tickets.models import Pharmacy, PharmacyPhone, SoftwareHouse

    houses = list(SoftwareHouse.objects.all())
    for batch in batched(_invented(count), 2000):
        made = []
        for pharmacy in batch:
            pharmacy.software_house = random.choice(houses)
            pharmacy.search_text = searchable(pharmacy)
            made.append(pharmacy)
        PharmacyPhone.objects.bulk_create(
            PharmacyPhone(pharmacy=pharmacy, raw=number, e164=f"+32{number[1:].replace(' ', '')}")
            for pharmacy in Pharmacy.objects.bulk_create(made)
            for number in [_number(pharmacy)]
        )


def contacts(count: int) -> None:
    from django.db import connection

    from accounts.models import User
    from incidents.models import Service
    from tickets.models import Contact, Pharmacy

    first_incident = _past_incidents(PAST)
    ids = Pharmacy.objects.order_by("pk").values_list("pk", flat=True)
    last = Contact.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    sqlite = connection.vendor == "sqlite"
    apart = f"(30 + {3000 / max(count, 1)} * n)"  # days ago, over eight years
    words = {
        "key": "lower(hex(randomblob(16)))" if sqlite else "gen_random_uuid()",
        "at": f"strftime('%%Y-%%m-%%d %%H:%%M:%%S', 'now', '-' || {apart} || ' days')"
        if sqlite
        else f"now() - {apart} * interval '1 day'",
    }
    values = {
        "count": count,
        "each": count // PAST + 1,
        "incident": first_incident,
        "pharmacy": ids[0],
        "pharmacies": len(ids),
        "service": Service.objects.values_list("pk", flat=True)[0],
        "agent": User.objects.get(username="agent").pk,
        "last": last,
    }
    with connection.cursor() as cursor:
        for statement in (CONTACTS, CALLBACKS):
            text = statement.format(**words)
            cursor.execute(text, {name: value for name, value in values.items() if f"%({name})s" in text})
        cursor.execute("analyze")


def _past_incidents(count: int) -> int:
    """The primary key of the first of *count* in a row."""
    from bench.history import fill
    from incidents.models import Incident

    before = Incident.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    fill(count)
    return int(before) + 1


def _invented(count: int) -> Iterator["Pharmacy"]:  # type: ignore[name-defined]  # noqa: F821 -- once Django is up
    from tickets.models import Pharmacy

    towns = list(csv.DictReader(TOWNS.open(encoding="utf-8")))
    for n in range(count):
        town = random.choice(towns)
        language = random.choice(town["language"].split("/"))
        family = random.choice(FAMILIES.split()) + random.choice(ENDINGS)
        kind = random.choice([f"{random.choice(FIRST.split())} {n % 97}", family])
        yield Pharmacy(
            apb_number=f"{30_000_000 + n}",
            name=f"{'Apotheek' if language == 'nl' else 'Pharmacie'} {kind}",
            holder=f"{random.choice(GIVEN)} {random.choice(FAMILIES.split())}",
            postcode=town["postcode"],
            town=town["town_nl"] if language == "nl" and town["town_nl"] else town["town"],
            province=town["province"],
            language=language,
        )


def _number(pharmacy: "Pharmacy") -> str:  # type: ignore[name-defined]  # noqa: F821
    place = int(pharmacy.apb_number) - 30_000_000
    return f"02 {400 + place // 10_000:03} {place % 10_000 // 100 if place % 50 else 0:02} {place % 100:02}"


if __name__ == "__main__":
    django.setup()
    random.seed(2022)
    pharmacies(int(sys.argv[1]))
    contacts(int(sys.argv[2]))
