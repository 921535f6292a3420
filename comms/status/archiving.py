"""Builds the next archive from the database, while publications go on."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from time import time

from django.db.models import Q

from comms.status import publish
from comms.status.archive import FOLDER, Archive, newest, write
from comms.status.documents import Document
from comms.status.facts import Facts, Month, Text
from comms.status.files import alone, numbers
from comms.status.incident_facts import read
from comms.status.languages import WORDS
from comms.status.moments import month_of
from comms.status.render import archived_documents, incident_name, made_of_facts, month_name
from comms.status.snapshot import Row, rows, snapshot
from incidents.models import PublicRevision


def build(root: Path, at: datetime, *, notice: Text | None = None) -> Archive:
    """Write an archive of all that is over and return it; what the one before has already is taken from there.

    Holds no lock that a publication waits for. What changes meanwhile has a later revision than the archive, so that
    publications carry it along. Raises OSError when the disk refuses.
    """
    with alone(root / FOLDER / "lock"):
        before = newest(root)
        facts = snapshot(at, archive=before, notice=notice)
        plan = _plan(facts, before)
        shown = publish.published(root)
        archive = Archive(
            number=max(numbers(root / FOLDER), default=0) + 1,
            revision=facts.revision,
            made_of=made_of_facts(facts),
            changed_at=facts.changed_at,
            stamp=max(int(time()), shown.stamp + 1 if shown else 0),
            incidents=frozenset(row.public_id for row in plan.rows),
            months=plan.months,
        )
        write(root, archive, _documents(facts, plan), kept=_kept(plan), before=before)
        return archive


@dataclass(frozen=True)
class _Plan:
    """What to write anew and what to keep; months: how many incidents began, by (year, month)."""

    rows: list[Row]
    changed: list[Row]
    months: Counter[tuple[int, int]]

    @cached_property
    def changed_months(self) -> set[tuple[int, int]]:
        return {month_of(row.began_at) for row in self.changed}


def _plan(facts: Facts, before: Archive | None) -> _Plan:
    everything = rows(Q(), names=PublicRevision.objects.names_current())
    usable = before if before and before.made_of == made_of_facts(facts) else None
    changed = [
        row
        for row in everything
        if not usable
        or not row.revision
        or row.public_id not in usable.incidents
        or row.revision > usable.revision
    ]
    return _Plan(everything, changed, Counter(month_of(row.began_at) for row in everything))


def _documents(facts: Facts, plan: _Plan) -> Iterator[Document]:
    """Month by month, so that no more than a month's incidents are in memory."""
    written = {row.public_id for row in plan.changed}
    for month, its_rows in groupby(plan.rows, lambda row: month_of(row.began_at)):
        if month not in plan.changed_months:
            continue
        incidents = read(list(its_rows))
        briefs = tuple(incident.brief for incident in incidents)
        changed = [incident for incident in incidents if incident.id in written]
        yield from archived_documents(facts, changed, Month(*month, plan.months[month], briefs))


def _kept(plan: _Plan) -> Iterator[str]:
    written = {row.public_id for row in plan.changed}
    for language in WORDS:
        for row in plan.rows:
            if row.public_id not in written:
                yield incident_name(language, row.public_id)
        for year, month in plan.months.keys() - plan.changed_months:
            yield month_name(language, f"{year}-{month:02}")
