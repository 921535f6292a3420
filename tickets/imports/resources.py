"""How a line becomes a row. No query for a line: what is known is read once, what is new is written at once."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.instance_loaders import BaseInstanceLoader
from import_export.resources import ModelResource
from import_export.widgets import CharWidget
from tablib import Dataset

from accounts.refusals import Refused
from tickets import lookup, phone
from tickets.imports.columns import column, province_at, provinces
from tickets.models import Pharmacy, PharmacyPhone, SoftwareHouse

BATCH = 1000

type Row = dict[str, str]


class Known(BaseInstanceLoader):  # type: ignore[misc]  # import_export has no types
    """Every row there is, read once, by what identifies it."""

    def __init__(self, resource: Any, dataset: Dataset | None = None) -> None:
        super().__init__(resource, dataset)
        self.name = resource.get_import_id_fields()[0]
        self.rows = {getattr(row, self.name): row for row in resource.get_queryset()}

    def get_instance(self, row: Row) -> Any:
        return self.rows.get(row[self.name])


class Text(Field):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        super().__init__(attribute=name, column_name=name, widget=CharWidget(allow_blank=True))


class _Resource(ModelResource):  # type: ignore[misc]
    """Keeps in each instance what it said before (`before`, None of a new one) instead of a copy of it all."""

    required: tuple[str, ...]
    columns: tuple[str, ...]

    def bulk_update(self, using_transactions: Any, dry_run: Any, raise_errors: Any, **kwargs: Any) -> None:
        """One INSERT … ON CONFLICT for many rows: Django's own bulk_update needs seconds for a thousand."""
        rows: list[Any] = self.update_instances
        self.update_instances: list[Any] = []
        if rows and (using_transactions or not dry_run):
            self._meta.model.objects.bulk_create(
                rows,
                batch_size=BATCH,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=self.get_bulk_update_fields(),
            )

    def after_init_instance(self, instance: Any, new: Any, row: Row, **kwargs: Any) -> None:
        instance.before = None if new else self.said_by(instance)

    def skip_row(self, instance: Any, original: Any, row: Row, import_validation_errors: Any = None) -> bool:
        return not import_validation_errors and bool(instance.before == self.said_by(instance))

    def said_by(self, instance: Any) -> dict[str, str]:
        """Column by column what *instance* says, as text."""
        return {name: str(getattr(instance, name)) for name in self._meta.fields}

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        self.lines: dict[str, int] = {}

    def before_import_row(self, row: Row, row_number: int = 0, **kwargs: Any) -> None:
        """Raises ValidationError for a second line about the same."""
        name = self.get_import_id_fields()[0]
        first = self.lines.setdefault(row[name], row_number)
        if row[name] and first != row_number:
            raise ValidationError({name: _("Line %(line)d is about the same.") % {"line": first + 1}})

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: Any = None
    ) -> None:
        """As full_clean, but for what would ask the database about each line, and is known already."""
        errors = dict(import_validation_errors or {})
        try:
            instance.full_clean(
                exclude={*errors, "software_house"}, validate_unique=False, validate_constraints=False
            )
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)


