"""Builds HTML from Python: what is text is escaped, always; what was built here is not escaped again."""

import html
import re
from collections.abc import Iterable
from functools import lru_cache, partial

VOID = frozenset({"link", "meta", "br"})
BLANK = re.compile(r"\{(\w+)\}")

# A page says the same words many times, in the four languages the same names.
_escaped_text = lru_cache(4096)(partial(html.escape, quote=False))

type Child = "Html | str | Iterable[Child] | None"


class Html(str):
    """Mark-up. Only `tag`, `join` and the constants of this package make it."""

    __slots__ = ()


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Html:
    """An element. A trailing "_" of an attribute's name falls away, "_" inside becomes "-".

    True writes the attribute without a value; None and False leave it out.
    """
    opening = f"<{name}"
    for key, value in attributes.items():
        if value is not None and value is not False:
            opening += _attribute(key, value)
    if name in VOID:
        return Html(f"{opening}>")
    parts: list[str] = []
    _collect(children, parts)
    return Html(f"{opening}>{''.join(parts)}</{name}>")


def join(children: Child, between: str = "") -> Html:
    """The children one after the other; those that are no mark-up are escaped."""
    parts: list[str] = []
    _collect([children], parts)
    return Html(between.join(parts))


def fill(phrase: str, **parts: Child) -> Html:
    """*phrase* with each {name} replaced by its part."""
    pieces = BLANK.split(phrase)
    return join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))


@lru_cache(maxsize=4096, typed=True)  # True and 1 are equal, and not the same
def _attribute(key: str, value: str | int) -> str:
    written = f" {key.rstrip('_').replace('_', '-')}"
    return written if value is True else f'{written}="{html.escape(str(value))}"'


def _collect(children: "Iterable[Child]", parts: list[str]) -> None:
    for child in children:
        if type(child) is Html:
            parts.append(child)
        elif isinstance(child, str):
            parts.append(_escaped_text(child))
        elif child is not None:
            _collect(child, parts)
