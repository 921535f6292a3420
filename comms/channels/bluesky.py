"""Posts on Bluesky, records of the account's own repository: https://docs.bsky.app/docs/advanced-guides/posts,
lexicons com.atproto.server.createSession, com.atproto.repo.putRecord, getRecord and deleteRecord, app.bsky.feed.post;
limits: https://docs.bsky.app/docs/advanced-guides/rate-limits.

A record can be changed, but Bluesky's app goes on showing the post as it was first (bluesky-social/social-app#673).
So a post is not edited: it is removed, or a correction is posted under it.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.credentials import secret
from comms.channels.http import Answer, Web, judge, one_line, told
from comms.channels.posting import FOUND, GONE, NAMELESS, REMOVED, STRANGE, STRANGE_AGAIN, page, setting
from comms.channels.servers import check_server
from comms.channels.threads import above
from comms.models import Action, Channel, Delivery, Notice
from comms.posts import counting

POSTS = "app.bsky.feed.post"
SERVER = "https://bsky.social"
NO_RECORD = ("RecordNotFound", "Could not locate record")  # the error's name, or of older servers its message
LINK = re.compile(r"(?:(?<=[\s(])|^)https?://\S+", re.MULTILINE)
POST = re.compile(
    r"(?:at://|https://bsky\.app/profile/)(?P<who>[^/]+)/(?:app\.bsky\.feed\.post|post)/(?P<name>[\w.:~-]+)"
)
SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"

WRONG_PASSWORD = gettext_noop(
    "Bluesky does not accept the handle and the app password: an administrator enters new ones."
)
INACTIVE = gettext_noop("Bluesky says that the account is not active.")
ANOTHER_ACCOUNT = gettext_noop("The post is another account's: change or remove it by hand.")


@dataclass(frozen=True)
class Write:
    """What is done to one record as the account *handle*; with neither *record* nor *removes* it only signs in."""

    handle: str
    password: str = field(repr=False)
    name: str = ""
    """The record's key; to remove one, the address by which its post is known."""
    record: dict[str, Any] = field(default_factory=dict)
    above: str = ""
    """The address of the post that it answers."""
    answers: bool = False
    """That post is somebody else's: it is not sent without it."""
    removes: bool = False


@dataclass(frozen=True)
class Session:
    server: str
    did: str
    handle: str
    token: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    """With it a new token is asked for, without a sign-in."""


