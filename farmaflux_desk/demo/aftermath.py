"""Where the story says that messages got stuck, and what was learned of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.models import User
from farmaflux_desk.demo.cast import Cast
from farmaflux_desk.demo.story import Clock, data
from incidents import operations
from incidents.models import Incident, LinkState

US = "us"


def set_chain(
    incident: Incident, links: Mapping[str, Any], cast: Cast, clock: Clock, *, by: User, at: datetime
) -> None:
    """*links* by key: {state, since, confirmed: a partner's key or "us", confirmed_at, note: by language}."""
    standings = {cast.links[key]: _standing(told, cast, clock) for key, told in links.items()}
    operations.set_chain(incident, standings, by=by, at=at)


def _standing(told: Mapping[str, Any], cast: Cast, clock: Clock) -> operations.Standing:
    who, when = told.get("confirmed"), told.get("confirmed_at")
    return operations.Standing(
        LinkState(told["state"]),
        since=clock.at(told["since"]) if "since" in told else None,
        confirmed=operations.Confirmation(
            None if who == US else cast.partners[who], clock.at(when) if when else None
        )
        if who
        else None,
        note={language: clock.filled_in(note) for language, note in told.get("note", {}).items()},
    )


def learn(incident: Incident, name: str, *, by: User, at: datetime) -> None:
    texts = {language: text.strip() for language, text in data("postmortems")[name].items()}
    draft = operations.write_postmortem(incident, texts, by=by, at=at)
    operations.publish_postmortem(incident, by=by, revision=draft.revision, at=at)
