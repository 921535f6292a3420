"""Lists of readers, as an administrator keeps them."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from comms.models import ListMember, MailList
from comms.operations import lists as operations
from tests import factories

pytestmark = pytest.mark.django_db

NAMES = {"name_fr": "Comité directeur", "name_nl": "Directiecomité"}


def client_of(role: Role = Role.ADMINISTRATOR) -> Client:
    client = Client()
    client.force_login(factories.user(role, language="en"))
    return client


@pytest.fixture
def admin() -> Client:
    return client_of()


@pytest.fixture
def committee() -> MailList:
    return MailList.objects.create(key="committee", **NAMES)


def at(name: str, row: MailList | ListMember) -> str:
    return reverse(f"comms:{name}", args=[row.pk])


def anne(**changes: str) -> dict[str, str]:
    return {"name": "Anne", "email": "anne@apb.example", "phone": "", "language": "nl", **changes}


def stored(*fields: str) -> list[Any]:
    return list(ListMember.objects.order_by("pk").values_list(*fields, flat=len(fields) == 1))


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422
    return dict(response.context["form"].errors)


def refused(committee: MailList) -> ListMember:
    member = {"name": "Anne", "email": "anne@apb.example", "language": "nl"}
    return ListMember.objects.create(
        mail_list=committee, refused_at=timezone.now(), refusal="550 no such box", **member
    )


def test_a_list_is_made_once_and_gets_its_key_from_its_name(admin: Client) -> None:
    form = NAMES | {"key": "c0ffee00-0000-4000-8000-000000000000"}

    for _ in range(2):
        assert admin.post(reverse("comms:list_add"), form)["Location"] == at("list", MailList.objects.get())

    assert MailList.objects.get().key == "comite-directeur"


def test_a_list_has_a_french_and_a_dutch_name(admin: Client) -> None:
    assert list(errors(admin.post(reverse("comms:list_add"), {"name_en": "Board"}))) == ["name_fr", "name_nl"]


def test_who_renames_second_is_shown_what_is_stored(admin: Client, committee: MailList) -> None:
    seen = {"revision": "1", "name_nl": "Bestuur"}
    admin.post(at("list_names", committee), seen | {"name_fr": "Bureau"})

    second = admin.post(at("list_names", committee), seen | {"name_fr": "Le bureau"})

    committee.refresh_from_db()
    assert (second.status_code, committee.name_fr) == (422, "Bureau")
    assert "Somebody changed this" in second.text
    assert 'value="Le bureau"' in second.text


def test_a_reader_is_added_with_her_address_and_number_spelt_as_they_are_used(
    admin: Client, committee: MailList
) -> None:
    admin.post(at("member_add", committee), anne(email="Anne@APB.example", phone="0470/55.00.01"))

    assert stored("email", "phone", "language") == [("anne@apb.example", "+32470550001", "nl")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "anne"}, "email"),
        ({"email": "anne@apb.example\r\nBcc: x@example.org"}, "email"),
        ({"email": "a@b.example, c@d.example"}, "email"),
        ({"phone": "0470"}, "phone"),
        ({"phone": "02 555 12 12"}, "phone"),
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"language": "it"}, "language"),
    ],
)
def test_a_wrong_reader_is_refused_beside_the_field(
    admin: Client, committee: MailList, changes: dict[str, str], field: str
) -> None:
    assert list(errors(admin.post(at("member_add", committee), anne(**changes)))) == [field]
    assert stored("pk") == []


def test_an_address_stands_on_a_list_once_and_who_has_it_is_said(admin: Client, committee: MailList) -> None:
    admin.post(at("member_add", committee), anne())

    told = errors(admin.post(at("member_add", committee), anne(name="An", email="ANNE@apb.example")))
    same = admin.post(at("member_add", committee), anne())

    assert told == {"email": ["anne@apb.example is on this list already: Anne."]}
    assert same.status_code == 302
    assert stored("name") == ["Anne"]


def test_a_number_stands_on_a_list_once(admin: Client, committee: MailList) -> None:
    admin.post(at("member_add", committee), anne(phone="0470 55 00 01"))

    other = anne(email="b@apb.example", phone="+32 470 55 00 01")
    assert list(errors(admin.post(at("member_add", committee), other))) == ["phone"]


def test_a_new_address_is_written_to_although_the_old_one_was_refused(
    admin: Client, committee: MailList
) -> None:
    member = refused(committee)

    admin.post(at("member", member), anne(phone="0470550001", revision="1"))
    assert stored("refusal") == ["550 no such box"]
    admin.post(at("member", member), anne(email="anne2@apb.example", revision="2"))

    assert stored("email", "refused_at", "refusal") == [("anne2@apb.example", None, "")]


def test_who_saves_a_reader_second_is_shown_what_is_stored(admin: Client, committee: MailList) -> None:
    member = refused(committee)
    admin.post(at("member", member), anne(name="Annie", revision="1"))

    second = admin.post(at("member", member), anne(name="Anna", revision="1"))
    again = admin.post(at("member", member), anne(name="Anna", revision=second.context["revision"]))

    assert (second.status_code, again.status_code) == (422, 302)
    assert "Annie · anne@apb.example" in second.text
    assert stored("name") == ["Anna"]


def test_a_refused_address_is_shown_with_what_the_server_said_and_cleared(
    admin: Client, committee: MailList
) -> None:
    member = refused(committee)

    shown = admin.get(at("list", committee)).text
    admin.post(at("member_clear", member))

    assert "550 no such box" in shown
    assert stored("refused_at", "refusal") == [(None, "")]


def test_a_reader_is_taken_off(admin: Client, committee: MailList) -> None:
    admin.post(at("member_remove", refused(committee)))

    assert stored("pk") == []


def paste(client: Client, committee: MailList, *lines: str) -> Any:
    return client.post(at("list_paste", committee), {"lines": "\n".join(lines), "language": "fr"})


def test_lines_are_pasted_with_semicolons_or_tabs(admin: Client, committee: MailList) -> None:
    done = paste(
        admin,
        committee,
        "Anne; anne@apb.example; 0470 55 00 01; NL",
        "",
        "Bob\tbob@apb.example",
        "Carla;; +32 470 55 00 03",
    )

    assert done.status_code == 302
    assert stored("name", "email", "phone", "language") == [
        ("Anne", "anne@apb.example", "+32470550001", "nl"),
        ("Bob", "bob@apb.example", "", "fr"),
        ("Carla", "", "+32470550003", "fr"),
    ]


def test_a_wrong_line_is_named_nothing_is_stored_and_the_lines_are_still_there(
    admin: Client, committee: MailList
) -> None:
    lines = [
        "Anne; anne@apb.example",
        "Bob; bob",
        "; c@apb.example",
        "Dora; anne@apb.example",
        "E;;;fr",
        "F; f@apb.example;;it",
        "G; g@apb.example;;fr;x",
    ]

    response = paste(admin, committee, *lines)

    named = [error.partition(":")[0] for error in errors(response)["lines"]]
    assert named == [f"Line {number}" for number in range(2, 8)]
    assert response.context["form"]["lines"].value() == "\n".join(lines)
    assert stored("pk") == []


def test_who_is_on_the_list_already_is_pasted_without_harm(admin: Client, committee: MailList) -> None:
    paste(admin, committee, "Anne; anne@apb.example")

    done = paste(admin, committee, "Anne; anne@apb.example", "Bob; bob@apb.example")

    assert done.status_code == 302
    assert stored("name") == ["Anne", "Bob"]


def test_nothing_pasted_is_said(admin: Client, committee: MailList) -> None:
    assert list(errors(paste(admin, committee, " "))) == ["lines"]


def test_a_list_that_a_channel_writes_to_is_not_removed(admin: Client) -> None:
    written_to = factories.mail_channel("a@apb.example").mail_list
    assert written_to

    admin.post(at("list_remove", written_to))

    assert MailList.objects.exists()


def test_a_list_that_no_channel_writes_to_is_removed_with_its_readers(
    admin: Client, committee: MailList
) -> None:
    refused(committee)

    admin.post(at("list_remove", committee))

    assert not MailList.objects.exists()


@pytest.mark.parametrize("page", ["lists", "list"])
def test_the_pages_ask_as_much_of_the_database_for_many_as_for_one(
    admin: Client, committee: MailList, page: str
) -> None:
    counts = []
    for number in range(2):
        paste(admin, committee, *(f"R{number}{n}; r{number}{n}@apb.example" for n in range(3)))
        with CaptureQueriesContext(connection) as queries:
            admin.get(reverse("comms:lists") if page == "lists" else at("list", committee))
        counts.append(len(queries))
        factories.mail_channel("a@apb.example")

    assert counts[0] == counts[1]


@pytest.mark.parametrize("role", [Role.AGENT, Role.COMMUNICATIONS, Role.LEAD])
def test_nobody_but_an_administrator_sees_or_changes_who_is_on_a_list(
    role: Role, committee: MailList
) -> None:
    member, client = refused(committee), client_of(role)
    pages = [at(name, committee) for name in ("list", "list_names", "list_paste", "member_add")]

    seen = {client.get(page).status_code for page in [*pages, at("member", member)]}
    done = {client.post(at(name, member)).status_code for name in ("member_clear", "member_remove")}
    done |= {client.post(at("list_remove", committee)).status_code}

    assert (seen, done) == ({403}, {403})
    assert stored("refusal") == ["550 no such box"]


def test_who_left_by_herself_is_told_apart_from_who_was_refused(admin: Client, committee: MailList) -> None:
    member = refused(committee)
    page = admin.get(at("list", committee)).text
    assert ("550 no such box" in page, "unsubscribed" in page) == (True, False)
    ListMember.objects.update(refused_at=None, refusal="")

    operations.leave(member)

    page = admin.get(at("list", committee)).text
    assert ("550 no such box" in page, "unsubscribed" in page, "Write to it again" in page) == (
        False,
        True,
        True,
    )
