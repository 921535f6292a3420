"""What the database is asked and told all the time, composed into SQL once.

For a short question Django takes several times as long to compose the SQL as the database takes to answer, and a page
of the desk asks some twenty of them. A `Composed` is an ordinary queryset with its values left open; a `ComposedInsert`
does the same for a row that is new, a `ComposedUpdate` for rows that change, and a `ComposedPrefetch` for the rows that
belong to others.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import batched
from types import SimpleNamespace
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BigIntegerField,
    Expression,
    Field,
    Model,
    QuerySet,
    prefetch_related_objects,
)
from django.db.models.sql import InsertQuery, Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

# Rows of one INSERT: SQLite takes 32,766 values, and each number of rows is composed for itself.
MOST_AT_ONCE = 100


class Composed[Row]:
    """*compose* makes the queryset from its open values; which those are, and of what field, the names say:

        of_phase = Composed(lambda phase: Incident.objects.filter(phase=phase), phase=CharField())
        of_phase(phase="resolved")  # as list(Incident.objects.filter(phase="resolved"))

    An open value stands where any expression may; None equals nothing. `Many` of a field is a list, for `__in`.
    *compose* is called once, and once for lists of one value, which a database plans better: what it makes must not
    depend on the moment, the language or a setting. Asks one query, and those of its prefetches and of *prefetch*.

    A compiler of Django keeps what it needs to read the rows once it has made the SQL, as it does for aggregates and
    iterators; nothing else here knows its inside. The tests compare the rows with those of the queryset itself.
    """

    def __init__(
        self,
        compose: "Callable[..., QuerySet[Any, Row]]",
        prefetch: "Sequence[ComposedPrefetch]" = (),
        /,
        **values: "Field[Any, Any] | Many",
    ) -> None:
        self._compose = compose
        self._prefetch = prefetch
        self._values = {
            name: value if isinstance(value, Many) else _One(value) for name, value in values.items()
        }
        self._lists = [name for name, value in values.items() if isinstance(value, Many)]
        self._alone = self._values | {name: _One(self._values[name].field) for name in self._lists}
        self._composed: dict[tuple[str, bool], _Statement] = {}

    def __call__(self, **values: Any) -> list[Row]:
        connection = connections[DEFAULT_DB_ALIAS]
        asked, alone = self._values, all(len(values[name]) == 1 for name in self._lists)
        if self._lists and alone:
            asked, values = self._alone, values | {name: next(iter(values[name])) for name in self._lists}
        statement = self._composed.get((connection.vendor, alone))
        if statement is None:  # two threads may both make it: they make the same
            opened = {name: _Open(name, value) for name, value in asked.items()}
            statement = self._composed[connection.vendor, alone] = _Statement(self._compose(**opened))
        given = {name: value.prepared(values[name], connection) for name, value in asked.items()}
        rows = statement.rows(connection, given)
        prefetch(rows, *self._prefetch)
        return rows

    def first(self, **values: Any) -> Row | None:
        """For a queryset that is sliced to one, or has one row at most."""
        return next(iter(self(**values)), None)


class ComposedPrefetch:
    """As Prefetch(relation, queryset), for what refers to the rows of a model by a foreign key:

        texts = ComposedPrefetch("texts", lambda owners: UpdateText.objects.filter(update__in=owners))
        prefetch(updates, texts)  # as prefetch_related_objects(updates, "texts")

    Of many to many, *compose* makes the queryset of the rows between, with what they lead to in select_related.
    *prefetch*: what is prefetched of those that were found.
    """

    def __init__(
        self,
        relation: str,
        compose: "Callable[[Any], QuerySet[Any]]",
        *,
        prefetch: "Sequence[ComposedPrefetch]" = (),
    ) -> None:
        self._relation = relation
        self._belonging = Composed(lambda owners: compose(owners), prefetch, owners=Many(BigIntegerField()))

    def fetch(self, owners: "Sequence[Model]", *, anew: bool = False) -> None:
        """Into the cache of each of *owners* where it is not, or *anew*; one query, none where all have it."""
        lacking = [owner for owner in owners if anew or self._relation not in _prefetched(owner)]
        if not lacking:
            return
        relation: Any = lacking[0]._meta.get_field(self._relation)
        many_to_many = relation.many_to_many
        owned_by = relation.m2m_field_name() if many_to_many else relation.field.name
        belonging: dict[Any, list[Any]] = defaultdict(list)
        for row in self._belonging(owners=[owner.pk for owner in lacking]):
            its = getattr(row, relation.m2m_reverse_field_name()) if many_to_many else row
            belonging[getattr(row, f"{owned_by}_id")].append(its)
        for owner in lacking:
            self.hold(owner, belonging[owner.pk])

    def hold(self, owner: Model, rows: list[Any]) -> None:
        """*rows* into the cache of *owner*, in that order, as if just fetched: who wrote them has them."""
        relation: Any = owner._meta.get_field(self._relation)
        if not relation.many_to_many:
            for row in rows:
                relation.field.set_cached_value(row, owner)
        _prefetched(owner).pop(self._relation, None)
        known = getattr(owner, self._relation).get_queryset()
        known._result_cache, known._prefetch_done = rows, True
        _prefetched(owner)[self._relation] = known


def prefetch(rows: "Sequence[Model]", *lookups: ComposedPrefetch, anew: bool = False) -> None:
    """What *lookups* name, of rows of one model, as prefetch_related_objects does; *anew*: what changed since, too."""
    for lookup in lookups:
        lookup.fetch(rows, anew=anew)


def _prefetched(owner: Model) -> dict[str, Any]:
    """Django's cache of what was prefetched of *owner*."""
    found: dict[str, Any] = owner.__dict__.setdefault("_prefetched_objects_cache", {})
    return found


