"""Publishing by two checkouts in turns, message by message: `python -m bench.turns ../before`.

Each with a desk and a database of its own beside 500 past incidents, this one and the one that is named, by the Python
of its own .venv where it has one. What a machine does meanwhile, it does to both: the ratio holds where medians of two
runs, minutes apart, do not. On PostgreSQL through `python -m tests.servers --durable`.
"""

import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.history import MESSAGES
from bench.publish import HERE, PATIENCE, PORT, desk, next_incident, once, sign_in

PAST, INCIDENTS = 500, 16  # the first incident is not counted


@dataclass
class Side:
    checkout: Path
    environment: dict[str, str]
    client: httpx.Client
    reader: httpx.Client
    taken: list[float] = field(default_factory=list)
    """Milliseconds from the click to the page, of each message."""


def main() -> None:
    database = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        sides = [
            side(stack, Path(folder) / str(place), checkout, PORT + place)
            for place, checkout in enumerate((HERE, Path(sys.argv[1]).resolve()))
        ]
        for number in range(INCIDENTS):
            publish_in_turns(sides, number)
    here, there = ([*side.taken[MESSAGES:]] for side in sides)
    ratio = statistics.median(ours / theirs for ours, theirs in zip(here, there, strict=True))
    print(
        f"{database}: {ratio:.2f} times as long as there, "
        f"{statistics.median(here):.1f} beside {statistics.median(there):.1f} ms, {len(here)} messages each"
    )


def side(stack: ExitStack, folder: Path, checkout: Path, port: int) -> Side:
    environment = stack.enter_context(desk(folder, PAST, checkout=checkout, port=port))
    client, reader = (
        stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE))
        for _ in range(2)
    )
    sign_in(client)
    return Side(checkout, environment, client, reader)


def publish_in_turns(sides: list[Side], number: int) -> None:
    """The messages of an incident each; who goes first changes."""
    ids = [next_incident(side.client, side.environment, side.checkout) for side in sides]
    for each in range(MESSAGES):
        order = [*zip(sides, ids, strict=True)]
        for side, public_id in order if each % 2 else reversed(order):
            side.taken.append(once(side.client, side.reader, public_id, f"Mesure {number} {each}"))


if __name__ == "__main__":
    main()
