"""Random histories, each lived through the desk's own operations."""

import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st

from accounts.models import User
from accounts.refusals import Refused
from accounts.roles import Role
from comms.models import PARTS
from comms.operations import drafts, publishing
from comms.operations.drafts import DraftData
from comms.status.facts import Facts
from comms.status.languages import WORDS
from comms.status.snapshot import snapshot
from incidents import operations
from incidents.models import (
    Incident,
    Maintenance,
    MaintenanceStatus,
    Phase,
    Service,
    ServiceGroup,
    ServiceStatus,
    Severity,
)
from incidents.opening_hours import Window
from tests import factories
from tests.factories import OUTAGE

SECRET = "verborgen"  # in whatever is not published
MINUTE = timedelta(minutes=1)

type Step = tuple[str, int, int, int]


@dataclass
class Desk:
    """One desk and its people: a step is one thing that somebody does, or tries to."""

    by: User
    services: list[Service]
    at: datetime = OUTAGE
    incidents: list[Incident] = field(default_factory=list)
    works: list[Maintenance] = field(default_factory=list)

    def step(self, kind: str, which: int, how: int, late: int) -> None:
        """*late*: how many minutes ago it happened; what the desk refuses is not done."""
        self.at += 7 * MINUTE
        with suppress(Refused), transaction.atomic():
            getattr(self, kind)(which, how, self.at - late * MINUTE)

    def declare(self, which: int, how: int, happened: datetime) -> None:
        statuses = {self.services[which % 3]: status(how), self.services[how % 3]: status(how + 1)}
        self.incidents.append(
            operations.declare(
                key=uuid.uuid4(),
                titles={"fr": f"Panne {which}", "nl": f"Storing {which}"}
                | ({"de": "Störung"} if how % 2 else {}),
                severity=Severity.S1,
                statuses=statuses,
                began_at=happened,
                by=self.by,
                at=self.at,
            )
        )

    def change(self, which: int, how: int, happened: datetime) -> None:
        if self.incidents:
            about = self.incidents[which % len(self.incidents)]
            chosen = {self.services[how % 3]: list(ServiceStatus)[how % 5]}
            operations.set_statuses(about, chosen, by=self.by, occurred_at=happened, at=self.at)

    def move(self, which: int, how: int, happened: datetime) -> None:
        if self.incidents:
            operations.move(
                self.incidents[which % len(self.incidents)],
                list(Phase)[how % 4],
                by=self.by,
                reason=SECRET,
                occurred_at=happened,
                at=self.at,
            )

    def resolve(self, which: int, how: int, happened: datetime) -> None:
        self.move(which, list(Phase).index(Phase.RESOLVED), happened)

    def reopen(self, which: int, how: int, happened: datetime) -> None:
        self.move(which, list(Phase).index(Phase.INVESTIGATING), happened)

    def publish(self, which: int, how: int, happened: datetime) -> None:
        if self.incidents:
            about = self.incidents[which % len(self.incidents)]
            draft = drafts.draft_for(about, by=self.by, at=self.at)
            phase = list(Phase)[how % 4]
            wanted = self.message(phase, how, happened)
            saved = drafts.save_draft(draft, wanted, by=self.by, revision=draft.revision, at=self.at)
            publishing.publish(saved, by=self.by, revision=saved.revision, at=self.at)

    def message(self, phase: Phase, how: int, happened: datetime) -> DraftData:
        over = phase == Phase.RESOLVED
        next_at = self.at + 30 * MINUTE
        clock = f"{timezone.localtime(next_at):%H:%M}"
        bodies = {
            "fr": "C’est réparé." if over else f"Prochain message à {clock}.",
            "nl": "Het is hersteld." if over else f"Volgende update om {clock}.",
        }
        works = ServiceStatus.OPERATIONAL
        return DraftData(
            phase=phase,
            next_update_at=None if over else next_at,
            occurred_at=happened if how % 2 else None,
            statuses={
                service: works if over else list(ServiceStatus)[how % 5] for service in self.services[:2]
            },
            texts={
                language: dict.fromkeys(PARTS, "") | {"title": body, "headline": body, "body": body}
                for language, body in ({"de": "", "en": ""} | bodies).items()
            },
        )

    def draft(self, which: int, how: int, happened: datetime) -> None:
        """Somebody writes, and nobody publishes."""
        if self.incidents:
            draft = drafts.draft_for(self.incidents[which % len(self.incidents)], by=self.by, at=self.at)
            private = {language: dict.fromkeys(PARTS, SECRET) for language in WORDS}
            wanted = replace(self.message(Phase.IDENTIFIED, how, happened), texts=private)
            drafts.save_draft(draft, wanted, by=self.by, revision=draft.revision, at=self.at)

    def learn(self, which: int, how: int, happened: datetime) -> None:
        if self.incidents:
            about = self.incidents[which % len(self.incidents)]
            texts = {"fr": f"Appris {how}.", "nl": f"Geleerd {how}."}
            draft = operations.write_postmortem(about, texts, by=self.by, at=self.at)
            operations.publish_postmortem(about, by=self.by, revision=draft.revision, at=self.at)

    def plan(self, which: int, how: int, happened: datetime) -> None:
        self.works.append(
            operations.plan_maintenance(
                key=uuid.uuid4(),
                titles={"fr": "Travaux", "nl": "Werken"},
                bodies={"fr": "Coupures.", "nl": "Onderbrekingen."},
                services=[self.services[which % 3]],
                window=Window(self.at + (how - 2) * 10 * MINUTE, self.at + (how + 4) * 10 * MINUTE),
                by=self.by,
                at=self.at,
            )
        )

    def work(self, which: int, how: int, happened: datetime) -> None:
        if self.works:
            operations.move_maintenance(
                self.works[which % len(self.works)],
                list(MaintenanceStatus)[how % 5],
                key=uuid.uuid4(),
                by=self.by,
                occurred_at=happened,
                at=self.at,
            )

    def note(self, which: int, how: int, happened: datetime) -> None:
        if self.works:
            note = {"fr": "Cela dure.", "nl": "Het duurt."}
            operations.note_maintenance(
                self.works[which % len(self.works)], key=uuid.uuid4(), note=note, by=self.by, at=self.at
            )


