import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.roles import Role
from tests import factories
from tickets.models import PharmacyPhone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _observer(client: Client) -> None:
    """Reading is for everyone who is signed in."""
    client.force_login(factories.user(Role.OBSERVER, language="en"))


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_however_many_pharmacies(client: Client, rows: int) -> None:
    for _ in range(rows):
        pharmacy = factories.pharmacy(software_house=factories.software_house())
        PharmacyPhone.objects.create(pharmacy=pharmacy, raw="02/555.12.12", e164="+3225551212")

    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse("tickets:pharmacies")).text.count("02 555 12 12") == rows
    about = [query["sql"] for query in queries if 'FROM "tickets_pharmacy' in query["sql"]]
    assert len(about) == 4, "\n".join(about)  # how many, which, a page of them, their numbers


def test_the_list_finds_as_the_callers_box_does(client: Client) -> None:
    factories.pharmacy(name="Pharmacie Lemaître")
    factories.pharmacy(name="Apotheek De Linde")

    page = client.get(reverse("tickets:pharmacies"), {"q": "lemaitre"}).text

    assert re.findall(r"<b>(?:<mark>)?([^<]+)", page.split("<tbody>")[1]) == ["Pharmacie "]
    assert "De Linde" not in page
    assert "No pharmacy found" in client.get(reverse("tickets:pharmacies"), {"q": "zzz"}).text


@pytest.mark.parametrize(
    "asked", [{"page": "x"}, {"page": "-1"}, {"page": "9" * 30}, {"q": "\x00"}, {"q": "<script>"}]
)
def test_nonsense_in_the_address_is_no_fault_of_the_server(client: Client, asked: dict[str, str]) -> None:
    factories.pharmacy()

    page = client.get(reverse("tickets:pharmacies"), asked)

    assert (page.status_code, "<script>" in page.text.split("<main")[1]) == (200, False)


def test_a_pharmacy_has_a_page_with_its_numbers_its_house_and_its_contacts(client: Client) -> None:
    house = factories.software_house(name="Galénis", phone="02 555 01 01", on_call_phone="0470 55 00 01")
    gare = factories.pharmacy(name="Pharmacie de la Gare", software_house=house, language="de")
    PharmacyPhone.objects.create(pharmacy=gare, raw="010/41.20.11", e164="+3210412011")
    factories.contact(
        pharmacy=gare, note="imprimante", incident=factories.incident(title_en="Outage of the e-forms")
    )
    factories.contact(note="of another")

    page = client.get(reverse("tickets:pharmacy", args=[gare.pk])).text

    for part in ("010 41 20 11", "Galénis", "0470 55 00 01", ">DE<", "imprimante", "Outage of the e-forms"):
        assert part in page
    assert "of another" not in page
    assert client.get(reverse("tickets:pharmacy", args=[999])).status_code == 404
