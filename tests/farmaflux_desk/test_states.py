from io import StringIO
from pathlib import Path

from django.core.management import call_command

DOCUMENT = Path(__file__).parents[2] / "docs" / "states.md"


def test_the_document_shows_the_tables_of_the_code() -> None:
    drawn = StringIO()

    call_command("states", stdout=drawn)

    assert drawn.getvalue() == DOCUMENT.read_text(), "manage.py states > docs/states.md"
