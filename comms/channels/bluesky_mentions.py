"""Who mentions us on Bluesky, or answers us: lexicons app.bsky.notification.listNotifications and
com.atproto.server.refreshSession. The account's own server passes the question on to Bluesky's.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlencode

from django.utils.dateparse import parse_datetime

from comms import secrets
from comms.channels.base import TransportError
from comms.channels.bluesky import POST, WRONG_PASSWORD, BlueskyTransport, Session, Write, error_words
from comms.channels.credentials import secret
from comms.channels.hearing import LARGEST, LONGEST_NAME, Heard, Mention
from comms.channels.http import Answer, Web, judge, one_line
from comms.channels.posting import STRANGE_AGAIN, setting

PAGE = 50
REASONS = ("mention", "reply")


class BlueskyListener(BlueskyTransport):
    """Notifications come the newest first, so a walk goes back to where the one before began.

    The session is kept, sealed, in the place where reading goes on: Bluesky allows 300 new ones a day.
    """

    def __enter__(self) -> Self:
        self._web = Web(self._channel, largest=LARGEST).__enter__()
        return self

    def hear(self, place: Mapping[str, Any], since: datetime) -> Heard:
        self._session = _kept(str(place.get("session") or ""))
        until = _moment(place.get("until")) or since
        page = self._page(str(place.get("page") or ""))
        found = [(at, each) for each in page["notifications"] if (at := _moment(_said(each, "indexedAt")))]
        fresh = [(at, each) for at, each in found if at >= until]
        newest = str(place.get("newest") or "") or max(
            [until.isoformat(), *(at.isoformat() for at, _each in fresh)], key=datetime.fromisoformat
        )
        own = self._session.did if self._session else ""
        mentions = [mention for at, each in fresh if (mention := _mention(each, at, own))]
        follows = page.get("cursor")
        if isinstance(follows, str) and follows and len(fresh) == len(page["notifications"]) > 0:
            going_on = {"until": until.isoformat(), "newest": newest, "page": follows}
        else:
            going_on = {"until": newest}
        return Heard(mentions[::-1], going_on | {"session": _sealed(self._session)}, more="page" in going_on)

    def _page(self, cursor: str) -> dict[str, Any]:
        query = urlencode(
            [
                *(("reasons", reason) for reason in REASONS),
                ("limit", PAGE),
                ("priority", "false"),
                *([("cursor", cursor)] if cursor else []),
            ]
        )
        asked = f"app.bsky.notification.listNotifications?{query}"
        answer = self._call(self._signed_in(self._who), asked)
        if answer.document.get("error") in ("ExpiredToken", "InvalidToken"):
            self._session = self._renewed()
            answer = self._call(self._signed_in(self._who), asked)
        judge(answer, words=error_words(answer), refused=WRONG_PASSWORD, repeatable=True)
        if not isinstance(answer.document.get("notifications"), list):
            raise TransportError(STRANGE_AGAIN)
        return answer.document

    @property
    def _who(self) -> Write:
        handle = setting(self._channel, "handle").strip().removeprefix("@")
        return Write(handle, secret(self._channel, "password"))

    def _renewed(self) -> Session | None:
        """None where that is refused: then the password is used once more."""
        old = self._session
        if old is None or not old.refresh:
            return None
        answer: Answer = self._web.call(
            "POST",
            f"{old.server}/xrpc/com.atproto.server.refreshSession",
            headers={"Authorization": f"Bearer {old.refresh}"},
        )
        said = answer.document
        if answer.status != 200 or not isinstance(said.get("accessJwt"), str):
            return None
        return Session(
            old.server, old.did, old.handle, said["accessJwt"], str(said.get("refreshJwt") or old.refresh)
        )


def _kept(sealed: str) -> Session | None:
    try:
        return Session(**json.loads(secrets.unseal(sealed))) if sealed else None
    except (secrets.Unreadable, TypeError, ValueError):
        return None


def _sealed(session: Session | None) -> str:
    return secrets.seal(json.dumps(asdict(session))) if session else ""


def _said(notification: Any, name: str) -> Any:
    return notification.get(name) if isinstance(notification, dict) else None


def _moment(said: Any) -> datetime | None:
    try:
        at = parse_datetime(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return at.replace(tzinfo=at.tzinfo or UTC) if at else None


def _mention(notification: dict[str, Any], at: datetime, own: str) -> Mention | None:
    """None for what is none of REASONS, our own, or could not be answered."""
    uri, record, author = (notification.get(name) for name in ("uri", "record", "author"))
    post = POST.fullmatch(uri) if isinstance(uri, str) and len(uri) <= LONGEST_NAME else None
    if post is None or not isinstance(record, dict) or not isinstance(author, dict):
        return None
    if notification.get("reason") not in REASONS or author.get("did") == own:
        return None
    languages = record.get("langs")
    return Mention(
        address=post[0],
        name=post[0],
        url=f"https://bsky.app/profile/{post['who']}/post/{post['name']}",
        author=f"@{one_line(str(author.get('handle') or post['who']))}",
        author_name=one_line(str(author.get("displayName") or "")),
        text=str(record.get("text") or ""),
        language=str(languages[0]) if isinstance(languages, list) and languages else "",
        at=at,
        answers=tuple(_above(record.get("reply"))),
    )


def _above(reply: Any) -> list[str]:
    """The post that is answered, then the first of its thread."""
    ends = [reply.get(name) for name in ("parent", "root")] if isinstance(reply, dict) else []
    return [end["uri"] for end in ends if isinstance(end, dict) and isinstance(end.get("uri"), str)]
