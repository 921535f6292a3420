"""Pharmacies and software houses from a file: tried first, then done, and what is wrong said line by line."""

import csv
import io
import uuid
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tablib import Dataset

from accounts.roles import Role
from tests import factories
from tickets import lookup, spreadsheets
from tickets.models import Pharmacy, PharmacyPhone, SoftwareHouse, StagedImport

pytestmark = pytest.mark.django_db
HEADERS = ["apb_number", "name", "postcode", "town", "language", "phones", "software_house"]
GARE = ["210144", "Pharmacie de la Gare", "5000", "Namur", "fr", "081/22.33.44", ""]


@pytest.fixture(autouse=True)
def _administrator(client: Client) -> None:
    client.force_login(factories.user(Role.ADMINISTRATOR, is_staff=True, language="en"))


def table(*rows: list[str], headers: list[str] = HEADERS) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([headers, *rows])
    return text.getvalue().encode()


def hand_in(
    client: Client, content: bytes, *, kind: str = "pharmacies", name: str = "list.csv", key: str = ""
) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(
        reverse("tickets:import"), {"key": key or str(uuid.uuid4()), "kind": kind, "file": file}, follow=True
    )


def apply(client: Client) -> Any:
    staged = StagedImport.objects.latest("staged_at")
    return client.post(reverse("tickets:import_one", args=[staged.key]), follow=True)


def numbers(outcome: dict[str, Any]) -> tuple[int, int, int, int]:
    return outcome["new"], outcome["changed"], outcome["unchanged"], len(outcome["rejected"])


def counts() -> tuple[int, int, int, int]:
    """New, changed, unchanged, rejected."""
    return numbers(StagedImport.objects.latest("staged_at").outcome)


def test_a_trial_changes_nothing_and_the_import_does_what_it_showed(client: Client) -> None:
    response = hand_in(client, table(GARE))

    assert "Nothing has been changed yet." in response.text
    assert (counts(), Pharmacy.objects.count()) == ((1, 0, 0, 0), 0)
    apply(client)
    pharmacy = Pharmacy.objects.get()
    assert (pharmacy.name, pharmacy.province, counts()) == ("Pharmacie de la Gare", "WNA", (1, 0, 0, 0))
    assert pharmacy.phones.get().e164 == "+3281223344"
    assert [found.pharmacy for found in lookup.find("gare namur")] == [pharmacy]


def test_what_changes_is_shown_field_by_field_and_the_rest_stays(client: Client) -> None:
    house = factories.software_house(name="Corilus")
    gare = factories.pharmacy(apb_number="210144", name="Ancienne", town="Namur", holder="Mme Petit")
    other = factories.pharmacy(name="Autre")
    PharmacyPhone.objects.create(pharmacy=gare, raw="02/555.12.12", e164="+3225551212")
    before = Pharmacy.objects.filter(pk=other.pk).values().get()

    response = hand_in(client, table([*GARE[:6], "corilus"]))

    for text in ("Ancienne", "Pharmacie de la Gare", "02/555.12.12", "081/22.33.44", "Corilus"):
        assert text in response.text
    apply(client)
    gare.refresh_from_db()
    assert (gare.name, gare.holder, gare.software_house) == ("Pharmacie de la Gare", "Mme Petit", house)
    assert [phone.e164 for phone in gare.phones.all()] == ["+3281223344"]
    assert Pharmacy.objects.filter(pk=other.pk).values().get() == before


def test_the_same_file_again_changes_nothing(client: Client) -> None:
    hand_in(client, table(GARE))
    apply(client)
    phone = PharmacyPhone.objects.get().pk

    hand_in(client, table(GARE))
    apply(client)

    assert counts() == (0, 0, 1, 0)
    assert PharmacyPhone.objects.get().pk == phone


@pytest.mark.parametrize(
    ("field", "wrong", "reason"),
    [
        (0, "21a", "apb_number: This does not look like an APB number."),
        (1, "", "name: This field cannot be blank."),
        (
            2,
            "50000",
            "postcode: Ensure this value has at most 4 characters (it has 5).; province: This field cannot be blank.",
        ),
        (4, "es", "language: Value 'es' is not a valid choice."),
        (5, "081", "phones: This is not a possible telephone number: digits are missing or too many."),
        (5, "081 22", "phones: This is not a possible telephone number: digits are missing or too many."),
        (6, "Nobody", "software_house: There is no software house with this key or name."),
    ],
)
def test_a_wrong_line_is_rejected_with_its_reason_and_the_others_are_imported(
    client: Client, field: int, wrong: str, reason: str
) -> None:
    line = list(GARE)
    line[field] = wrong
    hand_in(client, table(line, ["210145", *GARE[1:]]))

    staged = StagedImport.objects.get()
    text = b"".join(client.get(reverse("tickets:import_rejected", args=[staged.key]))).decode("utf-8-sig")
    header, rejected = csv.reader(io.StringIO(text), delimiter=";")

    assert header == [*HEADERS, "line", "reason"]
    assert rejected == [*line, "2", reason]
    apply(client)
    assert ([made.apb_number for made in Pharmacy.objects.all()], counts()) == (["210145"], (1, 0, 0, 1))


