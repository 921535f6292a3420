"""A prepared message filled in for an incident."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import models

from comms.models import PARTS, MessageTemplateText, UpdateText
from comms.posts import placeholders
from comms.posts.shortening import shortened

BRUSSELS = ZoneInfo("Europe/Brussels")
PLACEHOLDERS = ("services", "time", "url")


def filled(
    texts: Iterable[MessageTemplateText],
    *,
    services: Mapping[str, Sequence[str]],
    next_update_at: datetime | None,
    urls: Mapping[str, str],
) -> dict[str, dict[str, str]]:
    """By language, the parts of an update; *services* and *urls* by language too. Raises PatternError.

    What would grow longer than a message takes is shortened at a word.
    """
    time = f"{next_update_at.astimezone(BRUSSELS):%H:%M}" if next_update_at else ""
    return {
        text.language: {
            part: _filled(
                part,
                getattr(text, part),
                {"services": ", ".join(services[text.language]), "time": time, "url": urls[text.language]},
            )
            for part in PARTS
        }
        for text in texts
    }


def _filled(part: str, pattern: str, values: Mapping[str, str]) -> str:
    most = longest(part)
    text = placeholders.filled(pattern, values)
    return text if len(text) <= most else shortened(text, lambda begun: len(begun) <= most)


def longest(part: str) -> int:
    """Characters that the part of an update may have."""
    column = UpdateText._meta.get_field(part)
    return column.max_length or 0 if isinstance(column, models.Field) else 0
