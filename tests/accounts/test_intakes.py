"""Systems that report to the desk: their tokens, their accounts, how they are kept by administrators."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import operations
from accounts.models import Intake, User
from accounts.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client: Client) -> User:
    administrator = factories.user(Role.ADMINISTRATOR, is_staff=True, language="en")
    client.force_login(administrator)
    return administrator


def test_a_token_is_kept_as_a_hash_alone_and_opens_its_intake_only() -> None:
    intake, token = factories.intake()
    other, other_token = factories.intake(name="Proximus")

    assert len(token) >= 43
    assert token not in str(Intake.objects.values_list())
    assert [intake.is_opened_by(token), other.is_opened_by(token)] == [True, False]
    assert [intake.is_opened_by(other_token), intake.is_opened_by("")] == [False, False]


def test_its_account_has_no_role_no_password_and_is_not_active() -> None:
    intake, _token = factories.intake(name="3CX Namur")

    account = intake.account
    assert (account.is_active, account.has_usable_password(), account.email) == (False, False, "")
    assert not account.groups.exists()
    assert account.display_name == "3CX Namur"


def test_a_new_token_closes_the_door_to_the_old_one() -> None:
    intake, old = factories.intake()

    new = operations.renew_token(intake)

    assert [intake.is_opened_by(old), intake.is_opened_by(new)] == [False, True]


def test_an_administrator_opens_an_intake_and_reads_its_address_once(
    client: Client, administrator: User
) -> None:
    response: Any = client.post(
        reverse("admin:accounts_intake_add"),
        {"kind": "telephone", "name": "3CX Namur", "enabled": "on"},
        follow=True,
    )

    intake = Intake.objects.get()
    (token,) = re.findall(r"/intake/cti/([\w-]+)", response.text)
    assert intake.is_opened_by(token)
    again = client.get(reverse("admin:accounts_intake_change", args=[intake.pk])).text
    assert token not in again


def test_an_administrator_renames_it_and_gives_it_a_new_token(client: Client, administrator: User) -> None:
    intake, old = factories.intake()

    response: Any = client.post(
        reverse("admin:accounts_intake_change", args=[intake.pk]),
        {"name": "3CX Liège", "new_token": "on"},
        follow=True,
    )

    intake.refresh_from_db()
    (token,) = re.findall(r"/intake/cti/([\w-]+)", response.text)
    assert (intake.name, intake.enabled, intake.account.display_name) == ("3CX Liège", False, "3CX Liège")
    assert [intake.is_opened_by(old), intake.is_opened_by(token)] == [False, True]


def test_no_other_role_sees_intakes_and_nobody_deletes_one(client: Client, administrator: User) -> None:
    intake, _token = factories.intake()
    change = reverse("admin:accounts_intake_change", args=[intake.pk])

    assert client.get(change).status_code == 200
    assert client.get(reverse("admin:accounts_intake_delete", args=[intake.pk])).status_code == 403
    client.force_login(factories.user(Role.LEAD, is_staff=True))
    assert client.get(change).status_code == 403


def test_accounts_of_systems_are_not_among_the_staff(client: Client, administrator: User) -> None:
    intake, _token = factories.intake()

    listed = client.get(reverse("admin:accounts_user_changelist")).text

    assert administrator.username in listed
    assert intake.account.username not in listed


def test_an_extension_belongs_to_one_person(client: Client) -> None:
    factories.user(extension="101")
    nancy = factories.user(language="en")
    client.force_login(nancy)

    taken = client.post(reverse("accounts:profile"), {"language": "en", "extension": "101"})
    free = client.post(reverse("accounts:profile"), {"language": "en", "extension": "102"})

    assert (taken.status_code, "Someone else has this extension." in taken.text) == (422, True)
    assert free.status_code == 302
    nancy.refresh_from_db()
    assert nancy.extension == "102"
    client.post(reverse("accounts:profile"), {"language": "en", "extension": ""})
    nancy.refresh_from_db()
    assert nancy.extension is None