def test_a_second_line_about_the_same_pharmacy_is_rejected(client: Client) -> None:
    hand_in(client, table(GARE, ["210144", "Other", *GARE[2:]]))

    assert counts() == (1, 0, 0, 1)
    assert StagedImport.objects.get().outcome["rejected"] == [
        {"line": 3, "reasons": [["apb_number", "Line 2 is about the same."]]}
    ]


def test_excel_s_own_files_and_the_names_people_give_to_columns_are_understood(client: Client) -> None:
    headers = ["Numéro APB", "Nom", "Code postal", "Localité", "Langue", "Téléphone", "Couleur"]
    rows = [[210144, "Pharmacie de la Gare", 5000.0, "Namur", "FR", "081/22.33.44", "bleu"]]
    hand_in(client, Dataset(*rows, headers=headers).export("xlsx"), name="Liste.XLSX")
    assert counts() == (1, 0, 0, 0)
    apply(client)
    old = "apb-nummer;naam;postcode;gemeente;taal\r\n210145;Apotheek Önder;9000;Gent;nl\r\n"
    hand_in(client, old.encode("cp1252"))
    apply(client)

    made = {pharmacy.apb_number: pharmacy for pharmacy in Pharmacy.objects.all()}
    assert (made["210144"].postcode, made["210144"].language) == ("5000", "fr")
    assert (made["210145"].name, made["210145"].province) == ("Apotheek Önder", "VOV")


def test_software_houses_are_imported_by_their_key(client: Client) -> None:
    SoftwareHouse.objects.create(key="corilus", name="Corilus", phone="02 111 22 33")

    file = table(["corilus", "Corilus SA"], ["new", "New"], ["a b", "Wrong"], headers=["key", "name"])
    hand_in(client, file, kind="software_houses")
    apply(client)

    assert counts() == (1, 1, 0, 1)
    assert list(SoftwareHouse.objects.values_list("key", "name", "phone")) == [
        ("corilus", "Corilus SA", "02 111 22 33"),
        ("new", "New", ""),
    ]


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/worksheets/sheet1.xml", b" " * (spreadsheets.MOST_UNPACKED + 1))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"no zip", "This file cannot be read."),
        ("a.csv", b"", "The submitted file is empty."),
        ("a.csv", table(), "There is no line below the names of the columns"),
        ("a.csv", b"name;town\r\nx;y\r\n", "These columns are missing: apb_number, postcode, language."),
        ("a.csv", table([*GARE, "x"], headers=[*HEADERS, "nom"]), "These columns are there twice: name."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_beside_its_field(
    client: Client, name: str, content: bytes, said: str
) -> None:
    response = hand_in(client, content, name=name)

    assert response.status_code == 422
    assert said in response.text
    assert not StagedImport.objects.exists()


def test_a_packed_file_that_unpacks_to_far_too_much_is_not_unpacked(client: Client) -> None:
    response = hand_in(client, bomb(), name="a.xlsx")

    assert (response.status_code, "This file is too large." in response.text) == (422, True)


def test_the_form_sent_twice_hands_in_once_and_applying_twice_applies_once(client: Client) -> None:
    key = str(uuid.uuid4())
    for _n in range(2):
        hand_in(client, table(GARE), key=key)
    apply(client)
    applied = StagedImport.objects.get().applied_at
    apply(client)

    assert StagedImport.objects.get().applied_at == applied


def test_many_lines_cost_no_more_queries_than_few(client: Client) -> None:
    def queries(first: int, count: int) -> int:
        rows = [[f"{first + n}", *GARE[1:]] for n in range(count)]
        with CaptureQueriesContext(connection) as captured:
            hand_in(client, table(*rows))
            apply(client)
        return len(captured)

    queries(310000, 1)
    assert queries(320000, 2) == queries(330000, 60)
    assert Pharmacy.objects.count() == 63


def test_only_administrators_import(client: Client) -> None:
    hand_in(client, table(GARE))
    staged = StagedImport.objects.get()
    client.force_login(factories.user(Role.LEAD))

    for address in (
        reverse("tickets:import"),
        reverse("tickets:import_one", args=[staged.key]),
        reverse("tickets:import_rejected", args=[staged.key]),
    ):
        assert client.get(address).status_code == 403
    assert hand_in(client, table(GARE)).status_code == 403
    assert apply(client).status_code == 403
    assert not Pharmacy.objects.exists()
