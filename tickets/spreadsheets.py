"""Tables as files: read from CSV and XLSX as people make them, written as CSV that a spreadsheet cannot run."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _
from tablib import Dataset
from tablib.exceptions import TablibException

from accounts.refusals import Refused

MOST_BYTES = 5 * 1024 * 1024
MOST_UNPACKED = 100 * 1024 * 1024  # an XLSX is a ZIP: a small one can hold a lot of nothing
MOST_ROWS = 20_000
DELIMITERS = ";,\t"
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read(name: str, content: bytes) -> Dataset:
    """The table in a file called *name*: its first line names the columns, every cell is one line of text.

    Empty lines are left out. Raises Refused beside "file".
    """
    try:
        table = _xlsx(content) if name.lower().endswith(".xlsx") else _csv(content)
    except (TablibException, zipfile.BadZipFile, KeyError, ValueError, csv.Error):
        raise Refused(_("This file cannot be read. Save it as XLSX, or as CSV."), field="file") from None
    rows = [[_text(cell) for cell in row] for row in table]
    rows = [row for row in rows if any(row)]
    if not rows:
        raise Refused(_("There is no line below the names of the columns in this file."), field="file")
    if len(rows) > MOST_ROWS:
        raise Refused(_("At most %(rows)d lines at a time.") % {"rows": MOST_ROWS}, field="file")
    return Dataset(*rows, headers=[_text(header) for header in table.headers or []])


def lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """CSV as a Belgian Excel opens it, line by line: UTF-8 with its mark, semicolons, no cell a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";")
    yield "\ufeff"
    for row in rows:
        writer.writerow([defused(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def defused(cell: object) -> str:
    """*cell* as text that no spreadsheet runs: an apostrophe before what would begin a formula."""
    text = "" if cell is None else str(cell)
    return (
        f"'{text}" if text.lstrip(" \n\u00a0\ufeff").startswith(FORMULA) or text.startswith(FORMULA) else text
    )


def _csv(content: bytes) -> Dataset:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252")  # Excel's plain CSV in Western Europe
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    return Dataset().load(io.StringIO(text, newline=""), format="csv", delimiter=delimiter)


def _xlsx(content: bytes) -> Dataset:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
            raise Refused(_("This file is too large."), field="file")
    return Dataset().load(io.BytesIO(content), format="xlsx")


def _text(cell: object) -> str:
    """As the person who filled it sees it: 1340 and not 1340.0, one line, without our own apostrophe."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = " ".join(str(cell).replace("\0", "").split())
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text
