"""Where a message gets stuck: how each link of a chain does, and who says so."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext, override
from django.utils.translation import gettext as _

from accounts.languages import INTERFACE_LANGUAGES, REQUIRED_PUBLIC_LANGUAGES, Language
from accounts.models import User
from accounts.refusals import Refused
from incidents import permissions, timeline
from incidents.models import (
    ChainLink,
    EntryKind,
    Incident,
    LinkStanding,
    LinkState,
    Partner,
    PublicRevision,
)
from incidents.operations import rows, sense

LONGEST_NOTE: int = LinkStanding._meta.get_field("note_fr").max_length or 0


@dataclass(frozen=True)
class Confirmation:
    """Who says that a link does so: a partner, or with None we; at None: now, or when they said so before."""

    by: Partner | None
    at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """How a link does; since None: now, or as before where the state stays. note: public, by language."""

    state: LinkState
    since: datetime | None = None
    confirmed: Confirmation | None = None
    note: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def set_chain(
    incident: Incident,
    standings: Mapping[ChainLink, Standing],
    *,
    by: User,
    at: datetime | None = None,
) -> None:
    """Say how links of one chain do in *incident*; links left out stay as they were, unknown at first.

    Another chain that was told of before is told no more. Where nothing changes nothing is written. A resolved
    incident holds nothing up: reopen it first. Bumps PublicRevision. Fields of refusals: since_<link's key>,
    at_<key>, confirmed_<key>, note_<key>_<language>.
    """
    permissions.check_change_course(by)
    at = at or incident.now()
    incident = rows.locked(incident)
    if not incident.is_open:
        raise Refused(_("This incident is resolved: reopen it first."))
    chains = {link.chain_id for link in standings}
    if len(chains) > 1:
        raise ValueError("Links of one chain at a time.")
    known = {row.link_id: row for row in incident.standings.all()}
    changed = [
        row
        for link, standing in standings.items()
        if (row := _changed(incident, link, standing, known.get(link.pk), by=by, at=at))
    ]
    if changed:
        incident.standings.exclude(link__chain__in=chains).delete()
        _store(changed, known, at=at)
        timeline.append(incident, EntryKind.CHAIN, by=by, data={"said": _said(changed)}, at=at)
        PublicRevision.objects.bump(incident)


def _changed(
    incident: Incident,
    link: ChainLink,
    standing: Standing,
    known: LinkStanding | None,
    *,
    by: User,
    at: datetime,
) -> LinkStanding | None:
    """The row as *standing* makes it, None where it says what *known* says."""
    same = known if known and known.state == standing.state else None
    since = standing.since or (same.since if same else at)
    row = LinkStanding(
        incident=incident,
        link=link,
        state=standing.state,
        since=sense.past(since, at=at, field=f"since_{link.key}", not_before=incident.began_at),
        recorded_at=at,
        by=by,
        **_notes(link, standing),
    )
    if standing.confirmed:
        row.confirmed_by = standing.confirmed.by
        row.confirmed_at = _confirmed_at(incident, link, standing, same, at=at)
    told = ("state", "since", "confirmed_by_id", "confirmed_at", "notes")
    if known and all(getattr(row, name) == getattr(known, name) for name in told):
        return None
    return row


def _confirmed_at(
    incident: Incident, link: ChainLink, standing: Standing, same: LinkStanding | None, *, at: datetime
) -> datetime:
    assert standing.confirmed  # noqa: S101 -- asked only then
    if standing.state == LinkState.UNKNOWN:
        raise Refused(_("What is not known cannot be confirmed."), field=f"confirmed_{link.key}")
    moment, partner = standing.confirmed.at, standing.confirmed.by
    if same and moment is None and same.confirmed_by_id == (partner.pk if partner else None):
        moment = same.confirmed_at
    return sense.past(moment, at=at, field=f"at_{link.key}", not_before=incident.began_at)


def _notes(link: ChainLink, standing: Standing) -> dict[str, str]:
    """In French and Dutch at least, or in no language at all."""
    required = any(text.strip() for text in standing.note.values())
    return {
        f"note_{language}": sense.public(
            standing.note.get(language, ""),
            most=LONGEST_NOTE,
            field=f"note_{link.key}_{language}",
            required=required and language in REQUIRED_PUBLIC_LANGUAGES,
        )
        for language in Language
    }


def _store(changed: Collection[LinkStanding], known: Mapping[int, LinkStanding], *, at: datetime) -> None:
    """Over what is *known*; the other links of the chain come to stand there as unknown."""
    first = next(iter(changed))
    said = {row.link_id for row in changed} | known.keys()
    unsaid = ChainLink.objects.filter(chain=first.link.chain_id).exclude(pk__in=said)
    unknown = [
        LinkStanding(
            incident=first.incident,
            link=link,
            state=LinkState.UNKNOWN,
            since=at,
            recorded_at=at,
            by_id=first.by_id,
        )
        for link in unsaid
    ]
    LinkStanding.objects.bulk_create(
        [*changed, *unknown],
        update_conflicts=True,
        unique_fields=["incident", "link"],
        update_fields=[
            "state",
            "since",
            "confirmed_by",
            "confirmed_at",
            *(f"note_{language}" for language in Language),
            "recorded_at",
            "by",
        ],
    )


def _said(changed: Collection[LinkStanding]) -> dict[str, str]:
    """The entry's sentence in each language of the interface."""
    said = {}
    for language in INTERFACE_LANGUAGES:
        with override(language):
            said[str(language)] = "; ".join(_sentence(row, language) for row in changed)
    return said


def _sentence(row: LinkStanding, language: str) -> str:
    words = {"link": row.link.name_in(language), "state": LinkState(row.state).label}
    if row.confirmed_at is None:
        return gettext("%(link)s: %(state)s") % words
    partner = row.confirmed_by
    words["who"] = partner.name_in(language) if partner else gettext("us")
    return gettext("%(link)s: %(state)s, confirmed by %(who)s") % words