class ComposedInsert[Row: Model]:
    """Inserts rows of *model*, as its save_base(raw=True, force_insert=True) and bulk_create do, without signals.

    For a model without parents whose key the database gives and whose columns take a plain value. Raises what the
    database raises.
    """

    def __init__(self, model: type[Row]) -> None:
        self._model = model
        self._fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
        self._composed: dict[tuple[str, int], tuple[str, bool]] = {}

    def __call__(self, *rows: Row) -> None:
        """One statement for each hundred."""
        for some in batched(rows, MOST_AT_ONCE, strict=False):
            self._insert(some)

    def _insert(self, rows: "Sequence[Row]") -> None:
        connection = connections[DEFAULT_DB_ALIAS]
        composed = self._composed.get((connection.vendor, len(rows)))
        if composed is None:
            composed = self._composed[connection.vendor, len(rows)] = self._compose(rows)
        statement, by_column = composed
        columns = [
            [field.get_db_prep_save(field.pre_save(row, add=True), connection) for row in rows]
            for field in self._fields
        ]
        values = columns if by_column else [value for row in zip(*columns, strict=True) for value in row]
        with transaction.mark_for_rollback_on_error(DEFAULT_DB_ALIAS), connection.cursor() as cursor:
            cursor.execute(statement, values)
            keys = cursor.fetchall()
        for row, (key,) in zip(rows, keys, strict=True):
            row.pk = key
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS

    def _compose(self, rows: "Sequence[Row]") -> tuple[str, bool]:
        """The statement for so many, and whether it takes a list for each column, as Django's for PostgreSQL does."""
        query = InsertQuery(self._model)
        query.insert_values(self._fields, list(rows), raw=True)
        compiler: Any = query.get_compiler(DEFAULT_DB_ALIAS)
        compiler.returning_fields = [self._model._meta.pk]
        [(statement, values)] = compiler.as_sql()
        return str(statement), len(rows) > 1 and len(values) == len(self._fields)


