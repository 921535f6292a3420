"""The site and the database side by side: renewing the one from the other, and how far it is behind."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.utils import timezone

from comms.status import archiving
from comms.status import notice as notices
from comms.status.archive import disown, newest
from comms.status.publish import Outdated, Publication, begin_next, clear, publish, published
from comms.status.render import HEADERS, documents, made_of_facts
from comms.status.snapshot import snapshot, unarchived
from incidents.models import Incident, Maintenance, PublicRevision

AGE_WHILE_IT_LASTS = timedelta(seconds=55)  # asked every five: it is a minute old at most
AGE_WHEN_CALM = timedelta(hours=1)
STALE = timedelta(minutes=3)  # after which its pages themselves say that they are old (stale.js)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SiteState:
    """What the public sees (number 0: nothing yet) beside the revision it should see.

    stale: it tells of something that lasts, and is no longer renewed.
    """

    number: int
    revision: int
    published_at: datetime | None
    should_show: int
    stale: bool
    error: str

    @property
    def behind(self) -> bool:
        return self.number == 0 or self.revision < self.should_show


_errors: list[str] = []  # of this process's last try; a success empties it


def renew(
    at: datetime | None = None, *, even_if_older: bool = False, all_anew: bool = False, above: int = 0
) -> Publication:
    """Render the site from the database and put it in place; safe from several processes at once.

    Where a newer revision is already shown that one stays; *even_if_older*, for a database that was set back, makes
    what it holds now the newest. Files that did not change are taken from the publication before, unless *all_anew*.
    Its number is higher than *above*. Raises OSError when the folder cannot be written; the old site then stays.
    """
    root = settings.DESK_STATUS_ROOT
    if even_if_older:
        shown = published(root)
        PublicRevision.objects.begin_anew(above=shown.revision if shown else 0)
        disown(root)
    publication = None
    while publication is None:
        publication = _published_once(root, at or timezone.now(), all_anew=all_anew, above=above)
    _errors.clear()
    return publication


def _published_once(root: Path, at: datetime, *, all_anew: bool, above: int) -> Publication | None:
    """None where the notice was put up or taken down meanwhile: nobody shall see the site without it."""
    archive, notice = newest(root), notices.standing(root)
    facts = snapshot(at, archive=archive, notice=notice)
    try:
        return publish(
            documents(facts),
            root,
            revision=facts.revision,
            at=facts.at,
            headers=HEADERS,
            archive=archive,
            all_anew=all_anew,
            above=above,
            still=lambda: notices.standing(root) == notice,
        )
    except Outdated:
        return None


def archive_if_due(at: datetime | None = None) -> Publication | None:
    """Build the next archive of what is over, and publish with it, when so much changed since the last one.

    Takes seconds for thousands of incidents; no publication waits for it meanwhile.
    """
    root = settings.DESK_STATUS_ROOT
    at = at or timezone.now()
    archive, notice = newest(root), notices.standing(root)
    if archive and archive.made_of != made_of_facts(snapshot(at, archive=archive, notice=notice)):
        archive = None
    if not unarchived(archive):
        return None
    archiving.build(root, at, notice=notice)
    return renew()


def begin_publication() -> None:
    """Somebody writes a message: what its publication needs is begun. Where that fails publishing does it, or says why
    it cannot.
    """
    try:
        begin_next(settings.DESK_STATUS_ROOT)
    except OSError:
        log.exception("publication_not_begun")


def clear_away() -> None:
    """Remove what the site showed before, as far as nobody can be reading it any more.

    Not often: of what is deleted beside them the files of the next publications are made more slowly, for minutes.
    """
    clear(settings.DESK_STATUS_ROOT)


def renew_if_changed() -> Publication | None:
    """Renew the site when the public facts are ahead of it, or it was never published. One query where not."""
    current = PublicRevision.objects.current()
    shown = published(settings.DESK_STATUS_ROOT)
    return renew() if shown is None or shown.revision < current else None


def renew_if_old(at: datetime | None = None) -> Publication | None:
    """Renew the site when it was rendered a minute ago, where an incident or maintenance lasts, else an hour ago.

    "As of" then stays near the clock, and what was promised and does not come is said to be late.
    """
    at = at or timezone.now()
    shown = published(settings.DESK_STATUS_ROOT)
    age = at - shown.at if shown else AGE_WHEN_CALM
    if age < AGE_WHILE_IT_LASTS or (age < AGE_WHEN_CALM and not _lasts(at)):
        return None
    return renew(at)


def _lasts(at: datetime) -> bool:
    """Something is under way that the page tells of by the clock."""
    return Incident.objects.real().open().exists() or Maintenance.objects.due(at).exists()


def try_to_renew() -> bool:
    """renew_if_changed for who must go on whatever happens: a failure is logged and kept for state().

    Returns whether it went well.
    """
    try:
        renew_if_changed()
        return True
    except Exception as error:  # the decision is committed: its answer must leave
        log.exception("status_site_not_renewed")
        _errors[:] = [f"{type(error).__name__}: {error}"]
        return False


def state() -> SiteState:
    shown, at = published(settings.DESK_STATUS_ROOT), timezone.now()
    return SiteState(
        number=shown.number if shown else 0,
        revision=shown.revision if shown else 0,
        published_at=shown.at if shown else None,
        should_show=PublicRevision.objects.current(),
        stale=shown is not None and at - shown.at > STALE and _lasts(at),
        error=_errors[-1] if _errors else "",
    )
