"""An incident's timeline: appended to, worded for a reader, verified. Nothing changes or removes an entry.

Each entry's hash is the SHA-256 of its fields as canonical JSON, the hash of the entry before it among them.
Whoever changes, removes or moves an entry leaves a chain that does not hold; who cuts off its tail leaves
heads that differ from those noted earlier (`manage.py audit_verify --expect`).
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.composed import Composed, ComposedInsert
from accounts.models import User
from accounts.refusals import Refused
from incidents.assessing import Assessment
from incidents.models import (
    DRILL_MARK,
    Entry,
    EntryKind,
    Incident,
    MilestoneKind,
    Partner,
    Phase,
    ResponseRole,
    ServiceStatus,
    Severity,
)
from incidents.personal_data import mask_national_numbers

LONGEST_TEXT: int = Entry._meta.get_field("text").max_length or 0


@dataclass(frozen=True)
class Problem:
    """Where a chain does not hold; *sequence* is the entry's place in it."""

    sequence: int
    message: str


def append(
    incident: Incident,
    kind: EntryKind,
    *,
    by: User | None,
    key: uuid.UUID | None = None,
    text: str = "",
    data: Mapping[str, Any] | None = None,
    source: Partner | None = None,
    corrects: Entry | None = None,
    occurred_at: datetime | None = None,
    at: datetime | None = None,
    held: bool = False,
) -> Entry:
    """Write an entry at the end of the chain, inside the caller's transaction.

    Locks the incident's row until that transaction ends, so that entries come one after the other; *held*: the caller
    has locked it.
    *by* is None for what the system does by itself. The same *key* again returns the entry made first.
    National numbers in *text* are masked. *data* holds what JSON knows, no fractions; see `describe` for
    what each kind keeps in it. Raises Refused when the text is too long.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An entry is part of the transaction it tells of.")
    if not held:
        _LOCK(incident=incident.pk)
    if key and (earlier := Entry.objects.filter(key=key, incident=incident).first()):
        return earlier
    sequence, head = _LAST.first(incident=incident.pk) or (0, "")
    at = at or incident.now()
    entry = Entry(
        incident=incident,
        sequence=sequence + 1,
        key=key or uuid.uuid4(),
        kind=kind,
        text=_kept(text),
        data=json.loads(json.dumps(dict(data or {}))),
        source=source,
        corrects=corrects,
        author=by,
        occurred_at=occurred_at or at,
        recorded_at=at,
        previous_hash=head,
    )
    entry.hash = fingerprint(entry)
    _INSERT(entry)
    return entry


_LOCK = Composed(
    lambda incident: (
        Incident.objects.select_for_update(no_key=True).filter(pk=incident).values_list("pk", flat=True)
    ),
    incident=BigIntegerField(),
)
_LAST = Composed(
    lambda incident: (
        Entry.objects.filter(incident=incident).order_by("-sequence").values_list("sequence", "hash")[:1]
    ),
    incident=BigIntegerField(),
)
_INSERT = ComposedInsert(Entry)


def _kept(text: str) -> str:
    """As it is stored. Masking may lengthen a text: its length counts afterwards."""
    masked, _count = mask_national_numbers(text)
    if len(masked) > LONGEST_TEXT:
        raise Refused(
            _("Too long: at most %(most)d characters, not %(given)d.")
            % {"most": LONGEST_TEXT, "given": len(masked)},
            field="text",
        )
    return masked


def fingerprint(entry: Entry) -> str:
    """The SHA-256, in hexadecimal, of all that *entry* says; its hash as long as nobody changed it."""
    said = {
        "incident": entry.incident_id,
        "sequence": entry.sequence,
        "key": str(entry.key),
        "kind": str(entry.kind),
        "text": entry.text,
        "data": entry.data,
        "source": entry.source_id,
        "corrects": entry.corrects_id,
        "author": entry.author_id,
        "occurred_at": entry.occurred_at.astimezone(UTC).isoformat(),
        "recorded_at": entry.recorded_at.astimezone(UTC).isoformat(),
        "previous_hash": entry.previous_hash,
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def head(incident: Incident) -> str:
    """The hash of the newest entry, which stands for the whole chain; empty where there is none."""
    newest = Entry.objects.filter(incident=incident).order_by("-sequence")
    return newest.values_list("hash", flat=True).first() or ""


def verify(incident: Incident) -> list[Problem]:
    """What is wrong with the chain of *incident*, in its order; empty when it holds."""
    return list(_problems(Entry.objects.filter(incident=incident).order_by("sequence").iterator()))


def _problems(entries: Iterable[Entry]) -> Iterator[Problem]:
    expected, previous_hash = 1, ""
    for entry in entries:
        if entry.sequence != expected:
            gone = f"{expected}" if entry.sequence == expected + 1 else f"{expected} to {entry.sequence - 1}"
            yield Problem(expected, f"missing: entry {gone}")
        elif entry.previous_hash != previous_hash:
            yield Problem(entry.sequence, f"entry {entry.sequence} does not follow the entry before it")
        if fingerprint(entry) != entry.hash:
            yield Problem(entry.sequence, f"entry {entry.sequence} was changed after it was written")
        expected, previous_hash = entry.sequence + 1, entry.hash
    if expected == 1:
        yield Problem(1, "the timeline is empty, though declaring wrote into it")


def describe(entry: Entry) -> str:
    """What *entry* says, in the active language, without its kind (`entry.get_kind_display()`). Asks no database.

    What each kind keeps in `data`, names being mappings from language to name:
    DECLARED severity, titles, services [{names, status}], where it is one relapse_of {titles, public_id}, drill,
    and assessed {question: reply};
    PHASE phase, from; IMPACT services [{names, status, from}]; MILESTONE milestone, and planned_for, or reached
    with perhaps partner (names); ROLE role, person, from (names of people), deputy; LINK relapse_of; AMENDED severity
    [from, to], titles. Any other kind may bring `said`, its sentence in each language of the interface, worded
    by who writes it. The text, where there is one, stands last.
    """
    sentence = _WORDS[EntryKind(entry.kind)](entry.data) if entry.data and entry.kind in _WORDS else ""
    sentence = sentence or _in_language(entry.data.get("said", {}))
    if sentence and entry.text:
        return _("%(what)s: %(text)s") % {"what": sentence, "text": entry.text}
    return sentence or entry.text


def _in_language(names: Mapping[str, str]) -> str:
    """French where the reader's language is missing, as everywhere."""
    return names.get((get_language() or "fr")[:2]) or names.get("fr", "")


