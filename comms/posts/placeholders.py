"""Texts with places to fill in: {headline}, {time}. A brace that is meant as one is written twice."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter

from django.utils.translation import gettext as _


class PatternError(ValueError):
    """The text is fit for who edits the pattern."""


@dataclass(frozen=True)
class Piece:
    """Some text as it stands, and the name of what follows it, if anything does."""

    text: str
    name: str = ""


def parse(pattern: str, known: Iterable[str]) -> list[Piece]:
    """Raises PatternError for a placeholder that is not one of *known*, and for braces that do not pair."""
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        raise PatternError(
            _("A brace stands alone: write a placeholder as {name}, and a brace as {{ or }}.")
        ) from error
    return list(_pieces(parts, list(known)))


type _Part = tuple[str, str | None, str | None, str | None]


def _pieces(parts: list[_Part], known: list[str]) -> Iterator[Piece]:
    for text, name, form, conversion in parts:
        if name is None:
            yield Piece(text)
        elif name in known and not form and not conversion:
            yield Piece(text, name)
        else:
            wrong = f"{{{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}}}"
            raise PatternError(
                _("There is no placeholder %(wrong)s. There are: %(known)s.")
                % {"wrong": wrong, "known": ", ".join(f"{{{each}}}" for each in known)}
            )


def joined(pieces: Iterable[Piece], values: Mapping[str, str]) -> str:
    return "".join(piece.text + (values[piece.name] if piece.name else "") for piece in pieces)


def filled(pattern: str, values: Mapping[str, str]) -> str:
    """Raises PatternError."""
    return joined(parse(pattern, values), values)
