"""What a file would change, or has changed, in a shape that is kept as JSON and shown."""

from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import ValidationError
from import_export.results import Result, RowResult

CHANGES_SHOWN = 200


@dataclass(frozen=True)
class Outcome:
    """*changes*: the first CHANGES_SHOWN of the lines that change a row, {line, what, fields: [name, from, to]}.

    *rejected*: {line, reasons: [[column, text]]}; lines are counted as a spreadsheet does, its first is the names'.
    """

    new: int
    changed: int
    unchanged: int
    changes: list[dict[str, Any]]
    rejected: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def outcome_of(result: Result, resource: Any) -> Outcome:
    """Raises what went wrong with the whole; a line that could not be read is among the rejected."""
    for error in result.base_errors:
        raise error.error
    return Outcome(
        new=result.totals[RowResult.IMPORT_TYPE_NEW],
        changed=result.totals[RowResult.IMPORT_TYPE_UPDATE],
        unchanged=result.totals[RowResult.IMPORT_TYPE_SKIP],
        changes=_changes(result, resource),
        rejected=sorted(
            [{"line": row.number + 1, "reasons": _reasons(row.error)} for row in result.invalid_rows]
            + [
                {"line": row.number + 1, "reasons": [["", str(error.error)] for error in row.errors]}
                for row in result.error_rows
            ],
            key=lambda row: row["line"],
        ),
    )


def _changes(result: Result, resource: Any) -> list[dict[str, Any]]:
    changed = [
        (line, row.instance)
        for line, row in enumerate(result.rows, 2)
        if row.import_type == RowResult.IMPORT_TYPE_UPDATE
    ]
    return [
        {"line": line, "what": str(row), "fields": _fields(row.before, resource.said_by(row))}
        for line, row in changed[:CHANGES_SHOWN]
    ]


def _fields(before: dict[str, str], after: dict[str, str]) -> list[list[str]]:
    return [[name, before[name], text] for name, text in after.items() if before[name] != text]


def _reasons(error: ValidationError) -> list[list[str]]:
    if not hasattr(error, "error_dict"):
        return [["", text] for text in error.messages]
    return [[column, text] for column, texts in error.message_dict.items() for text in texts]