KINDS = (
    "declare", "change", "change", "move", "resolve", "resolve", "reopen", "publish", "publish", "publish",
    "draft", "learn", "learn", "plan", "work", "work", "note",
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 1), st.integers(0, 4), st.sampled_from([0, 3, 20])),
    min_size=3,
    max_size=12,
).map(lambda steps: [("declare", 0, 1, 3), ("plan", 0, 2, 0), *steps])

# Reopened after what was learned was told; work begun, told of and done; other work called off; a draft that stays.
ONE_OF_EACH: list[Step] = [
    ("declare", 0, 1, 3), ("publish", 0, 1, 3), ("change", 0, 2, 0), ("resolve", 0, 0, 0), ("learn", 0, 0, 0),
    ("reopen", 0, 0, 0), ("publish", 0, 2, 0), ("resolve", 0, 0, 0), ("learn", 0, 1, 0),
    ("plan", 0, 2, 0), ("work", 0, 1, 0), ("note", 0, 0, 0), ("work", 0, 3, 0), ("plan", 1, 2, 0),
    ("work", 1, 4, 0), ("declare", 1, 2, 0), ("draft", 1, 0, 0),
]  # fmt: skip


def status(how: int) -> ServiceStatus:
    return list(ServiceStatus)[1 + how % 4]


def desk() -> Desk:
    first = [factories.service("eforms"), factories.service("dpp")]
    other = ServiceGroup.objects.create(key="other", name_fr="Autre", name_nl="Ander", position=9)
    person = factories.user(
        Role.LEAD,
        username=f"{SECRET}-{uuid.uuid4().hex}",
        first_name=SECRET,
        last_name=SECRET,
        email=f"{SECRET}@example.org",
        is_superuser=True,
    )
    return Desk(by=person, services=[*first, factories.service("pharma", group=other)])


def lived(steps: list[Step]) -> list[Facts]:
    """What the public may know before the first step and after each; nothing of it stays."""
    with transaction.atomic():
        one = desk()
        known = [snapshot(one.at)]
        for step in steps:
            one.step(*step)
            known.append(snapshot(one.at))
        transaction.set_rollback(True)
    return known
