"""What must be right before a message may be published, and what should make its writer look twice.

Pure: `findings` judges a `Message`, which `of_update` makes from a draft.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from ipaddress import ip_address
from typing import Literal
from zoneinfo import ZoneInfo

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.composed import prefetch
from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from comms import rows
from comms.models import Update
from incidents.models import Incident, Phase, ServiceStatus
from incidents.operations.sense import cannot_be_kept
from incidents.personal_data import emails, national_numbers, phone_numbers

BRUSSELS = ZoneInfo("Europe/Brussels")
LONGEST_INSTRUCTION = 42  # one line on a phone of 390 px (look/status)
MOST_DO, MOST_DONT = 3, 2
FURTHEST = timedelta(hours=24)

# Words that promise without saying when; compared without accents and case, as whole words, over line ends.
VAGUE = {
    "fr": (
        "bientôt",
        "prochainement",
        "sous peu",
        "d’ici peu",
        "dès que possible",
        "au plus vite",
        "incessamment",
        "dans les meilleurs délais",
        "dans les plus brefs délais",
        "asap",
    ),
    "nl": (
        "binnenkort",
        "weldra",
        "spoedig",
        "zo snel mogelijk",
        "zo snel als mogelijk",
        "zo spoedig mogelijk",
        "op korte termijn",
        "asap",
    ),
    "de": (
        "bald",
        "demnächst",
        "in kürze",
        "so schnell wie möglich",
        "so bald wie möglich",
        "sobald wie möglich",
        "baldmöglichst",
        "schnellstmöglich",
        "asap",
    ),
    "en": ("soon", "shortly", "as soon as possible", "in due course", "asap"),
}
# Frequent little words that one of our languages has and the others do not.
MARKERS = {
    language: frozenset(words.split())
    for language, words in {
        "fr": "le la les du est et sont vous nous votre vos nos une pas ne dans aux avec pour qui ce",
        "nl": "het een niet zijn voor van bij uw wordt worden werkt werken wij ons onze met op te",
        "de": "der das und nicht wir ist sie eine keine ihre mit dem den auf für wird werden",
        "en": "the and not your are you with our this of to from it has have will",
    }.items()
}
LEAST_MARKERS = 3  # fewer leave a doubt
ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?![\w:])", re.IGNORECASE
)
SERVER = re.compile(
    r"\b(?:srv|server|host|node|vm|db|sql|web|app|esx|prd|prod|acc)[-_]?[a-z]*[-_]?\d{1,4}\b"
    r"|\b[a-z0-9-]+\.(?:local|lan|intern|internal|corp)\b",
    re.IGNORECASE,
)
CLOCK = re.compile(r"\b([01]?\d|2[0-3])\s?[:hu.]\s?([0-5]\d)\b", re.IGNORECASE)
HOUR = re.compile(r"\b([01]?\d|2[0-3])\s?(?:h|heures?|u|uur|uhr)\b(?!\s?\d)", re.IGNORECASE)
# A number that counts something: 300, 1 204, 1.204; also 1er and 1ste, but not the 19 of covid-19 or v19.
NUMBER = re.compile(
    r"(?<![\w.,:/-])\d{1,3}(?:[ .\u00a0\u202f]\d{3})+(?!\d)|(?<![\w.,:/-])\d+(?=\b|er\b|e\b|ste\b|de\b)"
)

Level = Literal["block", "warn", "ok"]


@dataclass(frozen=True)
class Text:
    headline: str = ""
    title: str = ""
    body: str = ""
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()
    patient: str = ""

    @property
    def parts(self) -> dict[str, str]:
        """By the name of the form's field."""
        return {
            "headline": self.headline,
            "title": self.title,
            "body": self.body,
            "do": "\n".join(self.do),
            "dont": "\n".join(self.dont),
            "patient": self.patient,
        }

    @property
    def whole(self) -> str:
        return "\n".join(part for part in self.parts.values() if part)


@dataclass(frozen=True)
class Message:
    """A draft as the checks see it; *statuses* by the service's key, *last*: what the last message said."""

    phase: str
    next_update_at: datetime | None
    statuses: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Text] = field(default_factory=dict)
    valid_until: datetime | None = None
    last: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """*field* is the form's field it belongs beside ("body_nl", "next_update_at"), empty for the whole."""

    code: str
    level: Level
    message: str
    field: str = ""
    language: str = ""
    word: str = ""