class BlueskyTransport:
    """A post's key in the repository is made from the delivery, so that a repeat writes the same post once more."""

    capabilities = Capabilities(
        in_doubt=Doubt.REPEAT,
        limit=counting.BLUESKY,
        idempotent=True,
        reads_back=True,
        deletes=True,
        threads=True,
        media=True,
        by_hand=True,
    )
    settings: tuple[Setting, ...] = (
        Setting("handle", _("Handle"), _("Of the account: farmaflux.bsky.social")),
        Setting(
            "password",
            _("App password"),
            _("Made in the account's settings under app passwords. Never the account's own password."),
            secret=True,
        ),
        Setting(
            "server",
            _("Server"),
            _("Where the account signs in."),
            required=False,
            default=SERVER,
            check=check_server,
        ),
    )

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._session: Session | None = None

    def __enter__(self) -> Self:
        self._web = Web(self._channel).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        self._web.__exit__(kind, error, trace)

    def prepare(self, delivery: Delivery) -> Write:
        handle = setting(self._channel, "handle").strip().removeprefix("@")
        password = secret(self._channel, "password")
        if delivery.notice == Notice.TEST:
            return Write(handle, password)
        if delivery.action == Action.DELETE:
            return Write(handle, password, _address(delivery.original), removes=True)
        if delivery.notice == Notice.REPLY:
            name, record = record_key(delivery), _record(delivery)
            return Write(handle, password, name, record, delivery.recipient, answers=True)
        first = above(delivery)
        return Write(
            handle, password, record_key(delivery), _record(delivery), _address(first) if first else ""
        )

    def send(self, message: Write) -> Receipt:
        session = self._signed_in(message)
        if message.removes:
            return self._remove(session, message)
        if not message.record:
            return Receipt(f"@{session.handle}")
        reply = self._reply(session, message)
        content = _place(session, message.name) | {"record": message.record | reply}
        answer = self._asked(message, "com.atproto.repo.putRecord", json=content)
        address = answer.document.get("uri")
        if address != f"at://{session.did}/{POSTS}/{message.name}":
            raise TransportError(STRANGE, maybe_sent=True)
        return _receipt(session, message.name, f"HTTP {answer.status}")

    def _remove(self, session: Session, message: Write) -> Receipt:
        """Also of what is gone already."""
        name = _own(session, message.name)
        if not name:
            raise TransportError(ANOTHER_ACCOUNT, by_hand=True)
        self._asked(message, "com.atproto.repo.deleteRecord", json=_place(session, name))
        return Receipt(REMOVED, id=f"at://{session.did}/{POSTS}/{name}")

    def find(self, message: Write) -> Receipt | None:
        session = self._signed_in(message)
        name = _own(session, message.name) if message.removes else message.name
        there = bool(name) and bool(self._read(session, session.did, name))
        if message.removes:
            return Receipt(REMOVED) if name and not there else None
        return _receipt(session, name, FOUND) if there else None

    def _reply(self, session: Session, message: Write) -> dict[str, Any]:
        """Both ends of the thread that a post joins: its first post and the one it answers.

        Empty when that is gone; of an answer to somebody TransportError is raised then.
        """
        post = POST.match(message.above)
        known = post is not None and (message.answers or bool(_own(session, message.above)))
        answered = self._read(session, post["who"], post["name"]) if post and known else {}
        if not answered and message.answers:
            raise TransportError(GONE, permanent=True)
        if not answered:
            return {}
        parent = {"uri": answered["uri"], "cid": answered["cid"]}
        ends = answered["value"].get("reply") or {}
        return {"reply": {"root": ends.get("root", parent), "parent": parent}}

    def _read(self, session: Session, who: str, name: str) -> dict[str, Any]:
        """The record of that name in the repository of *who*, with uri, cid and value; empty when there is none."""
        query = urlencode({"repo": who, "collection": POSTS, "rkey": name})
        answer = self._call(session, f"com.atproto.repo.getRecord?{query}")
        if answer.status in (400, 404) and any(word in error_words(answer) for word in NO_RECORD):
            return {}
        judge(answer, words=error_words(answer), repeatable=True)
        found = answer.document
        if not (
            isinstance(found.get("uri"), str)
            and isinstance(found.get("cid"), str)
            and isinstance(found.get("value"), dict)
        ):
            raise TransportError(STRANGE_AGAIN)
        return found

    def _asked(self, message: Write, method: str, **body: Any) -> Answer:
        """Once more with a new session when the token has expired meanwhile (ExpiredToken, a 400)."""
        answer = self._call(self._signed_in(message), method, **body)
        if answer.document.get("error") == "ExpiredToken":
            self._session = None
            answer = self._call(self._signed_in(message), method, **body)
        judge(answer, words=error_words(answer), refused=WRONG_PASSWORD)
        return answer

    def _call(self, session: Session, method: str, **body: Any) -> Answer:
        headers = {"Authorization": f"Bearer {session.token}"}
        return self._web.call(
            "POST" if body else "GET", f"{session.server}/xrpc/{method}", headers=headers, **body
        )

    def _signed_in(self, message: Write) -> Session:
        """Asked for once while the lane is emptied: Bluesky allows some hundred sessions a day."""
        if self._session is None:
            self._session = self._sign_in(message)
        return self._session

    def _sign_in(self, message: Write) -> Session:
        server = (self._channel.settings.get("server") or SERVER).rstrip("/")
        try:
            answer = self._web.call(
                "POST",
                f"{server}/xrpc/com.atproto.server.createSession",
                json={"identifier": message.handle, "password": message.password},
            )
        except TransportError as error:
            error.maybe_sent = False  # nothing was posted by it
            raise
        judge(answer, words=error_words(answer), refused=WRONG_PASSWORD, repeatable=True)
        return _session(answer.document, server)


