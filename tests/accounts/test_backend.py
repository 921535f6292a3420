import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries

from accounts.backend import DeskBackend
from accounts.models import User
from accounts.roles import Role
from farmaflux_desk.roles import ROLE_PERMISSIONS
from tests import factories

pytestmark = pytest.mark.django_db


def asked_anew(user: User) -> set[str]:
    return get_user_model().objects.get(pk=user.pk).get_all_permissions()


@pytest.mark.parametrize("role", [None, *Role])
def test_a_user_comes_with_what_her_groups_and_she_herself_may_do(
    role: Role | None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = factories.user(role)
    user.user_permissions.add(Permission.objects.get(codename="add_pharmacy"))

    with django_assert_num_queries(1):
        found = DeskBackend().get_user(user.pk)
        assert found is not None
        granted = found.get_all_permissions()

    assert granted == {*(ROLE_PERMISSIONS[role] if role else ()), "tickets.add_pharmacy"}
    assert granted == asked_anew(user)


def test_who_may_do_nothing_may_do_nothing() -> None:
    found = DeskBackend().get_user(factories.user(None).pk)

    assert found is not None
    assert found.get_all_permissions() == set()


def test_a_superuser_may_do_everything_and_who_left_is_nobody() -> None:
    everything = DeskBackend().get_user(factories.user(None, is_superuser=True).pk)

    assert everything is not None
    assert everything.has_perm("tickets.log_contact")
    assert DeskBackend().get_user(factories.user(is_active=False).pk) is None
