"""The list of contacts as a file that no spreadsheet runs."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from tests import factories
from tickets import spreadsheets

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client: Client) -> None:
    client.force_login(factories.user(Role.LEAD, language="en"))


def exported(client: Client, **asked: str) -> list[dict[str, str]]:
    response: Any = client.get(reverse("tickets:contacts_export"), asked)
    assert response["Content-Disposition"] == 'attachment; filename="contacts.csv"'
    text = b"".join(response.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:]), delimiter=";"))


def test_the_file_holds_what_the_list_shows_under_the_same_filters(client: Client, lead: None) -> None:
    gare = factories.pharmacy(name="Pharmacie de la Gare", town="Namur", apb_number="210144")
    factories.contact(pharmacy=gare, note="rien ne part", language="nl")
    factories.contact(caller_text="Madame Dubois")

    everything, some = exported(client), exported(client, language="nl")

    assert {row["Caller"] for row in everything} == {"Pharmacie de la Gare", "Madame Dubois"}
    (row,) = some
    assert (row["APB"], row["Town"], row["Note"], row["Time"]) == (
        "210144",
        "Namur",
        "rien ne part",
        "2022-07-01 13:50",
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\u00a0="])
def test_no_cell_begins_a_formula(client: Client, lead: None, start: str) -> None:
    evil = f"{start}HYPERLINK(1)"
    factories.contact(caller_text=evil, note=evil)

    (row,) = exported(client)

    assert (row["Caller"], row["Note"]) == (f"'{evil}", f"'{evil}")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("02/555.12.12", "02/555.12.12"),
        (None, ""),
        (3, "3"),
        ("a=b", "a=b"),
    ],
)
def test_a_cell_is_defused_only_where_it_begins_one(cell: object, written: str) -> None:
    assert spreadsheets.defused(cell) == written


def test_what_was_defused_is_read_as_it_was() -> None:
    text = "".join(spreadsheets.lines([["name"], ["+32 2 555 12 12"], ["'s Gravenvoeren"]]))

    assert [row[0] for row in spreadsheets.read("a.csv", text.encode())] == [
        "+32 2 555 12 12",
        "'s Gravenvoeren",
    ]


def test_an_agent_reads_the_list_but_takes_no_file(client: Client) -> None:
    client.force_login(factories.user())

    assert client.get(reverse("tickets:contacts_export")).status_code == 403
    assert "export.csv" not in client.get(reverse("tickets:contacts")).text