def _session(said: dict[str, Any], server: str) -> Session:
    if said.get("active") is False:
        raise TransportError(told(INACTIVE, one_line(str(said.get("status") or ""))), by_hand=True)
    did, handle, token = said.get("did"), said.get("handle"), said.get("accessJwt")
    refresh = said.get("refreshJwt")
    if not (isinstance(did, str) and isinstance(handle, str) and isinstance(token, str)):
        raise TransportError(STRANGE_AGAIN)
    home = _home(said.get("didDoc")) or server
    return Session(home, did, handle, token, refresh if isinstance(refresh, str) else "")


def _home(document: Any) -> str:
    """The account's own server, by its DID document (https://atproto.com/specs/did); empty where it names none."""
    services = document.get("service") if isinstance(document, dict) else None
    for service in services if isinstance(services, list) else []:
        if isinstance(service, dict) and str(service.get("id", "")).endswith("#atproto_pds"):
            return str(service.get("serviceEndpoint") or "").rstrip("/")
    return ""


def error_words(answer: Answer) -> str:
    """What an XRPC server says of an error: {"error": "Name", "message": "…"}."""
    said = [answer.document.get(name) for name in ("error", "message")]
    return one_line(": ".join(word for word in said if isinstance(word, str))) or answer.words


def _place(session: Session, name: str) -> dict[str, Any]:
    return {"repo": session.did, "collection": POSTS, "rkey": name}


def _receipt(session: Session, name: str, detail: str) -> Receipt:
    return Receipt(
        detail,
        id=f"at://{session.did}/{POSTS}/{name}",
        url=f"https://bsky.app/profile/{session.did}/post/{name}",
    )


def _address(delivery: Delivery | None) -> str:
    """By which the post is known, also one that a person posted. Raises TransportError."""
    if delivery is None or not (found := delivery.external_id or delivery.external_url):
        raise TransportError(NAMELESS, by_hand=True)
    return found


def _own(session: Session, address: str) -> str:
    """The key of the account's own post at *address*; empty where it is none."""
    found = POST.match(address)
    return found["name"] if found and found["who"] in (session.did, session.handle) else ""


def _record(delivery: Delivery) -> dict[str, Any]:
    """The same each time it is made, but for a card that is corrected meanwhile."""
    at = delivery.created_at.astimezone(UTC).isoformat(timespec="milliseconds")
    card = (
        {"embed": {"$type": "app.bsky.embed.external", "external": _card(delivery)}}
        if delivery.update
        else {}
    )
    return {
        "$type": POSTS,
        "text": delivery.text,
        "facets": facets(delivery.text),
        "langs": [delivery.language],
        "createdAt": at.replace("+00:00", "Z"),
        **card,
    }


def _card(delivery: Delivery) -> dict[str, str]:
    """The incident's page. What a message says of it stands there only while it holds."""
    incident, language = delivery.message.incident, delivery.language
    text = delivery.message.text_in(language) if delivery.action == Action.POST else None
    return {
        "uri": page(delivery),
        "title": f"FarmaFlux · {incident.title_in(language)}",
        "description": text.headline if text else "",
    }


def facets(text: str) -> list[dict[str, Any]]:
    """The links of *text*, by their place in bytes of UTF-8, as app.bsky.richtext.facet wants them."""
    return [
        {
            "index": {
                "byteStart": _bytes(text[: found.start()]),
                "byteEnd": _bytes(text[: found.start()] + link),
            },
            "features": [{"$type": "app.bsky.richtext.facet#link", "uri": link}],
        }
        for found in LINK.finditer(text)
        for link in [_trimmed(found[0])]
    ]


def _trimmed(link: str) -> str:
    """Without the mark that ends the sentence, or the bracket around it."""
    link = re.sub(r"[.,;:!?]$", "", link)
    return link[:-1] if link.endswith(")") and "(" not in link else link


def _bytes(text: str) -> int:
    return len(text.encode())


def record_key(delivery: Delivery) -> str:
    """A TID (https://atproto.com/specs/tid) within the second in which the delivery was owed; its key tells where.

    A second has 2³⁰ of them, so that the posts of one update in four languages do not meet.
    """
    place = delivery.key.int % 10**6
    clock = delivery.key.int // 10**6 % 1024
    number = (int(delivery.created_at.timestamp()) * 10**6 + place) << 10 | clock
    return "".join(SORTABLE[number >> shift & 31] for shift in range(60, -5, -5))
