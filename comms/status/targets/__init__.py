"""Further places of the status site, each following by itself: a failing one holds up nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from comms.status.publish import published
from comms.status.targets.base import State, Target, follow, state
from comms.status.targets.bucket import BucketTarget
from comms.status.targets.folder import FolderTarget

RETRY = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Followed:
    """A target as the desk shows it."""

    target: Target
    state: State
    behind: bool

    @property
    def failing(self) -> bool:
        return bool(self.state.failing_since)


def configured() -> list[Target]:
    found: list[Target] = []
    if settings.DESK_STATUS_MIRROR:
        found.append(FolderTarget(settings.DESK_STATUS_MIRROR))
    if settings.DESK_STATUS_BUCKET:
        found.append(BucketTarget(*settings.DESK_STATUS_BUCKET))
    return found


def lanes() -> Iterable[str]:
    """One for each target that is behind; a failing one is tried again after a while."""
    shown = published(settings.DESK_STATUS_ROOT)
    for place, target in enumerate(configured()):
        known = state(settings.DESK_STATUS_ROOT, target.key)
        if shown and known.number < shown.number and not _tried_just_now(target):
            yield str(place)


_tried: dict[str, datetime] = {}


def _tried_just_now(target: Target) -> bool:
    """Only a failure is waited after: what went well is followed at once."""
    if not state(settings.DESK_STATUS_ROOT, target.key).error:
        return False
    last = _tried.get(target.key)
    return last is not None and timezone.now() - last < RETRY


def follow_in(lane: str, _stopping: object = None) -> None:
    """Bring one target up to the newest publication."""
    target = configured()[int(lane)]
    _tried[target.key] = timezone.now()
    follow(target, settings.DESK_STATUS_ROOT, timezone.now())


def followed() -> list[Followed]:
    """Every target with what is known of it."""
    root = settings.DESK_STATUS_ROOT
    shown = published(root)
    number = shown.number if shown else 0
    return [
        Followed(target, known := state(root, target.key), behind=known.number < number)
        for target in configured()
    ]
