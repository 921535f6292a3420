"""Posts of a Facebook page, by the Graph API: https://developers.facebook.com/docs/pages-api/posts, errors under
https://developers.facebook.com/docs/graph-api/guides/error-handling.

A page's token made from a long-lived user token does not expire by itself; it dies with that person's password or role.
"""

from typing import Any
from urllib.parse import quote, urlencode

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.http import Answer, judge, one_line, told
from comms.channels.posting import (
    ALREADY_THERE,
    REFUSED,
    Call,
    Posting,
    check_digits,
    check_token,
    name_of_original,
    page,
    said,
    setting,
    strange,
    token,
)
from comms.models import Action, Delivery, Notice
from comms.posts import counting

API = "https://graph.facebook.com/v25.0"
TRANSIENT = {1, 2}  # its own fault; whether it posted all the same it does not say
TOO_MANY = {4, 17, 32, 341, 613}
NO_LONGER = {3, 10, 102, 190, 368, *range(200, 300)}  # token, permission, or blocked
DUPLICATE = 506

OTHER_PAGE = gettext_noop("This token belongs to another page, or to a person: enter the page's own.")
DONE = gettext_noop("done")


class FacebookTransport(Posting):
    """Facebook knows no key and no search by text, so that in doubt a person looks."""

    capabilities = Capabilities(
        in_doubt=Doubt.ASK, by_hand=True, limit=counting.FACEBOOK, edits=True, deletes=True, media=True
    )
    settings: tuple[Setting, ...] = (
        Setting("page", _("Page ID"), _("The number under About, Page transparency."), check=check_digits),
        Setting(
            "token",
            _("Page access token"),
            _("Of the page itself, with pages_manage_posts and pages_read_engagement."),
            secret=True,
            check=check_token,
        ),
    )

    def prepare(self, delivery: Delivery) -> Call:
        if delivery.notice == Notice.TEST:
            return self._call("GET", "me?fields=id,name", repeatable=True)
        if delivery.action == Action.DELETE:
            return self._change("DELETE", name_of_original(delivery))
        if delivery.action == Action.EDIT:
            return self._change("POST", name_of_original(delivery), message=said(delivery))
        fields = {"message": said(delivery), "link": page(delivery)}
        return self._call("POST", f"{setting(self._channel, 'page')}/feed", fields)

    def _change(self, method: str, name: str, **fields: str) -> Call:
        return self._call(method, quote(name, safe=""), fields, repeatable=True, shown=name)

    def _call(
        self,
        method: str,
        path: str,
        fields: dict[str, str] | None = None,
        *,
        repeatable: bool = False,
        shown: str = "",
    ) -> Call:
        """The token stands in a header, so that no log of addresses has it."""
        headers = {"Authorization": f"Bearer {token(self._channel)}"}
        if fields:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return Call(method, f"{API}/{path}", headers, urlencode(fields or {}).encode(), repeatable, shown)

    def _judge(self, answer: Answer, message: Call) -> None:
        error = answer.document.get("error")
        if not isinstance(error, dict):
            judge(answer, words=answer.words, refused=REFUSED, repeatable=message.repeatable)
            return
        code, words = _code(error), _words(error)
        if code in NO_LONGER:
            raise TransportError(told(REFUSED, words), by_hand=True)
        if code == DUPLICATE:
            raise TransportError(told(ALREADY_THERE, words), maybe_sent=True, permanent=True)
        if code in TOO_MANY or answer.status == 429:
            raise TransportError(told("HTTP 429", words), retry_after=answer.retry_after)
        if code in TRANSIENT or error.get("is_transient") is True:
            raise TransportError(told(f"HTTP {answer.status}", words), maybe_sent=not message.repeatable)
        judge(answer, words=words, refused=REFUSED, repeatable=message.repeatable)
        raise strange(message)

    def _receipt(self, answer: Answer, message: Call) -> Receipt:
        found = answer.document
        if message.method == "GET":
            if found.get("id") != setting(self._channel, "page"):
                raise TransportError(OTHER_PAGE, by_hand=True)
            return Receipt(one_line(str(found.get("name", ""))) or f"HTTP {answer.status}")
        if message.repeatable and found.get("success") is True:
            return Receipt(DONE, id=message.shown, url=_url(message.shown))
        if not message.repeatable and isinstance(name := found.get("id"), str) and name:
            return Receipt(f"HTTP {answer.status}", id=name, url=_url(name))
        raise strange(message)


def _url(name: str) -> str:
    return f"https://www.facebook.com/{quote(name, safe='')}"


def _code(error: dict[str, Any]) -> int:
    """0 where it has none."""
    code = error.get("code")
    return code if isinstance(code, int) else 0


def _words(error: dict[str, Any]) -> str:
    """What it says to people, else to developers, with its number, by which its documentation is searched."""
    parts = error.get("error_user_msg") or error.get("message") or ""
    return one_line(f"{parts} ({error.get('code')})")