class PharmacyResource(_Resource):
    """Of software houses and telephones the line says all; a column that is missing changes nothing."""

    apb_number, name, holder, street = Text("apb_number"), Text("name"), Text("holder"), Text("street")
    postcode, town, province = Text("postcode"), Text("town"), Text("province")
    language, email = Text("language"), Text("email")

    required = ("apb_number", "name", "postcode", "town", "language")
    columns = (*required, "holder", "street", "province", "email", "software_house", "phones")

    class Meta:
        model = Pharmacy
        fields = (
            "apb_number",
            "name",
            "holder",
            "street",
            "postcode",
            "town",
            "province",
            "language",
            "email",
        )
        import_id_fields = ("apb_number",)
        instance_loader_class = Known
        use_bulk, batch_size = True, BATCH
        skip_diff = report_skipped = store_instance = True

    def get_bulk_update_fields(self) -> list[str]:
        return [*super().get_bulk_update_fields(), "software_house", "search_text"]

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        super().before_import(dataset, **kwargs)
        self.provinces = provinces()
        houses = SoftwareHouse.objects.all()
        self.houses = {spelled: house for house in houses for spelled in (house.key, house.name.casefold())}
        self.house_names = {house.pk: house.name for house in houses}
        self.phones: dict[int, dict[str, str]] = {}
        for pharmacy, e164, raw in PharmacyPhone.objects.values_list("pharmacy", "e164", "raw"):
            self.phones.setdefault(pharmacy, {})[e164] = raw

    def before_import_row(self, row: Row, row_number: int = 0, **kwargs: Any) -> None:
        super().before_import_row(row, row_number, **kwargs)
        row["language"] = row["language"].lower()
        province = row.get("province", "")
        if province:
            row["province"] = self.provinces.get(" ".join(lookup.words(province)), province)
        else:
            row["province"] = province_at(row["postcode"])

    def import_instance(self, instance: Pharmacy, row: Row, **kwargs: Any) -> None:
        errors: dict[str, Any] = {}
        try:
            super().import_instance(instance, row, **kwargs)
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if not re.fullmatch(settings.DESK_APB_PATTERN, row["apb_number"], re.ASCII):
            errors["apb_number"] = _("This does not look like an APB number.")
        for name, read in (("software_house", self._house), ("phones", self._phones)):
            try:
                if name in row:
                    read(instance, row[name])
            except Refused as refusal:
                errors[name] = refusal.message
        instance.search_text = lookup.searchable(instance)
        if errors:
            raise ValidationError(errors)

    def after_init_instance(self, instance: Pharmacy, new: Any, row: Row, **kwargs: Any) -> None:
        instance.wanted = self.phones.get(instance.pk, {})  # type: ignore[attr-defined]
        super().after_init_instance(instance, new, row, **kwargs)

    def said_by(self, instance: Pharmacy) -> dict[str, str]:
        house = self.house_names.get(instance.software_house_id or 0, "")
        wanted: dict[str, str] = instance.wanted  # type: ignore[attr-defined]
        return super().said_by(instance) | {"software_house": house, "phones": "; ".join(wanted.values())}

    def _house(self, pharmacy: Pharmacy, text: str) -> None:
        if text and text.casefold() not in self.houses:
            raise Refused(_("There is no software house with this key or name."))
        pharmacy.software_house = self.houses[text.casefold()] if text else None

    def _phones(self, pharmacy: Pharmacy, text: str) -> None:
        """Several are parted by a semicolon, a comma or a bar; `wanted` holds them by number, as they were typed."""
        numbers = [phone.parse(one) for one in re.split(r"[;,|]", text) if one.strip()]
        if any(not number.e164 or len(number.raw) > phone.LONGEST_RAW for number in numbers):
            raise Refused(_("This is not a possible telephone number: digits are missing or too many."))
        pharmacy.wanted = {number.e164: number.raw for number in numbers}  # type: ignore[attr-defined]


class SoftwareHouseResource(_Resource):
    key, name, email = Text("key"), Text("name"), Text("email")
    phone, on_call_phone = Text("phone"), Text("on_call_phone")

    required = ("key", "name")
    columns = (*required, "phone", "on_call_phone", "email")

    class Meta:
        model = SoftwareHouse
        fields = ("key", "name", "phone", "on_call_phone", "email")
        import_id_fields = ("key",)
        instance_loader_class = Known
        use_bulk, batch_size = True, BATCH
        skip_diff = report_skipped = store_instance = True


RESOURCES: Mapping[str, type[_Resource]] = {
    "pharmacies": PharmacyResource,
    "software_houses": SoftwareHouseResource,
}


def columns_of(kind: str, table: Dataset) -> list[str | None]:
    """What each column of *table* is, None for one nobody reads. Raises Refused where one is missing or doubled."""
    resource = RESOURCES[kind]
    found = [column(header, resource.columns) for header in table.headers]
    if missing := [name for name in resource.required if name not in found]:
        names = ", ".join(missing)
        raise Refused(_("These columns are missing: %(names)s.") % {"names": names}, field="file")
    if doubled := {name for name in found if name and found.count(name) > 1}:
        names = ", ".join(sorted(doubled))
        raise Refused(_("These columns are there twice: %(names)s.") % {"names": names}, field="file")
    return found


def named_for(kind: str, table: Dataset) -> Dataset:
    """*table* with our names for its columns and without those nobody reads. Raises Refused as columns_of."""
    places = [(place, name) for place, name in enumerate(columns_of(kind, table)) if name]
    rows = [[row[place] for place, _name in places] for row in table]
    return Dataset(*rows, headers=[name for _place, name in places])
