"""Administrators keep the accounts, and cannot make themselves more than administrators."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client: Client) -> User:
    user = factories.user(Role.ADMINISTRATOR, is_staff=True)
    client.force_login(user)
    return user


def post(client: Client, user: User, **fields: object) -> None:
    client.post(
        reverse("admin:accounts_user_change", args=[user.pk]),
        {"username": user.username, "language": "nl", "is_active": "on", **fields},
    )
    user.refresh_from_db()


def group(role: Role) -> int:
    return Group.objects.get(name=role.value).pk


def test_an_administrator_gives_a_colleague_a_role(client: Client, administrator: User) -> None:
    colleague = factories.user(Role.OBSERVER)

    post(client, colleague, groups=[group(Role.AGENT)])

    assert (colleague.language, [str(one) for one in colleague.groups.all()]) == ("nl", ["agent"])


def test_the_role_of_administrator_opens_these_pages_and_its_loss_shuts_them(
    client: Client, administrator: User
) -> None:
    colleague = factories.user(Role.AGENT)

    post(client, colleague, groups=[group(Role.ADMINISTRATOR)])
    opened = colleague.is_staff
    post(client, colleague, groups=[group(Role.AGENT)])

    assert (opened, colleague.is_staff) == (True, False)


def test_no_form_makes_a_superuser(client: Client, administrator: User) -> None:
    post(client, administrator, groups=[group(Role.ADMINISTRATOR)], is_superuser="on", user_permissions=[1])

    assert (administrator.is_superuser, administrator.user_permissions.exists()) == (False, False)


def test_a_superuser_is_out_of_an_administrators_reach(client: Client, administrator: User) -> None:
    owner = User.objects.create_superuser("owner", language="fr")

    post(client, owner, groups=[])

    assert owner.language == "fr"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_else_sees_the_accounts(client: Client, role: Role) -> None:
    client.force_login(factories.user(role))

    assert client.get(reverse("admin:accounts_user_changelist")).status_code in (302, 403)


def test_a_new_account_is_made_with_its_role(client: Client, administrator: User) -> None:
    client.post(
        reverse("admin:accounts_user_add"),
        {
            "username": "sofie",
            "usable_password": "true",
            "password1": "quiet-afternoon",
            "password2": "quiet-afternoon",
            "language": "nl",
            "groups": [group(Role.LEAD)],
        },
    )

    made = User.objects.get(username="sofie")
    assert (made.has_perm("incidents.run_incident"), made.is_staff) == (True, False)
