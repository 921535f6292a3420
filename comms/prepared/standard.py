"""The messages the desk comes with (messages.yaml), as rows not yet stored."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from accounts.languages import Language
from comms.models import MessageTemplate, MessageTemplateText
from incidents.models import Phase

FILE = Path(__file__).parent / "messages.yaml"


def standard_messages() -> list[tuple[MessageTemplate, list[MessageTemplateText]]]:
    return [_message(position, row) for position, row in enumerate(_content())]


@cache
def _content() -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return content


def _message(position: int, row: dict[str, Any]) -> tuple[MessageTemplate, list[MessageTemplateText]]:
    names = {f"name_{language}": row["name"][language] for language in Language}
    template = MessageTemplate(key=row["key"], phase=Phase(row["phase"]), position=position, **names)
    return template, [
        MessageTemplateText(template=template, language=language, **row[language]) for language in Language
    ]
