"""A plan template as a YAML file: written out whole, read back with a word on each line that is wrong.

    key, name, kind      of the template (its name by language); the key decides which one an import replaces
    steps                each with number, phase, owners, due, when, title, instructions, condition, channel (texts by
                         language), publishes, message, audiences, briefs, evidence

`due` gives the anchor and what is not ordinary:
    offset, latest             minutes after the anchor: due, and never later than
    offset_days, at            so many days later, at that time of day (Europe/Brussels); working_days: counted in those
    repeat, first, first_for   again after so many minutes; in the plan's first `first_for` minutes after `first`
    until                      the anchor that ends repeating
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

import yaml
from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils.translation import gettext as _

from accounts.languages import INTERFACE_LANGUAGES, Language, LocalizedName
from accounts.refusals import Refused
from comms.models import Anchor, Audience, CrisisKind, Evidence, PlanPhase, PlanStep, PlanTemplate
from comms.plan.checking import MOST_CLAUSES, problems
from comms.plan.conditions import MONTH, MOST_CALLS
from incidents.models import ResponseRole, Severity
from incidents.operations.sense import written

LONGEST = 200_000  # characters
MOST_STEPS = 200
SLUG = re.compile(r"[-a-zA-Z0-9_]{1,50}")
TEXTS = {
    "title": tuple(Language),
    "instructions": INTERFACE_LANGUAGES,
    "condition": INTERFACE_LANGUAGES,
    "channel": INTERFACE_LANGUAGES,
}
NUMBERS = {
    "offset": "offset_minutes",
    "latest": "latest_minutes",
    "offset_days": "offset_days",
    "repeat": "repeat_minutes",
    "first": "repeat_first_minutes",
    "first_for": "repeat_first_for_minutes",
}
DUE = (
    "anchor",
    "offset",
    "latest",
    "offset_days",
    "working_days",
    "at",
    "repeat",
    "first",
    "first_for",
    "until",
)
STEP = (
    "number", "phase", "owners", "due", "when", "title", "instructions", "condition", "channel",
    "publishes", "message", "audiences", "briefs", "evidence",
)  # fmt: skip
LONGEST_INSTRUCTIONS = 1000
LONGEST_NAME = 120


@dataclass(frozen=True)
class Problem:
    line: int
    message: str

    def __str__(self) -> str:
        return _("line %(line)d: %(message)s") % {"line": self.line, "message": self.message}


class Unreadable(Refused):
    """The file is not taken in; `problems` says what is wrong with which line."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.problems = sorted(found, key=lambda problem: problem.line)
        super().__init__("\n".join(str(problem) for problem in self.problems), field="text")


@dataclass(frozen=True)
class Document:
    """A template not yet stored, its steps not yet belonging to any."""

    key: str
    called: dict[str, str]
    """Its columns name_<language>."""
    kind: str
    steps: list[PlanStep]


def load(text: str, *, messages: Collection[str] | None = None) -> Document:
    """Read *text*; *messages* are the keys of the prepared messages there are. Raises Unreadable."""
    if len(text) > LONGEST:
        raise Unreadable([Problem(1, _("At most %(most)d characters.") % {"most": LONGEST})])
    reading = _Reading(messages)
    document = reading.document(_tree(text))
    if reading.problems:
        raise Unreadable(reading.problems)
    return document


