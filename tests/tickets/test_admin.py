from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from tests import factories
from tickets import lookup
from tickets.models import Pharmacy, PharmacyPhone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _administrator(client: Client) -> None:
    client.force_login(factories.user(Role.ADMINISTRATOR, is_staff=True, language="en"))


def add(client: Client, *, raw: str = "02/555.12.12", **fields: Any) -> Any:
    return client.post(
        reverse("admin:tickets_pharmacy_add"),
        {
            "apb_number": "210144",
            "name": "Pharmacie Lemaître",
            "postcode": "1340",
            "town": "Ottignies",
            "province": "WBR",
            "language": "fr",
            "phones-TOTAL_FORMS": "1",
            "phones-INITIAL_FORMS": "0",
            "phones-0-raw": raw,
            **fields,
        },
    )


def test_a_pharmacy_that_was_added_is_found_by_name_and_number(client: Client) -> None:
    assert add(client).status_code == 302

    pharmacy = Pharmacy.objects.get()
    assert PharmacyPhone.objects.get().e164 == "+3225551212"
    for query in ("lemaitre", "+32 2 555 12 12", "210144"):
        assert [found.pharmacy for found in lookup.find(query)] == [pharmacy]


def test_a_pharmacy_that_was_renamed_is_found_by_its_new_name_only(client: Client) -> None:
    add(client)
    pharmacy = Pharmacy.objects.get()

    client.post(
        reverse("admin:tickets_pharmacy_change", args=[pharmacy.pk]),
        {
            "apb_number": "210144",
            "name": "Pharmacie Mertens",
            "postcode": "1340",
            "town": "Ottignies",
            "province": "WBR",
            "language": "fr",
            "phones-TOTAL_FORMS": "0",
            "phones-INITIAL_FORMS": "0",
        },
    )

    assert (len(lookup.find("mertens")), len(lookup.find("lemaitre"))) == (1, 0)


@pytest.mark.parametrize("wrong", [{"raw": "02 555 12 1"}, {"apb_number": "21a"}, {"apb_number": "123"}])
def test_an_impossible_number_is_refused(client: Client, wrong: dict[str, str]) -> None:
    assert add(client, **wrong).status_code == 200
    assert not Pharmacy.objects.exists()
