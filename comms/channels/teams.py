"""Messages in a Microsoft Teams channel or chat, by a workflow "when a Teams webhook request is received":
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook

The address is the secret: who knows it can post. 202 says that the workflow was started; whether it posted the card
stands in its run history alone.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.credentials import secret
from comms.channels.http import Answer, judge, one_line, told
from comms.channels.posting import Call, Posting, said
from comms.channels.webhook import check_address
from comms.models import Delivery
from comms.posts import counting

GONE = {401, 403, 404, 410}
SWITCHED_OFF = "WorkflowTriggerIsNotEnabled"
_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]»]")

SHUT = gettext_noop(
    "The workflow no longer takes messages: switch it on, or an administrator enters the address of a new one."
)
TAKEN = gettext_noop("taken by the workflow; whether it posted it, its run history tells")


class TeamsTransport(Posting):
    """A workflow gives no name to what it posts: nothing can be looked for, changed or removed."""

    capabilities = Capabilities(in_doubt=Doubt.ASK, by_hand=True, limit=counting.TEAMS)
    settings: tuple[Setting, ...] = (
        Setting(
            "url",
            _("Address of the workflow"),
            _("From the workflow “Send webhook alerts to a channel”. It is a secret: who knows it can post."),
            secret=True,
            check=check_address,
        ),
    )

    def prepare(self, delivery: Delivery) -> Call:
        attachment = {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": card(said(delivery), delivery.language or "fr"),
        }
        content = json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False)
        headers = {"Content-Type": "application/json"}
        return Call("POST", secret(self._channel, "url"), headers, content.encode())

    def _judge(self, answer: Answer, message: Call) -> None:
        error = answer.document.get("error")
        error = error if isinstance(error, dict) else {}
        words = one_line(str(error.get("message", "")))
        if answer.status in GONE or error.get("code") == SWITCHED_OFF:
            raise TransportError(told(SHUT, words), by_hand=True)
        judge(answer, words=words, repeatable=message.repeatable)

    def _receipt(self, answer: Answer, message: Call) -> Receipt:
        return Receipt(TAKEN)


def card(text: str, language: str) -> dict[str, Any]:
    """*text* as an Adaptive Card, a block for each line: https://adaptivecards.io/explorer/RichTextBlock.html

    What a TextBlock shows goes through Markdown; a TextRun shows it as it is, and its addresses are opened by a tap.
    """
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "lang": language,
        "fallbackText": text,
        "msteams": {"width": "Full"},
        "body": [
            {"type": "RichTextBlock", "inlines": list(_runs(line))}
            for line in text.splitlines()
            if line.strip()
        ],
    }


def _runs(line: str) -> Iterator[dict[str, Any]]:
    position = 0
    for found in _ADDRESS.finditer(line):
        if before := line[position : found.start()]:
            yield {"type": "TextRun", "text": before}
        opens = {"type": "Action.OpenUrl", "url": found[0]}
        yield {"type": "TextRun", "text": found[0], "selectAction": opens}
        position = found.end()
    if rest := line[position:]:
        yield {"type": "TextRun", "text": rest}
