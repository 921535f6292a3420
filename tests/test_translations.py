"""Every text of the desk exists in French and in Dutch, those of the pages for anyone in German too,
and the compiled files are those of the translations."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib
import pytest
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.db.models.fields import BLANK_CHOICE_LABEL
from django.utils import translation
from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent
CODE = ("accounts", "incidents", "comms", "tickets", "farmaflux_desk")
# What anyone may read, in four languages: German is not one of the desk's.
PUBLIC = (
    "templates/public/**/*.html",
    "tickets/forms/reports.py",
    "comms/forms/subscribing.py",
    "comms/operations/subscribers.py",
    "comms/channels/mailbox.py",
    "comms/channels/addresses.py",
)
LANGUAGES = ["fr", "nl", "de"]
# The function's name and which of its arguments are texts.
PARTS = {
    "gettext": ("msgid",),
    "ngettext": ("msgid", "plural"),
    "pgettext": ("context", "msgid"),
    "npgettext": ("context", "msgid", "plural"),
}
LITERAL = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
CALL = re.compile(rf"\b(_|n?p?gettext)\(({LITERAL}(?:, ?{LITERAL})*)")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


class Text(NamedTuple):
    msgid: str
    plural: str = ""
    context: str = ""


def named(function: str, arguments: list[str]) -> Text:
    name = function.removesuffix("_lazy").removesuffix("_noop")
    return Text(**dict(zip(PARTS.get(name, PARTS["gettext"]), arguments, strict=False)))


def texts_in_code(source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=function) | ast.Attribute(attr=function), args=[*arguments]) if (
                function == "_" or function.removesuffix("_lazy").removesuffix("_noop") in PARTS
            ):
                constants = [
                    a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)
                ]
                if constants:  # a variable's text stands in gettext_noop where it is written
                    yield named(function, constants)


def texts_in_template(source: str) -> Iterator[Text]:
    for function, arguments in CALL.findall(templatize(source)):
        yield named(function, list(ast.literal_eval(f"({arguments},)")))


def used(language: str) -> set[Text]:
    return public() if language == "de" else all_of_them()


def public() -> set[Text]:
    return {text for pattern in PUBLIC for path in ROOT.glob(pattern) for text in texts_in(path)}


def texts_in(path: Path) -> Iterator[Text]:
    return (texts_in_code if path.suffix == ".py" else texts_in_template)(path.read_text())


def all_of_them() -> set[Text]:
    code = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    templates = [
        path for folder in ("templates", *CODE) for path in (ROOT / folder).rglob("templates/**/*.html")
    ]
    templates += (ROOT / "templates").rglob("*.html")
    return {text for path in (*code, *templates) for text in texts_in(path)}


def catalogue(language: str, ending: str) -> polib.POFile | polib.MOFile:
    path = ROOT / "locale" / language / "LC_MESSAGES" / f"django.{ending}"
    read = polib.pofile if ending == "po" else polib.mofile
    assert path.exists(), f"{path} is missing: run make translations"
    return read(str(path), check_for_duplicates=True)


def translations(entries: polib.POFile | polib.MOFile) -> dict[Text, list[str]]:
    return {
        Text(entry.msgid, entry.msgid_plural, entry.msgctxt or ""): list(entry.msgstr_plural.values())
        or [entry.msgstr]
        for entry in entries
        if isinstance(entry, polib.MOEntry) or entry.translated()
    }


def listed(texts: set[Text]) -> str:
    return "\n".join(sorted(text.msgid for text in texts))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    missing = used(language) - translations(catalogue(language, "po")).keys()

    assert not missing, listed(missing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_belongs_to_a_text(language: str) -> None:
    entries = catalogue(language, "po")
    left_over = {Text(entry.msgid, entry.msgid_plural, entry.msgctxt or "") for entry in entries} - used(
        language
    )

    assert not left_over, listed(left_over)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_fill_in_the_same_values(language: str) -> None:
    wrong = [
        (text.msgid, translation)
        for text, forms in translations(catalogue(language, "po")).items()
        for translation in forms
        if set(PLACEHOLDER.findall(translation)) != set(PLACEHOLDER.findall(text.plural or text.msgid))
    ]

    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_translations_are_those_of_the_source(language: str) -> None:
    compiled = translations(catalogue(language, "mo"))

    assert compiled == translations(catalogue(language, "po")), "run make translations"


def test_texts_are_found_in_code() -> None:
    source = '_("Save")\nngettext_lazy("%(n)d call", "%(n)d calls", "n")\npgettext("to phone", "Call")\nother("No")'

    assert set(texts_in_code(source)) == {
        Text("Save"),
        Text("%(n)d call", "%(n)d calls"),
        Text("Call", context="to phone"),
    }


def test_texts_are_found_in_templates() -> None:
    source = """
        {% load i18n %}{% translate "Late" %} {{ name|default:_("Nobody's") }} {% translate "May" context "month" %}
        {% blocktranslate trimmed with n=due %}
            Due in {{ n }} (minutes)
        {% endblocktranslate %}
        {% blocktranslate count n=calls %}{{ n }} call{% plural %}{{ n }} calls{% endblocktranslate %}
    """

    assert set(texts_in_template(source)) == {
        Text("Late"),
        Text("Nobody's"),
        Text("May", context="month"),
        Text("Due in %(n)s (minutes)"),
        Text("%(n)s call", "%(n)s calls"),
    }


def test_what_django_says_in_a_form_is_dutch_in_dutch() -> None:
    short = MinimumLengthValidator(10)

    with translation.override("nl"):
        assert (str(BLANK_CHOICE_LABEL), short.get_error_message()) == (
            "- Kies -",
            "Dit wachtwoord is te kort. Het moet minstens 10 tekens bevatten.",
        )