def _tree(text: str) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable([Problem(mark.line + 1 if mark else 1, error.problem or "YAML")]) from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise Unreadable([Problem(line, _("This holds a character that cannot be kept."))]) from error
    except (ValueError, OverflowError) as error:  # an escape of a character that no text has
        raise Unreadable([Problem(1, _("This holds a character that cannot be kept."))]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable([Problem(1, _("This is no YAML."))]) from error
    if node is None:
        raise Unreadable([Problem(1, _("This is empty."))])
    return node


@dataclass
class _Reading:
    messages: Collection[str] | None
    problems: list[Problem] = field(default_factory=list)

    def say(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, message))

    def document(self, root: yaml.Node) -> Document:
        parts = self.parts(root, ("key", "name", "kind", "steps"), required=("key", "name", "steps"))
        steps = [self.step(node) for node in self.items(parts.get("steps"), most=MOST_STEPS)]
        self._once(steps, parts.get("steps"))
        key = self.text(parts.get("key"))
        if key and not SLUG.fullmatch(key):
            self.say(parts["key"], _("A key has letters, digits, - and _ alone, at most 50."))
        called = self.name(parts.get("name"))
        kind = self.choice(parts.get("kind"), CrisisKind) or CrisisKind.OUTAGE
        return Document(key, called, kind, [step for step, _node in steps])

    def name(self, node: yaml.Node | None) -> dict[str, str]:
        """By language, French and Dutch required; one text is one for both of these."""
        if isinstance(node, yaml.ScalarNode):
            name = self.text(node)
            said = {"name_fr": name, "name_nl": name, "name_de": "", "name_en": ""}
        else:
            nodes = self.parts(node, list(Language.values), required=("fr", "nl"))
            said = {f"name_{language}": "" for language in Language.values}
            said |= {f"name_{language}": self.text(value) for language, value in nodes.items()}
        if node is not None and any(len(name) > LONGEST_NAME for name in said.values()):
            self.say(node, _("At most %(most)d characters.") % {"most": LONGEST_NAME})
        return said

    def _once(self, steps: list[tuple[PlanStep, yaml.Node]], node: yaml.Node | None) -> None:
        seen: set[int] = set()
        for step, where in steps:
            if step.number in seen:
                self.say(where, _("A second step %(n)d.") % {"n": step.number})
            seen |= {step.number} - {None}
        if node is not None and not steps:
            self.say(node, _("This plan has no steps."))

    def step(self, node: yaml.Node) -> tuple[PlanStep, yaml.Node]:
        """What could be read of it: any problem at all, and none of it is stored."""
        parts = self.parts(node, STEP, required=("number", "phase", "title", "due"))
        fields: dict[str, Any] = {
            "number": self.number(parts.get("number")),
            "phase": self.choice(parts.get("phase"), PlanPhase),
            "owners": self.choices(parts.get("owners"), ResponseRole),
            "audiences": self.choices(parts.get("audiences"), Audience),
            "evidence": self.choices(parts.get("evidence"), Evidence),
            "publishes": self.boolean(parts.get("publishes")),
            "briefs": self.boolean(parts.get("briefs")),
            "message_template": self.message(parts.get("message")),
            "when": [self.clause(clause) for clause in self.items(parts.get("when"), most=MOST_CLAUSES)],
            **self.due(parts.get("due")),
        }
        for part, languages in TEXTS.items():
            fields |= self.texts(part, parts.get(part), languages)
        step = PlanStep(**fields)
        self.check(step, node, parts)
        return step, node

    def check(self, step: PlanStep, node: yaml.Node, parts: Mapping[str, yaml.Node]) -> None:
        """Of a line that could not be read nothing more is said."""
        unread = {problem.line for problem in self.problems}
        empty = [name for name, value in vars(step).items() if value in (None, "")]
        found = problems(step)
        try:
            step.clean_fields(exclude=["template", *found, *empty])
        except ValidationError as error:
            found |= {name: " ".join(said) for name, said in error.message_dict.items()}
        for name, message in found.items():
            place = parts.get(name) or parts.get(name.rpartition("_")[0]) or parts.get("due", node)
            if place.start_mark.line + 1 not in unread:
                self.say(place, message)

    def due(self, node: yaml.Node | None) -> dict[str, Any]:
        parts = self.parts(node, DUE, required=("anchor",))
        found: dict[str, Any] = {
            name: self.number(parts[short]) for short, name in NUMBERS.items() if short in parts
        }
        found["anchor"] = self.choice(parts.get("anchor"), Anchor)
        found["until"] = self.choice(parts.get("until"), Anchor)
        found["working_days"] = self.boolean(parts.get("working_days"))
        if "at" in parts:
            found["wall_clock"] = self.time(parts["at"])
        return found

    def clause(self, node: yaml.Node) -> dict[str, Any]:
        parts = self.parts(node, ("severities", "services", "lasting_minutes", "calls"))
        if not parts and isinstance(node, yaml.MappingNode):
            self.say(node, _("A condition that says nothing."))
        found: dict[str, Any] = {}
        if "severities" in parts:
            found["severities"] = self.choices(parts["severities"], Severity)
        if "services" in parts:
            found["services"] = [self.slug(each) for each in self.items(parts["services"], most=20)]
        for name, most in (("lasting_minutes", MONTH), ("calls", MOST_CALLS)):
            if name in parts and (number := self.number(parts[name])) is not None:
                found[name] = number
                if not 1 <= number <= most:
                    self.say(parts[name], _("From %(least)d to %(most)d.") % {"least": 1, "most": most})
        return found

    def message(self, node: yaml.Node | None) -> str:
        key = self.slug(node) if node is not None else ""
        if node is not None and key and self.messages is not None and key not in self.messages:
            self.say(node, _("There is no prepared message “%(key)s”.") % {"key": key})
        return key

    # What a node may be

    def parts(
        self, node: yaml.Node | None, known: Collection[str], *, required: Collection[str] = ()
    ) -> dict[str, yaml.Node]:
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.say(node, _("Here belong: %(names)s.") % {"names": ", ".join(known)})
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name not in known:
                words = {"name": name[:40], "names": ", ".join(known)}
                self.say(key, _("“%(name)s” is unknown; here belong: %(names)s.") % words)
            elif name in found:
                self.say(key, _("“%(name)s” a second time.") % {"name": name})
            else:
                found[name] = value
        for name in required:
            if name not in found:
                self.say(node, _("“%(name)s” is missing.") % {"name": name})
        return found

    def items(self, node: yaml.Node | None, *, most: int) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.say(node, _("A list is expected here."))
            return []
        if len(node.value) > most:
            self.say(node, _("At most %(most)d of them.") % {"most": most})
        return list(node.value[:most])

    def text(self, node: yaml.Node | None) -> str:
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.say(node, _("A text is expected here."))
            return ""
        value = str(node.value).strip()
        if not value:
            self.say(node, _("This is empty."))
        try:
            return written(value, most=LONGEST, field="text", required=False)
        except Refused as refusal:  # YAML can name what no text holds, "\\0"
            self.say(node, refusal.message)
            return ""

    def slug(self, node: yaml.Node | None) -> str:
        value = self.text(node)
        if node is not None and value and not SLUG.fullmatch(value):
            self.say(node, _("A key has letters, digits, - and _ alone, at most 50."))
        return value

    def number(self, node: yaml.Node | None) -> int | None:
        if node is None:
            return None
        value = node.value if isinstance(node, yaml.ScalarNode) else ""
        if not re.fullmatch(r"-?\d{1,6}", value):
            self.say(node, _("A whole number is expected here."))
            return None
        return int(value)

    def boolean(self, node: yaml.Node | None) -> bool:
        if node is None:
            return False
        value = node.value if isinstance(node, yaml.ScalarNode) else ""
        if value not in ("true", "false"):
            self.say(node, _("true or false is expected here."))
        return bool(value == "true")

    def time(self, node: yaml.Node) -> time | None:
        value = node.value if isinstance(node, yaml.ScalarNode) else ""
        if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            return time.fromisoformat(value)
        self.say(node, _("A time of day is expected here, as 08:00."))
        return None

    def choice(self, node: yaml.Node | None, kinds: type[TextChoices]) -> str:
        value = self.text(node)
        if node is not None and value and value not in kinds.values:
            words = {"value": value[:40], "values": ", ".join(kinds.values)}
            self.say(node, _("“%(value)s” is none of: %(values)s.") % words)
        return value

    def choices(self, node: yaml.Node | None, kinds: type[TextChoices]) -> list[str]:
        return [self.choice(each, kinds) for each in self.items(node, most=len(kinds))]

    def texts(self, part: str, node: yaml.Node | None, languages: Iterable[str]) -> dict[str, str]:
        required = ("fr", "nl") if part == "title" else ()
        parts = self.parts(node, [str(language) for language in languages], required=required)
        said = {f"{part}_{language}": self.text(value) for language, value in parts.items()}
        for language, value in parts.items():
            if part == "instructions" and len(said[f"{part}_{language}"]) > LONGEST_INSTRUCTIONS:
                self.say(value, _("At most %(most)d characters.") % {"most": LONGEST_INSTRUCTIONS})
        return said


