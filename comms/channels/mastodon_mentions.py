"""Who mentions us on Mastodon, by https://docs.joinmastodon.org/methods/notifications/ (scope read:notifications)."""

import re
from collections.abc import Mapping
from datetime import datetime
from html import unescape
from typing import Any, Self
from urllib.parse import urlencode

from django.utils.html import strip_tags

from comms.channels.base import TransportError
from comms.channels.hearing import LARGEST, LONGEST_NAME, Heard, Mention
from comms.channels.http import Web, one_line
from comms.channels.mastodon import MastodonTransport, posted_at
from comms.channels.posting import STRANGE_AGAIN

PAGE = 20
PAGES_BACK = 50  # to find where to begin
_BREAKS = re.compile(r"(?i)<br\s*/?>|</p>\s*<p[^>]*>")


class MastodonListener(MastodonTransport):
    """Notifications have rising ids: what comes after one is asked for, the oldest first."""

    def __enter__(self) -> Self:
        self._web = Web(self._channel, largest=LARGEST).__enter__()
        return self

    def hear(self, place: Mapping[str, Any], since: datetime) -> Heard:
        after = str(place.get("after") or self._before(since))
        found = self._page(min_id=after)
        newest = max([after, *(str(each["id"]) for each in found)], key=_in_order)
        mentions = [mention for each in reversed(found) if (mention := _mention(each))]
        return Heard(mentions, {"after": newest}, more=bool(found))

    def _before(self, since: datetime) -> str:
        """The id of the last mention before *since*; 0 where there was none."""
        last: dict[str, str] = {}
        for _page in range(PAGES_BACK):
            found = self._page(**last)
            for each in found:
                if posted_at(each) < since:
                    return str(each["id"])
            if not found:
                return "0"
            last = {"max_id": str(found[-1]["id"])}
        return last["max_id"]

    def _page(self, **after: str) -> list[dict[str, Any]]:
        """The newest first."""
        query = urlencode({"types[]": "mention", "limit": PAGE, **after})
        found = self._asked(f"notifications?{query}").json
        if not isinstance(found, list) or not all(
            isinstance(each, dict) and each.get("id") for each in found
        ):
            raise TransportError(STRANGE_AGAIN)
        return found


def _in_order(name: str) -> tuple[int, str]:
    return len(name), name


def _mention(notification: dict[str, Any]) -> Mention | None:
    """None for what is no mention, or one that could not be answered."""
    status, account = notification.get("status"), notification.get("account")
    if not isinstance(status, dict) or not isinstance(account, dict):
        return None
    name, author = str(status.get("id") or ""), str(account.get("acct") or "")
    if notification.get("type") != "mention" or not name or not author or len(name) > LONGEST_NAME:
        return None
    above = status.get("in_reply_to_id")
    return Mention(
        address=str(status.get("uri") or status.get("url") or name),
        name=name,
        url=str(status.get("url") or status.get("uri") or ""),
        author=f"@{one_line(author)}",
        author_name=one_line(str(account.get("display_name") or "")),
        text=_written(status),
        language=str(status.get("language") or ""),
        at=posted_at(status),
        answers=(str(above),) if above else (),
    )


def _written(status: Mapping[str, Any]) -> str:
    """What was written, under its warning where it has one."""
    content = _BREAKS.sub("\n", str(status.get("content") or ""))
    warning = str(status.get("spoiler_text") or "")
    return "\n".join(part for part in (warning, unescape(strip_tags(content)).strip()) if part)
