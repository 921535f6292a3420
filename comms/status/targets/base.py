"""What another place of the status site must be able to do, and what is known of it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from textwrap import shorten
from typing import Protocol

from comms.status.files import alone
from comms.status.publish import Publication, published

FOLDER = "targets"  # in the site's root: the state of each target, there when the database is not
LONGEST = 200  # characters of a reason: it stands in a table
# The folder of the site was lost and begun anew, or this is not the desk that the place belongs to.
NEWER = (
    "It shows publication {number}, ours is {ours}: manage.py publish_status --above {number} goes past it"
)


class TargetError(Exception):
    """Why a publication did not arrive, fit for a person."""


class Target(Protocol):
    """A place that follows the site. It never shows an older publication after a newer one."""

    @property
    def key(self) -> str:
        """Short and stable: names the state's file."""
        ...

    @property
    def place(self) -> str:
        """For a person, without secrets."""
        ...

    def push(self, root: Path, publication: Publication) -> int:
        """Show *publication* of the site at *root*, or leave what is newer; returns the number shown then.

        Whole or not at all where the place can do that. Raises TargetError; trying again goes on where it stopped.
        """
        ...


@dataclass(frozen=True, slots=True)
class State:
    """number: of the publication it shows, 0 before the first; failing_since: of the first try that failed since."""

    number: int = 0
    at: str = ""
    failing_since: str = ""
    error: str = ""


def state(root: Path, key: str) -> State:
    try:
        return State(**json.loads((root / FOLDER / f"{key}.json").read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return State()


def keep(root: Path, key: str, known: State) -> None:
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{key}.unfinished"
    unfinished.write_text(json.dumps(asdict(known)))
    unfinished.rename(folder / f"{key}.json")


def follow(target: Target, root: Path, at: datetime) -> State:
    """Push what *root* shows where the target is behind, and keep what became of it. Never raises what the target does.

    One follower of a target at a time, whatever the process; another one leaves it to the first.
    """
    with alone(root / FOLDER / f"{target.key}.lock", wait=False) as mine:
        before, shown = state(root, target.key), published(root)
        if not mine or shown is None or (before.number >= shown.number and not before.error):
            return before
        try:
            number, error = target.push(root, shown), ""
        except TargetError as failure:
            number, error = before.number, str(failure)
        if number > shown.number:
            error = NEWER.format(number=number, ours=shown.number)
        after = State(number, at.isoformat())
        if error:
            after = State(number, before.at, before.failing_since or at.isoformat(), shorten(error, LONGEST))
        keep(root, target.key, after)
        return after


def files_of(root: Path, publication: Publication) -> Iterator[tuple[str, Path]]:
    """Every file of the site with its name, those of the archive too; what the publication has itself wins."""
    folder = root / f"{publication.number:08}" / "site"
    for name in publication.files:
        yield name, folder / name
    if publication.archive:
        archived = root / "archive" / f"{publication.archive:08}" / "site"
        for path in sorted(archived.rglob("*")):
            name = str(path.relative_to(archived))
            if path.is_file() and name not in publication.files:
                yield name, path