def names(row: LocalizedName) -> dict[str, str]:
    """Its columns name_<language>."""
    return {f"name_{language}": getattr(row, f"name_{language}") for language in Language}


def dump(template: PlanTemplate, steps: Iterable[PlanStep]) -> str:
    called = {name.removeprefix("name_"): said for name, said in names(template).items() if said}
    content = {
        "key": template.key,
        "name": called,
        "kind": str(template.kind),
        "steps": [_written(step) for step in steps],
    }
    return str(yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120))


def _written(step: PlanStep) -> dict[str, Any]:
    row: dict[str, Any] = {"number": step.number, "phase": str(step.phase), "owners": list(step.owners)}
    row["due"] = _due(step)
    row["when"] = list(step.when)
    for part, languages in TEXTS.items():
        texts = {str(language): getattr(step, f"{part}_{language}") for language in languages}
        row[part] = {language: text for language, text in texts.items() if text}
    row |= {
        "publishes": step.publishes,
        "message": step.message_template,
        "audiences": list(step.audiences),
        "briefs": step.briefs,
        "evidence": list(step.evidence),
    }
    return {name: value for name, value in row.items() if value or name == "number"}


def _due(step: PlanStep) -> dict[str, Any]:
    due: dict[str, Any] = {"anchor": str(step.anchor)}
    for short, name in NUMBERS.items():
        value = getattr(step, name)
        if value is not None and (value or short == "latest"):
            due[short] = value
    if step.working_days:
        due["working_days"] = True
    if step.wall_clock:
        due["at"] = f"{step.wall_clock:%H:%M}"
    if step.until:
        due["until"] = str(step.until)
    return due