def of_update(update: Update) -> Message:
    """Of its texts and services reads what is not prefetched. What the last message said, which only warns, is left
    out: `last_texts` asks for it.
    """
    prefetch([update], rows.TEXTS, rows.SERVICES)
    return Message(
        phase=update.phase,
        next_update_at=update.next_update_at,
        statuses={row.service.key: row.status for row in update.services.all()},
        texts=_texts_of(update),
        valid_until=update.valid_until,
    )


def last_texts(incident: Incident) -> dict[str, Text]:
    """By language, what the last message published about *incident* says."""
    last = rows.last_standing.first(incident=incident.pk)
    return _texts_of(last) if last else {}


def _texts_of(update: Update) -> dict[str, Text]:
    return {
        text.language: Text(
            text.headline,
            text.title,
            text.body,
            tuple(text.do_lines),
            tuple(text.dont_lines),
            text.patient,
        )
        for text in update.texts.all()
    }


def findings(message: Message, at: datetime) -> list[Finding]:
    """Every check's verdict, what blocks first; a check that found nothing says so with level "ok"."""
    found: list[Finding] = []
    for code, good, check in (
        ("languages", _("French and Dutch are complete"), _languages(message)),
        ("next_update", _("The time of the next message is given"), _next_update(message, at)),
        ("valid_until", _("What to do holds until the next message"), _valid_until(message, at)),
        ("services", _("Services and their status are given"), _services(message)),
        ("server_name", _("No server name or address"), _each(message, _server_names)),
        ("vague_promise", _("No vague promise"), _each(message, _vague_promises)),
        ("personal_data", _("No personal data"), _each(message, _personal_data)),
        (
            "wrong_language",
            _("Each text is in its language"),
            [*_each(message, _unreadable), *_wrong_language(message)],
        ),
        ("lengths", _("Instructions fit on one line"), _each(message, _lengths)),
        ("same_facts", _("The languages name the same times"), _same_facts(message)),
        ("translations", _("All four languages are there"), _translations(message)),
    ):
        verdicts = list(check)
        found += verdicts or [Finding(code, "ok", good)]
    order = {"block": 0, "warn": 1, "ok": 2}
    return sorted(found, key=lambda finding: order[finding.level])


def blocking(message: Message, at: datetime) -> list[Finding]:
    return [finding for finding in findings(message, at) if finding.level == "block"]


def _languages(message: Message) -> Iterator[Finding]:
    for language in REQUIRED_PUBLIC_LANGUAGES:
        text = message.texts.get(language, Text())
        missing = {"headline": text.headline, "title": text.title, "body": text.body}
        for name, value in missing.items():
            if not value.strip():
                yield Finding(
                    "languages",
                    "block",
                    _("Missing in %(language)s: %(part)s")
                    % {"language": _language_name(language), "part": part_name(name)},
                    f"{name}_{language}",
                    language,
                )


def _translations(message: Message) -> Iterator[Finding]:
    """The languages that may be missing: are they, or do they still say what the last message said?"""
    for language in Language:
        if language in REQUIRED_PUBLIC_LANGUAGES:
            continue
        text = message.texts.get(language, Text())
        if not text.body.strip():
            said = _("Not in %(language)s: its page will show the French text, marked as such.")
        elif _is_of_the_last_message(message, language):
            said = _("The text in %(language)s is still that of the last message.")
        else:
            continue
        yield Finding(
            "translations",
            "warn",
            said % {"language": _language_name(language)},
            f"body_{language}",
            language,
        )


def _is_of_the_last_message(message: Message, language: str) -> bool:
    def unchanged(language: str) -> bool:
        return message.texts.get(language, Text()).body == message.last.get(language, Text()).body

    return unchanged(language) and not unchanged(Language.FR)


