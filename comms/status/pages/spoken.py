"""What people wrote, in a page of one language: where it is in another, it says so, to eyes and to machines."""

import re
from collections.abc import Iterable
from itertools import groupby

from comms.status.facts import Said, Text
from comms.status.html import Child, Html, fill, join, tag
from comms.status.words import Words

LONGEST_HEADING = 60
FRENCH_SPACE = re.compile(r" (?=[:;?!»])|(?<=«) ")


def spoken(text: Text, words: Words) -> Html:
    """The text; marked with its language's name when that is not the page's."""
    return join([plain(text, words), [" ", beside] if (beside := mark(text, words)) else None])


def plain(text: Text, words: Words) -> Html:
    """The text without the mark, for where that stands elsewhere."""
    said = text.said_in(words.language)
    if said.language == words.language:
        return join(_set(said.text, said.language))
    return tag("span", _set(said.text, said.language), lang=said.language)


def mark(text: Text, words: Words) -> Html | None:
    """(texte en néerlandais), nothing when the text is in the page's language."""
    said = text.said_in(words.language)
    if not said.text or said.language == words.language:
        return None
    name = words.language_names[said.language]
    return tag("span", "(", words.in_other_language.format(language=name), ")", class_="in")


def name(text: Text, words: Words) -> Html:
    """A name; in another language than the page's it carries that language's code."""
    said = text.said_in(words.language)
    if said.language == words.language:
        return join(said.text)
    title = words.in_other_language.format(language=words.language_names[said.language])
    code = tag("abbr", said.language.upper(), class_="in", title=title)
    return fill("{name} {code}", name=tag("span", said.text, lang=said.language), code=code)


def names(texts: Iterable[Text], words: Words) -> Html:
    return join((name(text, words) for text in texts), between=", ")


def lines(text: Text, words: Words) -> list[Html]:
    """The text's lines, each in its language."""
    said = text.said_in(words.language)
    language = None if said.language == words.language else said.language
    return [tag("span", line, lang=language) for line in _written(said)]


def paragraphs(text: Text, words: Words) -> Child:
    said = text.said_in(words.language)
    language = None if said.language == words.language else said.language
    return [tag("p", line, lang=language) for line in _written(said)]


def prose(text: Text, words: Words, *, heading: str) -> Html:
    """A longer text: what blank lines part are paragraphs; lines that begin with "- " are a list.

    A short line on its own that ends like no sentence is a *heading*, unless nothing follows it.
    """
    said = text.said_in(words.language)
    blocks = [block for block in re.split(r"\n\s*\n", said.text.replace("\r", "").strip()) if block.strip()]
    told = [
        _block(block.strip(), said.language, heading if place < len(blocks) else "p")
        for place, block in enumerate(blocks, start=1)
    ]
    return tag("div", told, lang=None if said.language == words.language else said.language, class_="story")


def _block(block: str, language: str, heading: str) -> Html:
    if "\n" not in block and len(block) <= LONGEST_HEADING and block[-1].isalnum():
        return tag(heading, _set(block, language))
    told: list[Html] = []
    for is_list, found in groupby(block.splitlines(), key=lambda line: line.startswith("- ")):
        rows = (_set(line.removeprefix("- ").strip(), language) for line in found if line.strip())
        told += [tag("ul", (tag("li", row) for row in rows))] if is_list else [tag("p", row) for row in rows]
    return join(told)


def _written(said: Said) -> list[str]:
    return [_set(line.strip(), said.language) for line in said.text.splitlines() if line.strip()]


def _set(text: str, language: str) -> str:
    """French sets a space before some marks at which no line may break; in a hurry people type a plain one."""
    return FRENCH_SPACE.sub("\u00a0", text) if language == "fr" else text
