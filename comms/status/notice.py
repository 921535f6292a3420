"""What the night shift puts on every page by hand, with nothing working but the folder of the site.

notice.json        the notice that stands
notices.jsonl      each one put up or taken down, for the timeline once there is a database again
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from comms.status.facts import Text
from comms.status.html import Html
from comms.status.pages.frame import NOTICE_BEGINS, NOTICE_ENDS

STANDING, HISTORY = "notice.json", "notices.jsonl"
PLACE = re.compile(f"{NOTICE_BEGINS}.*?{NOTICE_ENDS}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Change:
    """A notice put up; or taken down, and then its texts are empty."""

    key: str
    at: str
    texts: Mapping[str, str]


def standing(root: Path) -> Text | None:
    """The notice that stands; None where none does, or the disk spoilt it."""
    try:
        return Text(**json.loads((root / STANDING).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def put(root: Path, text: Text | None, *, at: datetime) -> None:
    """Keep *text* as the notice that stands, None to take it down, and remember that it was done."""
    texts = asdict(text) if text else {}
    root.mkdir(parents=True, exist_ok=True)
    change = Change(
        str(uuid.uuid4()), at.isoformat(), {language: told for language, told in texts.items() if told}
    )
    with (root / HISTORY).open("a") as history:
        history.write(json.dumps(asdict(change), ensure_ascii=False) + "\n")
    if text:
        unfinished = root / f"{STANDING}.unfinished"
        unfinished.write_text(json.dumps(texts, ensure_ascii=False))
        unfinished.rename(root / STANDING)
    else:
        (root / STANDING).unlink(missing_ok=True)


def changes(root: Path) -> Iterator[Change]:
    """All that was ever put up or taken down, in order; a line that a crash left half is passed over."""
    try:
        lines = (root / HISTORY).read_text().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield Change(**json.loads(line))
        except (ValueError, TypeError):
            continue


def on(page: bytes, notice: Html) -> bytes:
    """*page*, of whatever age, with *notice* in its place."""
    return PLACE.sub(lambda _found: notice, page.decode(), count=1).encode()