def _next_update(message: Message, at: datetime) -> Iterator[Finding]:
    promised, place = message.next_update_at, "next_update_at"
    if message.phase == Phase.RESOLVED:
        return
    if promised is None:
        yield Finding("next_update", "block", _("Say when the next message comes."), place)
    elif promised <= at:
        yield Finding(
            "next_update", "block", _("The next message is promised for a time that has passed."), place
        )
    elif promised > at + FURTHEST:
        yield Finding("next_update", "block", _("The next message is more than a day away."), place)
    else:
        clock = f"{promised.astimezone(BRUSSELS):%H:%M}"
        for language, text in message.texts.items():
            times = _times(text.body)
            if times and clock not in times:
                yield Finding(
                    "next_update",
                    "warn",
                    _("The text in %(language)s does not name %(time)s, the time of the next message.")
                    % {"language": _language_name(language), "time": clock},
                    f"body_{language}",
                    language,
                )


def _valid_until(message: Message, at: datetime) -> Iterator[Finding]:
    until, promised = message.valid_until, message.next_update_at
    if until is None:
        return
    clock = f"{until.astimezone(BRUSSELS):%H:%M}"
    if until <= at:
        said = _("What to do held until %(time)s: that has passed.") % {"time": clock}
        yield Finding("valid_until", "block", said, "valid_until")
    elif promised and until < promised:
        said = _("What to do holds until %(time)s, which passes before the next message.") % {"time": clock}
        yield Finding("valid_until", "warn", said, "valid_until")


def _services(message: Message) -> Iterator[Finding]:
    if not message.statuses:
        yield Finding("services", "block", _("Name the services, whether they work or not."), "services")
    elif message.phase == Phase.RESOLVED:
        broken = [key for key, status in message.statuses.items() if status != ServiceStatus.OPERATIONAL]
        if broken:
            yield Finding(
                "services", "block", _("Resolved, but a service is still marked as disturbed."), "services"
            )
    elif all(status == ServiceStatus.OPERATIONAL for status in message.statuses.values()):
        yield Finding("services", "warn", _("Every service works: is the incident not resolved?"), "services")


type _Check = Callable[[str, str, str], Iterator[Finding]]


def _each(message: Message, check: _Check) -> Iterator[Finding]:
    for language, text in message.texts.items():
        for name, value in text.parts.items():
            if value:
                yield from _verdicts(check, value, name, language, get_language())


@lru_cache(maxsize=1000)
def _verdicts(
    check: _Check, value: str, name: str, language: str, _reader: str | None
) -> tuple[Finding, ...]:
    """Who writes has them told at each pause, and again when she publishes: a text says the same as before."""
    return tuple(check(value, name, language))


def _server_names(value: str, name: str, language: str) -> Iterator[Finding]:
    found = [match[0] for match in ADDRESS.finditer(value) if _is_address(match[0])]
    for word in found + [match[0] for match in SERVER.finditer(value)]:
        yield _blocked(
            "server_name",
            _("“%(word)s” names a server or an address: say what pharmacists notice."),
            word,
            name,
            language,
        )


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return word != "::"


@cache
def _vague(language: str) -> list[re.Pattern[str]]:
    phrases = [_plain(promise)[0].split() for promise in VAGUE.get(language, ())]
    return [re.compile(rf"(?<!as )\b{r'\s+'.join(map(re.escape, words))}\b") for words in phrases]


def _vague_promises(value: str, name: str, language: str) -> Iterator[Finding]:
    plain, places = _plain(value)
    for promise in _vague(language):
        if found := promise.search(plain):
            yield _blocked(
                "vague_promise",
                _("“%(word)s” does not say when. Give a time, or take the phrase out."),
                value[places[found.start()] : places[found.end() - 1] + 1],
                name,
                language,
            )


def _personal_data(value: str, name: str, language: str) -> Iterator[Finding]:
    for message, spans in (
        (_("“%(word)s” looks like a national number."), national_numbers(value)),
        (_("“%(word)s” is an e-mail address: the public needs none."), emails(value)),
        (_("“%(word)s” is a telephone number: the public needs none."), phone_numbers(value)),
    ):
        for start, end in spans:
            yield _blocked("personal_data", message, value[start:end], name, language)


def _blocked(code: str, message: str, word: str, name: str, language: str) -> Finding:
    return Finding(code, "block", message % {"word": word}, f"{name}_{language}", language, word)


def _unreadable(value: str, name: str, language: str) -> Iterator[Finding]:
    """What was copied from elsewhere in another encoding."""
    for word in re.findall(r"[^ \t\r\n]+", value):
        if any(map(cannot_be_kept, word)):
            yield _blocked(
                "unreadable",
                _("“%(word)s” holds a character that nobody can read: write it anew."),
                word,
                name,
                language,
            )


