"""The icons that go inline. Shapes differ, so that no colour is needed to tell them apart; 16 by 16, currentColor."""

import re
from functools import cache
from pathlib import Path

from comms.status.html import Html, join, tag

SPRITE = Path(__file__).with_name("sprite.svg").read_text()
SYMBOLS = {
    found[1]: Html(found[0]) for found in re.finditer(r'<symbol id="i-(\w+)".*?</symbol>', SPRITE, re.DOTALL)
}
USED = re.compile(r'"#i-(\w+)"')


@cache
def icon(name: str) -> Html:
    """Decoration: the word beside it says the same."""
    return tag("svg", tag("use", href=f"#i-{name}"), class_="i", width=16, height=16, aria_hidden="true")


def sprite(page: Html) -> Html:
    """The symbols that *page* uses, to stand before them."""
    used = set(USED.findall(page))
    symbols = (symbol for name, symbol in SYMBOLS.items() if name in used)
    return tag("svg", join(symbols), class_="spr", width=0, height=0, aria_hidden="true")
