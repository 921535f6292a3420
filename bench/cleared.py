"""How long the files of a publication take to make while others are cleared away: `python -m bench.cleared [FOLDER]`.

By turns in folders whose publications lie apart on the disk (comms.status.files.spread) and in plain ones; each turn's
are removed at its end, as those of minutes ago are. On ext4 that makes the next ones slow where they lie together.
"""

import shutil
import statistics
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

from comms.status import files
from comms.status.files import Unfinished

TURNS, PUBLICATIONS = 5, 40
INCIDENTS = 25  # pages in four languages, each in a folder of its own
CONTENT = b"x" * 8000


def make(root: Path) -> float:
    """Milliseconds for the files of one publication, without the wait for the disk."""
    began = time.perf_counter()
    unfinished = Unfinished(root, stamp=int(began))
    for language in ("fr", "nl", "de", "en"):
        for number in range(INCIDENTS):
            unfinished.store(f"site/{language}/incidents/{number}/index.html", CONTENT)
    return (time.perf_counter() - began) * 1000


def turn(root: Path, *, apart: bool) -> float:
    taken = []
    with nullcontext() if apart else patch.object(files, "spread"):
        for number in range(PUBLICATIONS):
            taken.append(make(root))
            (root / "unfinished").rename(root / f"{number:08}")
    shutil.rmtree(root)
    return statistics.median(taken)


def main() -> None:
    medians: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory(dir=next(iter(sys.argv[1:]), None)) as folder:
        for number in range(TURNS):
            for apart in (True, False):
                medians[apart].append(turn(Path(folder) / f"{number}-{apart}", apart=apart))
    lying_apart, together = (statistics.median(medians[kind][1:]) for kind in (True, False))
    print(
        f"After others were cleared away: apart {lying_apart:.1f} ms, together {together:.1f} ms: "
        f"{together / lying_apart:.1f} times"
    )


if __name__ == "__main__":
    main()