class ComposedUpdate:
    """*compose* makes a queryset and, by field, what its rows come to hold, from open values as of a `Composed`:

        raise_by = ComposedUpdate(lambda pk, by: (Row.objects.filter(pk=pk), {"n": F("n") + by}), pk=..., by=...)
        raise_by(pk=1, by=2)  # as Row.objects.filter(pk=1).update(n=F("n") + 2)

    Returns how many rows there were. Raises what the database raises.
    """

    def __init__(
        self,
        compose: "Callable[..., tuple[QuerySet[Any, Any], dict[str, Any]]]",
        /,
        **values: "Field[Any, Any]",
    ) -> None:
        self._compose = compose
        self._values = {name: _One(value) for name, value in values.items()}
        self._composed: dict[str, tuple[str, Sequence[Any]]] = {}

    def __call__(self, **values: Any) -> int:
        connection = connections[DEFAULT_DB_ALIAS]
        composed = self._composed.get(connection.vendor)
        if composed is None:
            composed = self._composed[connection.vendor] = self._composed_anew()
        statement, parameters = composed
        given = {name: value.prepared(values[name], connection) for name, value in self._values.items()}
        with transaction.mark_for_rollback_on_error(DEFAULT_DB_ALIAS), connection.cursor() as cursor:
            cursor.execute(
                statement, [given[each.name] if type(each) is _Open else each for each in parameters]
            )
            return int(cursor.rowcount)

    def _composed_anew(self) -> tuple[str, Sequence[Any]]:
        rows, changes = self._compose(**{name: _Open(name, value) for name, value in self._values.items()})
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(changes)
        statement, parameters = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        return str(statement), parameters


@dataclass(frozen=True)
class _One:
    """An open value that is one value of *field*."""

    field: "Field[Any, Any]"

    def prepared(self, value: object, connection: BaseDatabaseWrapper) -> Any:
        return self.field.get_db_prep_value(value, connection)

    def placeholder(self, connection: BaseDatabaseWrapper) -> str:
        return "%s"


@dataclass(frozen=True)
class Many:
    """An open value that is a list of values of *field*, of any length: one parameter whatever its length."""

    field: "Field[Any, Any]"

    def prepared(self, values: Any, connection: BaseDatabaseWrapper) -> Any:
        prepared = [self.field.get_db_prep_value(value, connection) for value in values]
        return prepared if connection.vendor == "postgresql" else json.dumps(prepared)

    def placeholder(self, connection: BaseDatabaseWrapper) -> str:
        if connection.vendor == "postgresql":
            return f"(SELECT unnest(%s::{self.field.db_type(connection)}[]))"
        return "(SELECT value FROM json_each(%s))"


class _Open(Expression):
    """The parameter that is filled in later."""

    def __init__(self, name: str, value: _One | Many) -> None:
        super().__init__(output_field=value.field)
        self.name = name
        self.value = value

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:  # type: ignore[override]
        return self.value.placeholder(connection), [self]

    def get_group_by_cols(self) -> list[Any]:  # as a Value
        return []


class _Statement:
    def __init__(self, queryset: "QuerySet[Any, Any]") -> None:
        self._queryset: Any = queryset
        self._compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        self._sql, self._parameters = self._compiler.as_sql()
        columns = [column for column, *_ in self._compiler.select[: self._compiler.col_count]]
        self._converters = self._compiler.get_converters(columns)

    def rows(self, connection: BaseDatabaseWrapper, given: dict[str, Any]) -> list[Any]:
        parameters = tuple(given[each.name] if type(each) is _Open else each for each in self._parameters)
        compiler = copy(self._compiler)
        compiler.connection = connection
        compiler.as_sql = lambda: (self._sql, parameters)
        compiler.get_converters = lambda _columns: self._converters
        asked = SimpleNamespace(
            query=_Compiled(self._queryset.query, compiler),
            db=DEFAULT_DB_ALIAS,
            model=self._queryset.model,
            _fields=self._queryset._fields,
            _fetch_mode=self._queryset._fetch_mode,
            _known_related_objects={},
        )
        rows = list(self._queryset._iterable_class(asked))
        if self._queryset._prefetch_related_lookups:
            prefetch_related_objects(rows, *self._queryset._prefetch_related_lookups)
        return rows


class _Compiled:
    """A query that is compiled already."""

    def __init__(self, query: Query, compiler: SQLCompiler) -> None:
        self._query = query
        self._compiler = compiler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._query, name)

    def get_compiler(self, using: str) -> SQLCompiler:
        return self._compiler
