"""Posts of a LinkedIn organisation, by its Posts API:
https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api

Its tokens last 60 days (https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow), so that
somebody enters a new one every two months; and each version of the API is answered for about a year.
"""

import json
import re
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.http import Answer, judge, one_line, told
from comms.channels.posting import (
    ALREADY_THERE,
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

API = "https://api.linkedin.com/rest"
VERSION = "202607"
POSTERS = {"ADMINISTRATOR", "CONTENT_ADMINISTRATOR", "CONTENT_ADMIN", "DIRECT_SPONSORED_CONTENT_POSTER"}
_NAME = re.compile(r"urn:li:(?:share|ugcPost):\d+")
_IN_ADDRESS = re.compile(r"^https://[\w.]*\blinkedin\.com/feed/update/(urn:li:(?:share|ugcPost):\d+)")
_RESERVED = re.compile(r"[\\|{}@\[\]()<>#*_~]")
_HASHTAG = re.compile(r"(?<![\w#])#(?=[^\W_])")

REFUSED = gettext_noop(
    "LinkedIn does not accept this token: they last 60 days. An administrator enters a new one."
)
OLD_VERSION = gettext_noop(
    "LinkedIn no longer answers this version of its API: an administrator enters a newer one."
)
NOT_A_POSTER = gettext_noop("Who made this token may not post for the organisation.")
NOT_A_VERSION = gettext_noop("Give year and month, six digits, as in 202607.")
DONE = gettext_noop("done")


def check_version(given: str) -> None:
    if not re.fullmatch(r"20[2-9]\d(?:0[1-9]|1[0-2])", given):
        raise ValueError(NOT_A_VERSION)


class LinkedInTransport(Posting):
    """LinkedIn is given no key; a repeat of the same text it refuses, for a while. In doubt a person looks."""

    capabilities = Capabilities(
        in_doubt=Doubt.ASK, by_hand=True, limit=counting.LINKEDIN, edits=True, deletes=True, media=True
    )
    settings: tuple[Setting, ...] = (
        Setting(
            "organisation",
            _("Organisation ID"),
            _("The number in the address of its administration page."),
            check=check_digits,
        ),
        Setting(
            "token",
            _("Access token"),
            _("With w_organization_social and rw_organization_admin. It lasts 60 days."),
            secret=True,
            check=check_token,
        ),
        Setting(
            "version",
            _("Version of the API"),
            _("Year and month; LinkedIn answers each for about a year."),
            default=VERSION,
            check=check_version,
        ),
    )

    def prepare(self, delivery: Delivery) -> Call:
        if delivery.notice == Notice.TEST:
            path = "organizationAcls?q=roleAssignee&state=APPROVED&count=100"
            return self._call("GET", path, repeatable=True)
        if delivery.action == Action.DELETE:
            return self._change("DELETE", "DELETE", name_of_original(delivery, _IN_ADDRESS))
        if delivery.action == Action.EDIT:
            patch = {"patch": {"$set": {"commentary": escaped(said(delivery))}}}
            return self._change("POST", "PARTIAL_UPDATE", name_of_original(delivery, _IN_ADDRESS), patch)
        return self._call("POST", "posts", self._post(delivery))

    def _post(self, delivery: Delivery) -> dict[str, Any]:
        text = delivery.message.text_in(delivery.language)
        title = (text and text.title) or delivery.message.incident.title_in(delivery.language)
        return {
            "author": self._organisation,
            "commentary": escaped(said(delivery)),
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            "content": {"article": {"source": page(delivery), "title": title}},
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }

    @property
    def _organisation(self) -> str:
        return f"urn:li:organization:{setting(self._channel, 'organisation')}"

    def _change(self, method: str, rest: str, name: str, content: dict[str, Any] | None = None) -> Call:
        path = f"posts/{quote(name, safe='')}"
        return self._call(method, path, content, repeatable=True, shown=name, extra={"X-RestLi-Method": rest})

    def _call(
        self,
        method: str,
        path: str,
        content: dict[str, Any] | None = None,
        *,
        repeatable: bool = False,
        shown: str = "",
        extra: dict[str, str] | None = None,
    ) -> Call:
        headers = {
            "Authorization": f"Bearer {token(self._channel)}",
            "LinkedIn-Version": self._channel.settings.get("version") or VERSION,
            "X-Restli-Protocol-Version": "2.0.0",
            **({"Content-Type": "application/json"} if content else {}),
            **(extra or {}),
        }
        body = json.dumps(content).encode() if content else b""
        return Call(method, f"{API}/{path}", headers, body, repeatable, shown)

    def _judge(self, answer: Answer, message: Call) -> None:
        words = one_line(str(answer.document.get("message", "")))
        if answer.status == 404 and message.method == "DELETE":
            return  # it is gone
        if answer.status == 426:
            raise TransportError(told(OLD_VERSION, words), by_hand=True)
        if answer.status in (400, 409, 422) and "duplicate" in words.lower():
            raise TransportError(told(ALREADY_THERE, words), maybe_sent=True, permanent=True)
        judge(answer, words=words, refused=REFUSED, repeatable=message.repeatable)

    def _receipt(self, answer: Answer, message: Call) -> Receipt:
        if message.method == "GET":
            return Receipt(self._role(answer.document))
        if message.repeatable:
            return Receipt(DONE, id=message.shown, url=_url(message.shown))
        name = answer.headers.get("x-restli-id", "")
        if not _NAME.fullmatch(name):
            raise strange(message)
        return Receipt(f"HTTP {answer.status}", id=name, url=_url(name))

    def _role(self, found: dict[str, Any]) -> str:
        """As whom the token may post. Raises TransportError, by hand, when it may not."""
        elements = found.get("elements")
        for each in elements if isinstance(elements, list) else []:
            if isinstance(each, dict) and self._may_post(each):
                return str(each["role"])
        raise TransportError(NOT_A_POSTER, by_hand=True)

    def _may_post(self, entry: dict[str, Any]) -> bool:
        whose = entry.get("organization"), entry.get("organizationTarget")  # the older name
        return (
            self._organisation in whose and entry.get("state") == "APPROVED" and entry.get("role") in POSTERS
        )


def escaped(text: str) -> str:
    """*text* as `little` text, in which it stands as it is; hashtags stay hashtags.

    https://learn.microsoft.com/linkedin/marketing/community-management/shares/little-text-format
    """
    kept = [match.start() for match in _HASHTAG.finditer(text)]
    return _RESERVED.sub(
        lambda found: found[0] if found.start() in kept else f"\\{found[0]}",
        text,
    )


def _url(name: str) -> str:
    return f"https://www.linkedin.com/feed/update/{name}/"
