"""Reads a rendered page as a browser without style would."""

import re
from html.parser import HTMLParser

from comms.status.render import render
from tests.comms.status.facts import facts

BLOCKS = ("p", "h1", "h2", "h3", "li", "div", "dt", "dd")


class Read(HTMLParser):
    """What a reader without style sees: the text, and the elements with their attributes."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes something else"
        if tag in BLOCKS:
            self.texts.append(" ")

    def handle_data(self, data: str) -> None:
        if not {"style", "script", "title"} & set(self._open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"[ \n]+", " ", "".join(self.texts))

    def count(self, tag: str) -> int:
        return sum(1 for name, _ in self.elements if name == tag)


def shown(page: str = "fr/index.html", *incidents: object, **fields: object) -> Read:
    return Read(render(facts(*incidents, **fields))[page])  # type: ignore[arg-type]