def _wrong_language(message: Message) -> Iterator[Finding]:
    for language, text in message.texts.items():
        for name, value in text.parts.items():
            guess = _guess(value)
            if guess and guess != language:
                yield Finding(
                    "wrong_language",
                    "block",
                    _("The %(part)s in %(language)s reads as %(guess)s.")
                    % {
                        "part": part_name(name),
                        "language": _language_name(language),
                        "guess": _language_name(guess),
                    },
                    f"{name}_{language}",
                    language,
                )


@lru_cache(maxsize=200)
def _guess(text: str) -> str:
    """The language of *text* where its little words leave no doubt, else empty."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    counts = {language: sum(word in markers for word in words) for language, markers in MARKERS.items()}
    best, second = sorted(counts.values(), reverse=True)[:2]
    if best < LEAST_MARKERS or best < 2 * second + 1:
        return ""
    return max(counts, key=lambda language: counts[language])


def _lengths(value: str, name: str, language: str) -> Iterator[Finding]:
    most = {"do": MOST_DO, "dont": MOST_DONT}.get(name)
    if most is None:
        return
    lines = value.splitlines()
    if len(lines) > most:
        yield Finding(
            "lengths",
            "block",
            _("At most %(most)d lines here, not %(given)d.") % {"most": most, "given": len(lines)},
            f"{name}_{language}",
            language,
        )
    for line in lines:
        if len(line) > LONGEST_INSTRUCTION:
            yield Finding(
                "lengths",
                "warn",
                _("“%(line)s…” takes two lines on a phone: %(given)d characters, %(most)d fit.")
                % {"line": line[:20], "given": len(line), "most": LONGEST_INSTRUCTION},
                f"{name}_{language}",
                language,
            )


def _same_facts(message: Message) -> Iterator[Finding]:
    french = message.texts.get(Language.FR, Text()).whole
    for language, text in message.texts.items():
        if language == Language.FR or not text.body.strip():
            continue
        for facts, said in (
            (_moments, _("French and %(language)s do not name the same times: %(facts)s.")),
            (_numbers, _("French and %(language)s do not name the same numbers: %(facts)s.")),
        ):
            if differing := facts(french) ^ facts(text.whole):
                named = {"language": _language_name(language), "facts": ", ".join(sorted(differing))}
                yield Finding("same_facts", "warn", said % named, f"body_{language}", language)


def _times(text: str) -> set[str]:
    return {f"{int(hour):02d}:{minute}" for hour, minute in CLOCK.findall(text)}


@lru_cache(maxsize=100)
def _moments(text: str) -> frozenset[str]:
    """Times of day, full hours too: 22 h, 22 uur, 22 Uhr."""
    return frozenset(_times(text)) | {f"{int(hour):02d}:00" for hour in HOUR.findall(CLOCK.sub(" ", text))}


@lru_cache(maxsize=100)
def _numbers(text: str) -> frozenset[str]:
    """What is counted, without the thousands' separators; no times of day."""
    rest = HOUR.sub(" ", CLOCK.sub(" ", text))
    return frozenset(re.sub(r"\D", "", number) for number in NUMBER.findall(rest))


def _plain(text: str) -> tuple[str, list[int]]:
    """*text* in small letters without accents, and where in *text* each of its characters comes from."""
    plain = [
        (character, place)
        for place, original in enumerate(text)
        for character in unicodedata.normalize("NFKD", original.lower()).replace("’", "'")
        if not unicodedata.combining(character)
    ]
    return "".join(character for character, _place in plain), [place for _character, place in plain]


def _language_name(language: str) -> str:
    """As it stands inside a sentence."""
    return {
        "fr": pgettext("in a sentence", "French"),
        "nl": pgettext("in a sentence", "Dutch"),
        "de": pgettext("in a sentence", "German"),
        "en": pgettext("in a sentence", "English"),
    }[language]


def part_name(name: str) -> str:
    return {
        "headline": _("headline"),
        "title": _("title"),
        "body": _("text"),
        "do": _("to do"),
        "dont": _("not to do"),
        "patient": _("to tell the patient"),
    }[name]
