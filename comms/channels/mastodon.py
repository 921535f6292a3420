"""Posts on Mastodon, by https://docs.joinmastodon.org/methods/statuses/ (posts, edits, removal, Idempotency-Key) and
https://docs.joinmastodon.org/methods/accounts/ (what the account posted); limits: .../api/rate-limits/.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.utils.dateparse import parse_datetime
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.http import Answer, judge, one_line
from comms.channels.posting import (
    FOUND,
    GONE,
    NAMELESS,
    REFUSED,
    REMOVED,
    Call,
    Posting,
    check_token,
    setting,
    strange,
    token,
)
from comms.channels.servers import check_server
from comms.channels.threads import above
from comms.models import Action, Delivery, Notice
from comms.posts import counting

PAGE = 5  # statuses at a time: more might not fit into the largest answer that is read
PAGES = 6
CLOCKS = timedelta(minutes=5)  # by which theirs may differ from ours
VISIBILITIES = ("public", "unlisted", "private")
NARROWING = (*VISIBILITIES, "direct")

NO_VISIBILITY = gettext_noop("Give public, unlisted or private.")
TOO_FAR_BACK = gettext_noop("The account has posted too much since to find out: look whether it is there.")


def check_visibility(given: str) -> None:
    """Raises ValueError, fit for a person."""
    if given not in VISIBILITIES:
        raise ValueError(NO_VISIBILITY)


@dataclass(frozen=True)
class Status(Call):
    """A new post. *said* without white space is how it is known again; *others* are known to be other ones."""

    body: dict[str, str] = field(default_factory=dict)
    since: datetime = field(kw_only=True)
    others: frozenset[str] = frozenset()
    answers: str = ""
    """Somebody else's post: it is not sent without that, nor shown to more people."""

    @property
    def said(self) -> str:
        return _bare(self.body["status"])


