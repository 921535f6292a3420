"""Planned work: planned, moved, told of, done."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import REQUIRED_PUBLIC_LANGUAGES, Language
from accounts.models import User
from accounts.refusals import Refused
from incidents import permissions
from incidents.models import (
    Incident,
    Maintenance,
    MaintenanceChange,
    MaintenanceStatus,
    PublicRevision,
    Service,
)
from incidents.models.states import MAINTENANCE_TRANSITIONS
from incidents.opening_hours import Window
from incidents.operations import announcing, sense
from incidents.operations.rows import locked

LONGEST_TITLE: int = Maintenance._meta.get_field("title_fr").max_length or 0
LONGEST_BODY: int = Maintenance._meta.get_field("body_fr").max_length or 0
LONGEST_WORK = timedelta(days=7)
FURTHEST_PLAN = timedelta(days=400)
# Work that has begun may still be entered, for a while.
BEGUN = timedelta(hours=12)


@transaction.atomic
def plan_maintenance(
    *,
    key: UUID,
    titles: Mapping[str, str],
    bodies: Mapping[str, str],
    services: Collection[Service],
    window: Window,
    by: User,
    follows: Incident | None = None,
    at: datetime | None = None,
) -> Maintenance:
    """Announce work on *services* in *window*; the same *key* again returns what was planned first.

    *titles* and *bodies* map languages to texts, French and Dutch required. *follows* is the incident that the
    work finishes: its timeline is told; it is no exercise. The opening hours of pharmacies are no reason to refuse:
    who plans is warned. Bumps PublicRevision. Fields of refusals: title_<language>, body_<language>, services,
    starts_at, ends_at, follows.
    """
    permissions.check_plan_work(by)
    at = at or timezone.now()
    if follows and follows.drill:
        raise Refused(_("Work that follows an exercise is not announced: the page is real."), field="follows")
    _check_window(window, at=at)
    maintenance, is_new = Maintenance.objects.get_or_create(
        key=key,
        defaults={
            **_titles(titles),
            **_bodies(bodies),
            "starts_at": window.starts_at,
            "ends_at": window.ends_at,
            "follows": follows,
            "recorded_at": at,
            "created_by": by,
        },
    )
    if is_new:
        maintenance.services.set(_some(services))
        _change(maintenance, MaintenanceStatus.SCHEDULED, key=uuid.uuid4(), by=by, occurred_at=at, at=at)
        announcing.tell(maintenance, announcing.PLANNED, by=by, occurred_at=at, at=at)
    return maintenance


@transaction.atomic
def amend_maintenance(
    maintenance: Maintenance,
    *,
    by: User,
    titles: Mapping[str, str] | None = None,
    bodies: Mapping[str, str] | None = None,
    services: Collection[Service] | None = None,
    window: Window | None = None,
    at: datetime | None = None,
) -> None:
    """Move *maintenance* or tell of it better; where nothing changes nothing is written.

    A language that is left out keeps its text, an empty one loses it. Work that has begun keeps its beginning,
    work that is over stays as it was. Bumps PublicRevision.
    """
    permissions.check_plan_work(by)
    at = at or timezone.now()
    maintenance = _locked(maintenance)
    _check_not_over(maintenance)
    before = _told(maintenance)
    texts = {**_titles(_kept("title", before, titles)), **_bodies(_kept("body", before, bodies))}
    moved = _moved(maintenance, window, at=at)
    chosen = None if services is None else _some(services)
    if chosen == set(maintenance.services.all()):
        chosen = None
    if texts == before and moved is None and chosen is None:
        return
    if chosen is not None:
        maintenance.services.set(chosen)
    _store(maintenance, texts, window if moved else None)
    _change(maintenance, maintenance.status, key=uuid.uuid4(), by=by, occurred_at=at, at=at, moved=moved)
    if moved:
        announcing.tell(maintenance, announcing.MOVED, by=by, occurred_at=at, at=at)


@transaction.atomic
def note_maintenance(
    maintenance: Maintenance, *, key: UUID, note: Mapping[str, str], by: User, at: datetime | None = None
) -> None:
    """Tell the public more, in French and Dutch at least; the same *key* again tells nothing more.

    Bumps PublicRevision. Fields of refusals: note_<language>.
    """
    permissions.check_plan_work(by)
    at = at or timezone.now()
    maintenance = _locked(maintenance)
    if maintenance.changes.filter(key=key).exists():
        return
    _check_not_over(maintenance)
    notes = _notes(note, required=True)
    _change(maintenance, maintenance.status, key=key, by=by, occurred_at=at, at=at, notes=notes)


@transaction.atomic
def move_maintenance(
    maintenance: Maintenance,
    status: MaintenanceStatus,
    *,
    key: UUID,
    by: User,
    note: Mapping[str, str] | None = None,
    occurred_at: datetime | None = None,
    at: datetime | None = None,
) -> None:
    """Bring *maintenance* into *status*, with a public *note* or without; the same *key* again changes nothing.

    MAINTENANCE_TRANSITIONS says what may follow what; where somebody was first there is left to tell the note.
    While it is under way its services are under maintenance; a cancelled one is told of as such. Bumps
    PublicRevision. Fields of refusals: status, occurred_at, note_<language>.
    """
    permissions.check_plan_work(by)
    at = at or timezone.now()
    maintenance = _locked(maintenance)
    last = maintenance.last_change
    notes = _notes(note or {}, required=False)
    if maintenance.changes.filter(key=key).exists() or (last.status == status and not any(notes.values())):
        return
    if last.status == status:
        _check_not_over(maintenance)
    else:
        _check_transition(MaintenanceStatus(last.status), status)
    earliest = last.occurred_at if maintenance.started_at else at - BEGUN
    moment = sense.past(occurred_at, at=at, field="occurred_at", not_before=earliest)
    _change(maintenance, status, key=key, by=by, occurred_at=moment, at=at, notes=notes)
    if last.status != status:
        announcing.tell(maintenance, announcing.CAME_INTO, by=by, occurred_at=moment, at=at)


def _check_transition(before: MaintenanceStatus, status: MaintenanceStatus) -> None:
    if status not in MAINTENANCE_TRANSITIONS[before]:
        raise Refused(
            _("From “%(before)s” maintenance does not go to “%(status)s”.")
            % {"before": before.label, "status": MaintenanceStatus(status).label},
            field="status",
        )


def _locked(maintenance: Maintenance) -> Maintenance:
    return Maintenance.objects.select_for_update(no_key=True).get(pk=maintenance.pk)


def _change(
    maintenance: Maintenance,
    status: MaintenanceStatus,
    *,
    key: UUID,
    by: User,
    occurred_at: datetime,
    at: datetime,
    notes: Mapping[str, str] | None = None,
    moved: Window | None = None,
) -> None:
    if (
        maintenance.follows
    ):  # its page names this work; who decides about both locks it before the public revision
        locked(maintenance.follows)
    MaintenanceChange.objects.create(
        maintenance=maintenance,
        key=key,
        status=status,
        **(notes or {}),
        from_starts_at=moved.starts_at if moved else None,
        from_ends_at=moved.ends_at if moved else None,
        occurred_at=occurred_at,
        recorded_at=at,
        by=by,
    )
    PublicRevision.objects.bump()
    if maintenance.follows:
        PublicRevision.objects.bump(maintenance.follows)


def _check_not_over(maintenance: Maintenance) -> None:
    if maintenance.is_over:
        raise Refused(_("This maintenance is over: plan another."))


def _check_window(window: Window, *, at: datetime) -> None:
    sense.future(window.starts_at, at=at, most=FURTHEST_PLAN, field="starts_at", not_before=at - BEGUN)
    _check_length(window)
    if window.ends_at <= at:
        raise Refused(_("That has passed: give an end that is still to come."), field="ends_at")


def _check_length(window: Window) -> None:
    if window.ends_at <= window.starts_at:
        raise Refused(_("It ends after it begins."), field="ends_at")
    if window.ends_at - window.starts_at > LONGEST_WORK:
        raise Refused(
            _("That is longer than %(days)d days: plan it in parts.") % {"days": LONGEST_WORK.days},
            field="ends_at",
        )


def _moved(maintenance: Maintenance, window: Window | None, *, at: datetime) -> Window | None:
    """The window it had, when *window* is another."""
    before = Window(maintenance.starts_at, maintenance.ends_at)
    if window is None or window == before:
        return None
    if maintenance.status == MaintenanceStatus.SCHEDULED:
        _check_window(window, at=at)
    elif window.starts_at != before.starts_at:
        raise Refused(_("It has begun: only its end can still be moved."), field="starts_at")
    else:
        _check_length(window)
    return before


def _store(maintenance: Maintenance, texts: Mapping[str, str], window: Window | None) -> None:
    for field, text in texts.items():
        setattr(maintenance, field, text)
    if window:
        maintenance.starts_at, maintenance.ends_at = window
    maintenance.save(update_fields=[*texts, "starts_at", "ends_at"])


def _some(services: Collection[Service]) -> set[Service]:
    if not services:
        raise Refused(_("Say which services it is about."), field="services")
    return set(services)


def _told(maintenance: Maintenance) -> dict[str, str]:
    fields = [f"{part}_{language}" for part in ("title", "body") for language in Language]
    return {field: getattr(maintenance, field) for field in fields}


def _kept(part: str, before: Mapping[str, str], texts: Mapping[str, str] | None) -> dict[str, str]:
    """*texts*, completed by what stands there already."""
    return {language: (texts or {}).get(language, before[f"{part}_{language}"]) for language in Language}


def _titles(titles: Mapping[str, str]) -> dict[str, str]:
    return {
        f"title_{language}": sense.public(
            titles.get(language, ""),
            most=LONGEST_TITLE,
            field=f"title_{language}",
            required=language in REQUIRED_PUBLIC_LANGUAGES,
        )
        for language in Language
    }


def _bodies(bodies: Mapping[str, str]) -> dict[str, str]:
    return _lines("body", bodies, required=True)


def _notes(note: Mapping[str, str], *, required: bool) -> dict[str, str]:
    """In French and Dutch at least, or where it is not *required* in no language at all."""
    return _lines("note", note, required=required or any(text.strip() for text in note.values()))


def _lines(part: str, texts: Mapping[str, str], *, required: bool) -> dict[str, str]:
    return {
        f"{part}_{language}": sense.lines(
            texts.get(language, ""),
            most=LONGEST_BODY,
            field=f"{part}_{language}",
            required=required and language in REQUIRED_PUBLIC_LANGUAGES,
        )
        for language in Language
    }
