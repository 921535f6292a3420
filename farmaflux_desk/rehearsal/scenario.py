"""Scenario files: what arrives during an exercise, and when. Read from YAML; what is wrong is said line by line.

    title: {fr: Panne du soir, nl: Storing in de avond}      # French and Dutch required, German and English may follow
    severity: S1
    services: {certificates: major_outage}                   # the desk's keys and statuses
    begins: "18:00"                                          # the scenario's own clock, to which every `at` belongs
    events:
      - {at: "18:00", signal: {fr: Plus rien ne passe., nl: Er gaat niets meer door.}}
      - {at: "18:10", partner: sciensano, says: "Nous ne recevons plus rien."}
      - {at: "18:12", call: "Attend un certificat.", language: fr, caller: "Pharmacie X", waiting: true,
         service: certificates, callback: "02 555 12 12"}
      - {at: "18:00", until: "18:15", calls: 9, notes: ["Rien ne passe.", "Est-ce chez moi ?"]}

A text is one for all, or one for each language. Nothing here reads or writes the database.
"""

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import time
from typing import Any, Self

import yaml
from django.utils.translation import gettext as _

from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from accounts.refusals import Refused
from incidents.models import Incident, ServiceStatus, Severity
from incidents.personal_data import mask_national_numbers
from incidents.timeline import LONGEST_TEXT
from tickets import phone

MOST_BYTES = 200_000
MOST_EVENTS = 2_000
LONGEST = 24 * 3600  # seconds
LONGEST_NUMBER = 40
LONGEST_NOTE = 500  # characters, as a contact's
LONGEST_TITLE: int = Incident._meta.get_field("title_fr").max_length or 0
KINDS = ("signal", "partner", "call", "calls")
FIELDS: dict[str, tuple[str, ...]] = {
    "signal": ("at", "signal"),
    "partner": ("at", "partner", "says"),
    "call": ("at", "call", "language", "caller", "service", "waiting", "callback"),
    "calls": ("at", "calls", "until", "notes", "language", "service"),
}
HEAD = ("title", "severity", "services", "begins", "events")


@dataclass(frozen=True)
class Problem:
    """*line* counts from 1."""

    line: int
    message: str

    def __str__(self) -> str:
        return _("Line %(line)d: %(message)s") % {"line": self.line, "message": self.message}


class Unreadable(Exception):
    """The file is no scenario; *problems* in the order of its lines, at least one."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = sorted(problems, key=lambda problem: problem.line)


@dataclass(frozen=True)
class Arrival:
    """Something that arrives *after* so many seconds of the scenario's time: a signal, a partner's message, a call."""

    after: int
    kind: str
    texts: dict[str, str]
    partner: str = ""
    language: str = ""
    caller: str = ""
    service: str = ""
    waiting: bool = False
    callback: str = ""


@dataclass(frozen=True)
class Scenario:
    titles: dict[str, str]
    severity: str
    services: dict[str, str]
    begins: str
    arrivals: list[Arrival] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{**stored, "arrivals": [Arrival(**row) for row in stored["arrivals"]]})


def read(text: str, *, services: Collection[str], partners: Collection[str]) -> Scenario:
    """The scenario in *text*; *services* and *partners* are the keys the desk knows. Raises Unreadable."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise Unreadable([Problem(line, _("This is not YAML: %(why)s") % {"why": error.problem})]) from error
    except (
        yaml.YAMLError,
        ValueError,
        OverflowError,
    ) as error:  # characters, and escapes of some, that no text has
        raise Unreadable([Problem(1, _("This holds characters that no text has."))]) from error
    except RecursionError as error:
        raise Unreadable(
            [Problem(1, _("A scenario begins with title, severity, services, begins and events."))]
        ) from error
    reader = _Reader(services, partners)
    scenario = reader.scenario(root)
    if reader.problems or scenario is None:
        raise Unreadable(reader.problems)
    return scenario


