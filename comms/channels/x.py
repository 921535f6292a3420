"""Posts on X, by its API v2: https://docs.x.com/x-api/posts/create-post, errors and limits under
https://docs.x.com/x-api/fundamentals/response-codes-and-errors.

Requests are signed by OAuth 1.0a (https://docs.x.com/fundamentals/authentication/oauth-1-0a), whose tokens do not
expire until somebody revokes them. Those of OAuth 2.0 last two hours, and the token that renews them is good for one
renewal within about six months: a desk that is silent for longer, or dies between renewing and storing, would need a
person, in the middle of the next outage. X has said that OAuth 1.0a will be retired, without a date; from then on it
answers 401 here, which leaves the text to be posted by hand.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from oauthlib.oauth1 import Client

from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.http import Answer, judge, one_line, told
from comms.channels.posting import (
    ALREADY_THERE,
    REFUSED,
    REMOVED,
    Call,
    Posting,
    check_token,
    name_of,
    name_of_original,
    said,
    strange,
    token,
)
from comms.channels.threads import above
from comms.models import Action, Channel, Delivery, Notice
from comms.posts import counting

API = "https://api.x.com/2"
LONGEST_WAIT = timedelta(hours=1)  # a message about an outage is not kept until tomorrow's allowance
WINDOWS = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")

_IN_ADDRESS = re.compile(r"^https://(?:x|twitter)\.com/[^?#]*/status/(\d+)")

FULL = gettext_noop("X takes no more posts from this app for more than an hour: post by hand.")


class XTransport(Posting):
    """X is given no key and a search costs a paid plan, so that in doubt a person looks. Edits need X Premium."""

    capabilities = Capabilities(
        in_doubt=Doubt.ASK, by_hand=True, limit=counting.X, deletes=True, threads=True
    )
    settings: tuple[Setting, ...] = (
        Setting("api_key", _("API key"), secret=True, check=check_token),
        Setting("api_secret", _("API key secret"), secret=True, check=check_token),
        Setting(
            "access_token",
            _("Access token"),
            _("Of the account that posts, made with the permission Read and write."),
            secret=True,
            check=check_token,
        ),
        Setting("access_secret", _("Access token secret"), secret=True, check=check_token),
    )

    def prepare(self, delivery: Delivery) -> Call:
        if delivery.notice == Notice.TEST:
            return self._signed("GET", f"{API}/users/me", repeatable=True)
        if delivery.action == Action.DELETE:
            name = name_of_original(delivery, _IN_ADDRESS)
            return self._signed("DELETE", f"{API}/tweets/{quote(name, safe='')}", repeatable=True, shown=name)
        content: dict[str, object] = {"text": said(delivery)}
        post = above(delivery)
        if post and (name := name_of(post, _IN_ADDRESS)):
            content["reply"] = {"in_reply_to_tweet_id": name}
        return self._signed("POST", f"{API}/tweets", json.dumps(content).encode())

    def _signed(
        self, method: str, url: str, content: bytes = b"", *, repeatable: bool = False, shown: str = ""
    ) -> Call:
        """Of JSON the signature covers address and method, not the body (RFC 5849, 3.4.1.3.1)."""
        headers = _signer(self._channel).sign(url, method)[1]
        if content:
            headers["Content-Type"] = "application/json"
        return Call(method, url, headers, content, repeatable, shown)

    def _judge(self, answer: Answer, message: Call) -> None:
        words = _words(answer)
        if answer.status == 404 and message.method == "DELETE":
            return  # it is gone
        if answer.status == 403 and "duplicate content" in words:
            raise TransportError(told(ALREADY_THERE, words), maybe_sent=True, permanent=True)
        if answer.status == 429:
            raise _too_many(answer, words)
        judge(answer, words=words, refused=REFUSED, repeatable=message.repeatable)

    def _receipt(self, answer: Answer, message: Call) -> Receipt:
        if answer.status == 404:
            return Receipt(REMOVED, id=message.shown)
        data = answer.document.get("data")
        data = data if isinstance(data, dict) else {}
        if message.method == "GET" and isinstance(data.get("username"), str):
            return Receipt(f"@{data['username']}")
        if message.method == "DELETE" and data.get("deleted") is True:
            return Receipt(REMOVED, id=message.shown)
        if message.method == "POST" and isinstance(name := data.get("id"), str) and name.isdecimal():
            return Receipt(f"HTTP {answer.status}", id=name, url=f"https://x.com/i/web/status/{name}")
        raise strange(message)


def _signer(channel: Channel) -> Client:
    return Client(
        token(channel, "api_key"),
        token(channel, "api_secret"),
        token(channel, "access_token"),
        token(channel, "access_secret"),
    )


def _too_many(answer: Answer, words: str) -> TransportError:
    """The windows that are used up say when they begin anew, in seconds since 1970; the last of them counts."""
    waits = [answer.retry_after] if answer.retry_after else []
    for window in WINDOWS:
        reset = answer.headers.get(f"{window}-reset", "")
        if reset.isdecimal() and answer.headers.get(f"{window}-remaining", "0") == "0":
            waits.append(datetime.fromtimestamp(min(int(reset), 2**40), UTC) - datetime.now(UTC))
    wait = max([*waits, timedelta()])
    if wait > LONGEST_WAIT or "usage-capped" in str(answer.document.get("type")):
        return TransportError(told(FULL, words), by_hand=True)
    return TransportError("HTTP 429", retry_after=wait)


def _words(answer: Answer) -> str:
    """The detail of a problem (RFC 9457), or of the first of several."""
    found = answer.document
    errors = found.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    parts = (found.get("detail") or first.get("message") or first.get("detail") or found.get("title"),)
    return one_line(" ".join(part for part in parts if isinstance(part, str)))
