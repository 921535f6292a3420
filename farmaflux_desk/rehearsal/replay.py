"""A scenario is played in an exercise: begun, held up, gone on with; what it holds arrives by itself."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from farmaflux_desk.models import Replay
from farmaflux_desk.rehearsal.scenario import Arrival, Scenario, read
from incidents import timeline
from incidents.models import (
    EntryKind,
    ExerciseClock,
    Incident,
    IncidentQuerySet,
    Partner,
    Service,
    ServiceStatus,
    Severity,
)
from incidents.operations import declare
from incidents.permissions import check_run_incident
from tickets.models import CallbackWindow, Contact, ContactChannel, ContactImpact
from tickets.operations.contacts import CallbackRequest, store
from tickets.operations.pressure import weigh

SPEEDS = range(1, 61)
BUILT_IN = Path(__file__).parent / "data" / "black_friday_2022.yaml"
SOMEBODY = "Pharmacie · Apotheek"
PLAYER = "scenario"


def built_in() -> Scenario:
    """1 July 2022, with those of its services that this desk has. Raises Unreadable where it has none of them."""
    text = BUILT_IN.read_text(encoding="utf-8")
    return read(text, services=known_services(), partners=known_partners())


def known_services() -> list[str]:
    return list(Service.objects.values_list("key", flat=True))


def known_partners() -> list[str]:
    return list(Partner.objects.values_list("key", flat=True))


@transaction.atomic
def begin(scenario: Scenario, *, key: UUID, speed: int, by: User, at: datetime | None = None) -> Incident:
    """Declare the exercise that *scenario* tells of and let it run; the same *key* again gives the one begun first.

    *speed*: how many seconds of the scenario pass in one of ours, 1 to 60. Fields of refusals: speed.
    """
    check_run_incident(by)
    _check_speed(speed)
    at = at or timezone.now()
    services = Service.objects.in_bulk(list(scenario.services), field_name="key")
    incident = declare(
        key=key,
        titles=scenario.titles,
        severity=Severity(scenario.severity),
        statuses={services[name]: ServiceStatus(status) for name, status in scenario.services.items()},
        began_at=at,
        drill=True,
        by=by,
        at=at,
    )
    _play(scenario, incident, key=key, speed=speed, by=by, at=at)
    return incident


@transaction.atomic
def load(
    scenario: Scenario, incident: Incident, *, key: UUID, speed: int, by: User, at: datetime | None = None
) -> Replay:
    """Let *scenario* run in an exercise that is under way, from now on; its title, severity and services stay its own.

    The same *key* again changes nothing. Fields of refusals: speed, into.
    """
    check_run_incident(by)
    _check_speed(speed)
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    loaded = Replay.objects.filter(incident=incident).first()
    if loaded and loaded.key == key:
        return loaded
    if loaded:
        raise Refused(_("This exercise has a scenario already."), field="into")
    if not incident.drill:
        raise Refused(_("This is no exercise."), field="into")
    if not incident.is_open:
        raise Refused(_("The exercise is over."), field="into")
    _play(scenario, incident, key=key, speed=speed, by=by, at=at or timezone.now())
    return Replay.objects.get(incident=incident)


def waiting() -> IncidentQuerySet:
    """Exercises under way that have no scenario."""
    return Incident.objects.alike(drill=True).open().filter(replay=None)


def _play(scenario: Scenario, incident: Incident, *, key: UUID, speed: int, by: User, at: datetime) -> None:
    """From *at* on by a clock of the exercise's own; once for each exercise."""
    ExerciseClock.objects.get_or_create(
        incident=incident, defaults={"started_at": at, "speed": speed, "running_since": at}
    )
    Replay.objects.get_or_create(
        incident=incident, defaults={"key": key, "scenario": scenario.as_json(), "started_by": by}
    )


@transaction.atomic
def hold(replay: Replay, *, by: User, at: datetime | None = None) -> None:
    """Nothing arrives until it goes on; what was due by now has arrived. Holding it again changes nothing."""
    check_run_incident(by)
    _settle(replay.pk, at or timezone.now(), run=False)


@transaction.atomic
def go_on(replay: Replay, *, speed: int, by: User, at: datetime | None = None) -> None:
    """Let it run on from where it is, at *speed* from now on. Fields of refusals: speed."""
    check_run_incident(by)
    _check_speed(speed)
    if not replay.incident.is_open:
        raise Refused(_("The exercise is over."))
    _settle(replay.pk, at or timezone.now(), run=True, speed=speed)