def _declared(data: Mapping[str, Any]) -> str:
    parts = [f"{Severity(data['severity']).value} · {_in_language(data['titles'])}", _services(data)]
    if data.get("drill"):
        parts.insert(0, _in_language(DRILL_MARK))
    if "relapse_of" in data:
        parts.append(_relapse(data))
    if assessment := Assessment.of(data.get("assessed", {})):
        words = {"severity": assessment.severity.value, "reason": assessment.reason}
        parts.append(_("%(severity)s proposed, because %(reason)s") % words)
    return "; ".join(part for part in parts if part)


def _phase(data: Mapping[str, Any]) -> str:
    names = {"phase": Phase(data["phase"]).label, "before": Phase(data["from"]).label}
    if data["from"] == Phase.RESOLVED:
        return _("%(phase)s, reopened") % names
    return _("%(phase)s, before that %(before)s") % names


def _services(data: Mapping[str, Any]) -> str:
    by_status: dict[str, list[str]] = {}
    for service in data["services"]:
        by_status.setdefault(service["status"], []).append(_in_language(service["names"]))
    return "; ".join(
        _("%(services)s: %(status)s")
        % {"services": ", ".join(services), "status": ServiceStatus(status).label}
        for status, services in by_status.items()
    )


def _milestone(data: Mapping[str, Any]) -> str:
    words = {"milestone": MilestoneKind(data["milestone"]).label}
    if "planned_for" in data:
        when = timezone.localtime(datetime.fromisoformat(data["planned_for"]))
        return _("%(milestone)s, planned for %(when)s") % (words | {"when": _clock(when)})
    if "partner" in data:
        return _("%(milestone)s, confirmed by %(partner)s") % (
            words | {"partner": _in_language(data["partner"])}
        )
    return _("%(milestone)s, reached") % words


def _clock(when: datetime) -> str:
    return date_format(when, "SHORT_DATETIME_FORMAT")


def _role(data: Mapping[str, Any]) -> str:
    label = str(ResponseRole(data["role"]).label)
    if data.get("deputy"):
        label = _("%(role)s, deputy") % {"role": label}
    words = {"role": label, "person": data["person"], "before": data["from"]}
    if not data["person"]:
        return _("%(role)s: nobody, before that %(before)s") % words
    if data["from"]:
        return _("%(role)s: %(person)s, before that %(before)s") % words
    return _("%(role)s: %(person)s") % words


def _relapse(data: Mapping[str, Any]) -> str:
    return _("relapse of “%(incident)s”") % {"incident": _in_language(data["relapse_of"]["titles"])}


def _amended(data: Mapping[str, Any]) -> str:
    parts = []
    if "severity" in data:
        before, after = data["severity"]
        parts.append(_("severity %(before)s → %(after)s") % {"before": before, "after": after})
    if "titles" in data:
        parts.append(_("title “%(title)s”") % {"title": _in_language(data["titles"])})
    return "; ".join(parts)


_WORDS = {
    EntryKind.DECLARED: _declared,
    EntryKind.PHASE: _phase,
    EntryKind.IMPACT: _services,
    EntryKind.MILESTONE: _milestone,
    EntryKind.ROLE: _role,
    EntryKind.LINK: _relapse,
    EntryKind.AMENDED: _amended,
}