class _Reader:
    """Notes every problem and goes on, so that a file is put right in one go."""

    def __init__(self, services: Collection[str], partners: Collection[str]) -> None:
        self.services = services
        self.partners = partners
        self.problems: list[Problem] = []
        self.begins = 0

    def scenario(self, root: yaml.Node | None) -> Scenario | None:
        if not isinstance(root, yaml.MappingNode):
            self._say(root, _("A scenario begins with title, severity, services, begins and events."))
            return None
        head = self._fields(root, HEAD, required=HEAD)
        titles = self._titles(head.get("title"))
        severity = self._one_of(head.get("severity"), Severity.values)
        touched = self._touched(head.get("services"))
        begins = self._clock(head.get("begins")) if "begins" in head else None
        self.begins = begins or 0
        arrivals = list(self._events(head.get("events")))
        if len(arrivals) > MOST_EVENTS:
            self._say(head.get("events"), _("At most %(n)d events.") % {"n": MOST_EVENTS})
        if begins is None:
            return None
        return Scenario(
            titles, severity, touched, f"{begins // 3600:02}:{begins // 60 % 60:02}", _in_order(arrivals)
        )

    # -- parts

    def _titles(self, node: yaml.Node | None) -> dict[str, str]:
        texts = self._texts(node, most=LONGEST_TITLE) if node else {}
        if node and not isinstance(node, yaml.MappingNode):
            self._say(node, _("Give the title in French and in Dutch."))
        for language in REQUIRED_PUBLIC_LANGUAGES:
            if isinstance(node, yaml.MappingNode) and not texts.get(language):
                self._say(
                    node, _("The title is missing in %(language)s.") % {"language": Language(language).label}
                )
        return texts

    def _touched(self, node: yaml.Node | None) -> dict[str, str]:
        touched = {}
        for key, value in self._pairs(node):
            name = self._word(key)
            if name not in self.services:
                self._say(key, _("No service of this desk has the key “%(key)s”.") % {"key": name[:60]})
            broken = [status.value for status in ServiceStatus if status != ServiceStatus.OPERATIONAL]
            touched[name] = self._one_of(value, broken)
        if isinstance(node, yaml.MappingNode) and not touched:
            self._say(node, _("Say which service is touched, and how."))
        return touched

    def _events(self, node: yaml.Node | None) -> Iterator[Arrival]:
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self._say(node, _("The events are a list with at least one."))
            return
        for event in node.value:
            yield from self._event(event)

    def _event(self, node: yaml.Node) -> Iterator[Arrival]:
        if not isinstance(node, yaml.MappingNode):
            self._say(node, _("An event says when (at) and what: signal, partner, call or calls."))
            return
        names = {self._word(key) for key, _value in node.value}
        kinds = [kind for kind in KINDS if kind in names]
        if len(kinds) != 1:
            self._say(node, _("An event is one of these: signal, partner, call or calls."))
            return
        kind = kinds[0]
        required = {"signal": ("at",), "partner": ("at", "says"), "call": ("at",), "calls": ("at", "until")}
        fields = self._fields(node, FIELDS[kind], required=required[kind])
        after = self._after(fields.get("at"))
        if after is None:
            return
        yield from getattr(self, f"_{kind}")(after, fields)

    def _signal(self, after: int, fields: Mapping[str, yaml.Node]) -> Iterator[Arrival]:
        yield Arrival(after, "signal", self._texts(fields["signal"], most=LONGEST_TEXT))

    def _partner(self, after: int, fields: Mapping[str, yaml.Node]) -> Iterator[Arrival]:
        partner = self._word(fields["partner"])
        if partner not in self.partners:
            self._say(
                fields["partner"], _("No partner of this desk has the key “%(key)s”.") % {"key": partner[:60]}
            )
        texts = self._texts(fields["says"], most=LONGEST_TEXT) if "says" in fields else {}
        yield Arrival(after, "partner", texts, partner=partner)

    def _call(self, after: int, fields: Mapping[str, yaml.Node]) -> Iterator[Arrival]:
        callback = self._word(fields["callback"]) if "callback" in fields else ""
        if "callback" in fields:
            self._check_number(fields["callback"], callback)
        caller = self._word(fields["caller"]) if "caller" in fields else ""
        if len(caller) > 120:
            self._say(fields["caller"], _("At most %(n)d characters.") % {"n": 120})
        yield Arrival(
            after,
            "call",
            self._texts(fields["call"], most=LONGEST_NOTE),
            language=self._language(fields),
            caller=caller,
            service=self._service(fields),
            waiting=self._yes(fields.get("waiting")),
            callback=callback,
        )

    def _calls(self, after: int, fields: Mapping[str, yaml.Node]) -> Iterator[Arrival]:
        """So many calls, spread evenly up to `until`, their notes taken in turn."""
        word, until = self._word(fields["calls"]), self._after(fields.get("until"))
        if not (word.isascii() and word.isdecimal() and 1 <= int(word[:4]) <= 500 and len(word) < 4):
            self._say(fields["calls"], _("Between 1 and 500 calls."))
            return
        if until is None:
            return
        if until <= after:
            self._say(fields["until"], _("This is not later than its “at”."))
            return
        notes = [self._texts(note, most=LONGEST_NOTE) for note in self._items(fields.get("notes"))] or [{}]
        language, service, count = self._language(fields), self._service(fields), int(word)
        for n in range(count):
            moment = after + int((until - after) * (n + 0.5) / count)
            yield Arrival(moment, "call", notes[n % len(notes)], language=language, service=service)

    # -- values

    def _check_number(self, node: yaml.Node, number: str) -> None:
        try:
            if len(number) > LONGEST_NUMBER or phone.is_premium(phone.parse(number).e164):
                self._say(node, _("This is not a number that we would call back."))
        except Refused as refusal:
            self._say(node, refusal.message)

    def _language(self, fields: Mapping[str, yaml.Node]) -> str:
        return self._one_of(fields["language"], Language.values) if "language" in fields else ""

    def _service(self, fields: Mapping[str, yaml.Node]) -> str:
        if "service" not in fields:
            return ""
        key = self._word(fields["service"])
        if key not in self.services:
            self._say(
                fields["service"], _("No service of this desk has the key “%(key)s”.") % {"key": key[:60]}
            )
        return key

    def _yes(self, node: yaml.Node | None) -> bool:
        word = self._word(node) if node else "false"
        if word not in ("true", "false"):
            self._say(node, _("Write true or false."))
        return word == "true"

    def _one_of(self, node: yaml.Node | None, allowed: Collection[str]) -> str:
        word = self._word(node) if node else ""
        if node and word not in allowed:
            words = {"word": word[:60], "allowed": ", ".join(allowed)}
            self._say(node, _("“%(word)s” is none of these: %(allowed)s.") % words)
        return word

    def _texts(self, node: yaml.Node, *, most: int) -> dict[str, str]:
        """By language; a text for all under "fr", which stands in where one is missing."""
        if isinstance(node, yaml.MappingNode):
            texts = {
                self._one_of(key, Language.values): self._text(value, most)
                for key, value in self._pairs(node)
            }
            if not texts.get("fr"):
                texts = {"fr": next(iter(texts.values()), ""), **texts}
        else:
            texts = {"fr": self._text(node, most)}
        return texts

    def _text(self, node: yaml.Node, most: int) -> str:
        text, _masked = mask_national_numbers(self._word(node).strip())
        if not text:
            self._say(node, _("A text is missing here."))
        if len(text) > most:
            self._say(node, _("At most %(n)d characters.") % {"n": most})
        return text

    def _after(self, node: yaml.Node | None) -> int | None:
        """Seconds since the scenario begins."""
        moment = self._clock(node) if node else None
        if moment is None:
            return None
        if moment < self.begins:
            self._say(node, _("This is before the scenario begins."))
            return None
        return moment - self.begins

    def _clock(self, node: yaml.Node | None) -> int | None:
        """Seconds since midnight."""
        word = self._word(node)
        try:
            moment = time.fromisoformat(word)
        except ValueError:
            moment = None
        if moment is None or len(word) not in (5, 8) or moment.tzinfo:
            self._say(node, _('Give a time of day in quotes, as in "13:30".'))
            return None
        return moment.hour * 3600 + moment.minute * 60 + moment.second

    def _word(self, node: yaml.Node | None) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._say(node, _("A single value belongs here."))
            return ""
        if any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\t\r\n" for one in node.value):
            self._say(node, _("This holds characters that no text has."))
        return str(node.value)

    def _items(self, node: yaml.Node | None) -> list[yaml.Node]:
        if node is not None and not isinstance(node, yaml.SequenceNode):
            self._say(node, _("A list belongs here."))
            return []
        return list(node.value) if node is not None else []

    def _pairs(self, node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
        if node is not None and not isinstance(node, yaml.MappingNode):
            self._say(node, _("Names and their values belong here."))
            return []
        return list(node.value) if node is not None else []

    def _fields(
        self, node: yaml.MappingNode, allowed: Collection[str], *, required: Collection[str]
    ) -> dict[str, yaml.Node]:
        fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self._word(key)
            if name not in allowed:
                words = {"name": name[:60], "allowed": ", ".join(allowed)}
                self._say(key, _("“%(name)s” is none of these: %(allowed)s.") % words)
            elif name in fields:
                self._say(key, _("“%(name)s” stands here twice.") % {"name": name})
            fields[name] = value
        for name in required:
            if name not in fields:
                self._say(node, _("“%(name)s” is missing.") % {"name": name})
        return fields

    def _say(self, node: yaml.Node | None, message: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1 if node else 1, message))


def _in_order(arrivals: list[Arrival]) -> list[Arrival]:
    return sorted(arrivals, key=lambda arrival: arrival.after)