def _check_speed(speed: int) -> None:
    if speed not in SPEEDS:
        raise Refused(_("Between 1 and 60 times."), field="speed")


def _settle(pk: int, at: datetime, *, run: bool, speed: int | None = None) -> None:
    stored = _locked(pk)
    clock = stored.clock
    _arrive(stored, at)
    stored.save(update_fields=["arrived"])
    clock.elapsed = clock.played(at)
    clock.running_since = at if run else None
    clock.speed = speed or clock.speed
    clock.save(update_fields=["elapsed", "running_since", "speed"])


def play_all(at: datetime | None = None) -> int:
    """Let arrive what is due in every exercise that runs; returns how much that was. One query where none runs."""
    at = at or timezone.now()
    return sum(play(pk, at=at) for pk in Replay.objects.running().values_list("pk", flat=True))


@transaction.atomic
def play(pk: int, *, at: datetime) -> int:
    """Let arrive what is due in one; returns how much. What arrived is never repeated, whoever else plays it too.

    An exercise that was closed is held: nothing calls about what is over.
    """
    stored = _locked(pk)
    clock = stored.clock
    if clock.running_since is None:
        return 0
    if not stored.incident.is_open:
        clock.elapsed, clock.running_since = clock.played(at), None
        clock.save(update_fields=["elapsed", "running_since"])
        return 0
    arrived = _arrive(stored, at)
    if arrived:
        stored.save(update_fields=["arrived"])
        weigh(stored.incident, at)  # the job that weighs calls is slower than an exercise
    return arrived


def _locked(pk: int) -> Replay:
    return Replay.objects.select_for_update(of=("self",)).shown().get(pk=pk)


def _arrive(replay: Replay, at: datetime) -> int:
    """Everything due by *at* that has not arrived, each at its own moment by the exercise's clock."""
    clock = replay.clock
    if clock.running_since is None:
        return 0
    played = clock.played(at).total_seconds()
    arrivals = Scenario.of_json(replay.scenario).arrivals
    due = [arrival for arrival in arrivals[replay.arrived :] if arrival.after <= played]
    for number, arrival in enumerate(due, replay.arrived):
        moment = clock.started_at + timedelta(seconds=arrival.after)
        _one(replay, uuid5(replay.key, str(number)), arrival, moment, at)
    replay.arrived += len(due)
    return len(due)


def _one(replay: Replay, key: UUID, arrival: Arrival, at: datetime, real: datetime) -> None:
    """*at*: by the exercise's clock."""
    if arrival.kind == "call":
        _call(replay, key, arrival, at, real)
        return
    source = Partner.objects.filter(key=arrival.partner).first() if arrival.partner else None
    said = {language: arrival.texts.get(language, arrival.texts["fr"]) for language in ("fr", "nl", "en")}
    timeline.append(
        replay.incident, EntryKind.SIGNAL, by=None, key=key, data={"said": said}, source=source, at=at
    )


def _call(replay: Replay, key: UUID, arrival: Arrival, at: datetime, real: datetime) -> None:
    """Logged as a played colleague would, who tells what is published; the team calls back where that is asked."""
    incident = replay.incident
    language = arrival.language or ("fr" if key.int % 2 else "nl")  # the same for the same call
    contact = Contact(
        key=key,
        agent=_player(),
        channel=ContactChannel.PHONE,
        caller_text=arrival.caller or SOMEBODY,
        incident=incident,
        language=language,
        service=Service.objects.filter(key=arrival.service).first() if arrival.service else None,
        impact=ContactImpact.PATIENT_WAITING if arrival.waiting else ContactImpact.INFO,
        note=arrival.texts.get(language) or arrival.texts.get("fr", ""),
        told_update=incident.updates.standing().first(),
        occurred_at=at,
        recorded_at=real,
    )
    wanted = CallbackRequest(arrival.callback, CallbackWindow.SOON) if arrival.callback else None
    store(contact, callback=wanted)


def _player() -> User:
    """Who logs what is played: an account that opens nothing, so that no played call is anybody's own to undo."""
    player, is_new = User.objects.get_or_create(
        username=PLAYER, defaults={"first_name": "Scenario", "is_active": False}
    )
    if is_new:
        player.set_unusable_password()
        player.save(update_fields=["password"])
    return player
