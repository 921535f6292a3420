"""A badge that says how the services do, as a picture and for shields.io."""

import json

from comms.status.api_objects import INDICATOR
from comms.status.facts import Facts, worst
from comms.status.html import Html, tag
from comms.status.words import Words

HEIGHT, PADDING, LETTER = 20, 8, 6.4  # pixels; a letter of 11 px is about so wide
LABEL = "FarmaFlux"
INK, LEFT = "#ffffff", "#46544f"
# Dark enough under white letters; the word says it all the same, and a shape before it.
COLOURS = {
    "none": "#17663a",
    "minor": "#7a5200",
    "major": "#97400a",
    "critical": "#a51d1d",
    "maintenance": "#1d4f9e",
}
SHAPES = {"none": "●", "minor": "▲", "major": "◐", "critical": "✖", "maintenance": "◆"}


def indicator(facts: Facts) -> str:
    """none, minor, major, critical or maintenance, as the Statuspage convention has it."""
    return INDICATOR[worst(condition.status for condition in facts.conditions.values())]


def svg(facts: Facts, words: Words) -> bytes:
    state = indicator(facts)
    said = words.summary[state]
    left, right = _width(LABEL), _width(f"{SHAPES[state]} {said}")
    whole = tag(
        "svg",
        tag("title", f"{LABEL}{words.colon} {said}"),
        tag("rect", width=left, height=HEIGHT, fill=LEFT),
        tag("rect", x=left, width=right, height=HEIGHT, fill=COLOURS[state]),
        _letters(LABEL, left / 2, left),
        _letters(f"{SHAPES[state]} {said}", left + right / 2, right),
        xmlns="http://www.w3.org/2000/svg",
        width=left + right,
        height=HEIGHT,
        role="img",
        aria_label=f"{LABEL}{words.colon} {said}",
    )
    return whole.encode()


def _width(text: str) -> int:
    return round(len(text) * LETTER) + 2 * PADDING


def _letters(text: str, middle: float, width: int) -> Html:
    return tag(
        "text",
        text,
        x=f"{middle:g}",
        y=14,
        fill=INK,
        text_anchor="middle",
        textLength=width - 2 * PADDING,
        font_family="system-ui,Verdana,sans-serif",
        font_size=11,
    )


def shield(facts: Facts, words: Words) -> bytes:
    """https://shields.io/badges/endpoint-badge, schema version 1."""
    state = indicator(facts)
    told = {
        "schemaVersion": 1,
        "label": LABEL,
        "message": words.summary[state],
        "color": COLOURS[state].lstrip("#"),
        "isError": state == "critical",
    }
    return json.dumps(told, ensure_ascii=False).encode()