class MastodonTransport(Posting):
    """Mastodon knows a key for an hour; what may have arrived is looked for first, however long ago it was."""

    capabilities = Capabilities(
        in_doubt=Doubt.LOOK,
        limit=counting.MASTODON,
        idempotent=True,
        reads_back=True,
        edits=True,
        deletes=True,
        threads=True,
        by_hand=True,
    )
    settings: tuple[Setting, ...] = (
        Setting(
            "server", _("Server"), _("Where the account is: https://mastodon.example"), check=check_server
        ),
        Setting(
            "visibility",
            _("Visibility"),
            _("public, unlisted (in no public timeline) or private (followers alone)."),
            required=False,
            default="public",
            check=check_visibility,
        ),
        Setting(
            "token",
            _("Access token"),
            _("Of an application of the account, with the scopes read and write:statuses."),
            secret=True,
            check=check_token,
        ),
    )

    def prepare(self, delivery: Delivery) -> Call:
        if delivery.notice == Notice.TEST:
            return self._call("GET", "accounts/verify_credentials")
        if delivery.action == Action.DELETE:
            name = self._name(delivery.original)
            return self._call("DELETE", f"statuses/{quote(name, safe='')}", shown=name)
        body = {"status": delivery.text, "language": delivery.language}
        if delivery.action == Action.EDIT:
            name = self._name(delivery.original)
            return self._call("PUT", f"statuses/{quote(name, safe='')}", body, shown=name)
        return self._status(delivery, body)

    def _call(self, method: str, path: str, body: dict[str, str] | None = None, *, shown: str = "") -> Call:
        """One that may be made twice."""
        content = json.dumps(body).encode() if body else b""
        return Call(method, self._address(path), self._headers(), content, repeatable=True, shown=shown)

    def _status(self, delivery: Delivery, body: dict[str, str]) -> Status:
        body["visibility"] = self._channel.settings.get("visibility") or "public"
        if delivery.notice == Notice.REPLY:
            body["in_reply_to_id"] = delivery.recipient
        elif first := above(delivery):
            body["in_reply_to_id"] = self._name(first)
        known = Delivery.objects.filter(channel=delivery.channel_id).exclude(pk=delivery.pk)
        return Status(
            "POST",
            self._address("statuses"),
            self._headers() | {"Idempotency-Key": str(delivery.key)},
            json.dumps(body).encode(),
            body=body,
            answers=delivery.recipient,
            since=delivery.created_at - CLOCKS,
            others=frozenset(
                known.filter(created_at__gte=delivery.created_at - timedelta(hours=1))
                .exclude(external_id="")
                .values_list("external_id", flat=True)
            ),
        )

    def _address(self, path: str) -> str:
        return f"{setting(self._channel, 'server').rstrip('/')}/api/v1/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {token(self._channel)}", "Content-Type": "application/json"}

    def _name(self, delivery: Delivery | None) -> str:
        """What the post is called there; of one that a person posted its address tells. Raises TransportError."""
        if delivery is None:
            raise TransportError(NAMELESS, by_hand=True)
        last = urlsplit(delivery.external_url).path.rstrip("/").rpartition("/")[2]
        if name := delivery.external_id or last:
            return name
        raise TransportError(NAMELESS, by_hand=True)

    def send(self, message: Call) -> Receipt:
        """A post whose thread is gone (404) begins one of its own; an answer to somebody is not sent then."""
        if isinstance(message, Status) and message.answers:
            message = self._answering(message)
        answer = self._answer(message)
        if (
            answer.status == 404
            and isinstance(message, Status)
            and "in_reply_to_id" in message.body
            and not message.answers
        ):
            body = {name: said for name, said in message.body.items() if name != "in_reply_to_id"}
            answer = self._answer(replace(message, body=body, content=json.dumps(body).encode()))
        self._judge(answer, message)
        return self._receipt(answer, message)

    def _answering(self, message: Status) -> Status:
        """For no more people than the post that it answers was."""
        call = self._call("GET", f"statuses/{quote(message.answers, safe='')}")
        answer = self._answer(call)
        if answer.status == 404:
            raise TransportError(GONE, permanent=True)
        self._judge(answer, call)
        theirs = answer.document.get("visibility")
        ours = message.body["visibility"]
        body = message.body | {"visibility": max(ours, str(theirs), key=_narrowness)}
        return replace(message, body=body, content=json.dumps(body).encode())

    def _judge(self, answer: Answer, message: Call) -> None:
        if answer.status == 404 and message.method == "DELETE":
            return  # it is gone
        judge(answer, words=_words(answer), refused=REFUSED, repeatable=message.repeatable)

    def _receipt(self, answer: Answer, message: Call) -> Receipt:
        if message.method == "DELETE":
            return Receipt(REMOVED, id=message.shown)
        if message.method == "GET" and isinstance(who := answer.document.get("acct"), str):
            return Receipt(f"@{who}")
        if message.method != "GET" and (found := _named(answer.document)):
            return replace(found, detail=f"HTTP {answer.status}")
        raise strange(message)

    def find(self, message: Call) -> Receipt | None:
        """Among what the account posted since; a change or a removal is simply made again."""
        if not isinstance(message, Status):
            return None
        account = self._asked("accounts/verify_credentials").document.get("id", "")
        before: dict[str, str] = {}
        for _page in range(PAGES):
            query = urlencode({"limit": PAGE, "exclude_reblogs": "true", **before})
            statuses = self._asked(f"accounts/{quote(str(account), safe='')}/statuses?{query}").json
            if not isinstance(statuses, list):
                raise strange(message)
            for status in statuses:
                if posted_at(status) < message.since:
                    return None
                found = _named(status)
                if found and found.id not in message.others and _text(status) == message.said:
                    return found
            if not statuses:
                return None
            before = {"max_id": str(statuses[-1].get("id"))}
        raise TransportError(TOO_FAR_BACK, permanent=True)

    def _asked(self, path: str) -> Answer:
        call = self._call("GET", path)
        answer = self._answer(call)
        self._judge(answer, call)
        return answer


def _words(answer: Answer) -> str:
    """What Mastodon says of an error: {"error": "…", "error_description": "…"}."""
    said = [answer.document.get(name) for name in ("error", "error_description")]
    return one_line(": ".join(word for word in said if isinstance(word, str))) or answer.words


def _named(status: Any) -> Receipt | None:
    """A receipt for a Status of theirs; None for anything else."""
    if not isinstance(status, dict) or not isinstance(name := status.get("id"), str) or not name:
        return None
    return Receipt(FOUND, id=name, url=str(status.get("url") or status.get("uri") or ""))


def posted_at(status: Any) -> datetime:
    """When a Status or a Notification was made. Raises TransportError for what is neither."""
    said = status.get("created_at") if isinstance(status, dict) else None
    try:
        at = parse_datetime(said) if isinstance(said, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise TransportError(TOO_FAR_BACK)
    return at


def _text(status: dict[str, Any]) -> str:
    return _bare(unescape(strip_tags(str(status.get("content", "")))))


def _bare(text: str) -> str:
    """Without white space, which becomes <p> and <br> there; of @someone@elsewhere only @someone is shown."""
    return "".join(counting.MENTION.sub(lambda found: found["local"], text).split())


def _narrowness(visibility: str) -> int:
    """What we do not know is shown to nobody else."""
    return NARROWING.index(visibility) if visibility in NARROWING else len(NARROWING)
