"""Messages to our own people in Slack and Teams: payloads and answers as their makers document them."""

import json
from typing import Any

import pytest

from comms.channels import posting, slack, teams
from comms.channels.teams import card
from comms.models import Channel, ChannelKind, DeliveryState
from tests.comms.channels.outgoing import channel, owe, send, test_of
from tests.comms.receivers import HookServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(hook: HookServer) -> HookServer:
    hook.url = hook.url.removesuffix("/hook")
    return hook


@pytest.fixture
def slack_channel(server: HookServer) -> Channel:
    return channel(ChannelKind.SLACK, server.url)


@pytest.fixture
def teams_channel(server: HookServer) -> Channel:
    server.status, server.body = 202, b""
    return channel(ChannelKind.TEAMS, server.url)


def test_what_slack_is_sent_calls_nobody_and_stands_as_it_is(
    server: HookServer, slack_channel: Channel
) -> None:
    delivery = send(owe(slack_channel, text="<!channel> *R&D* <https://a.example|b>"))

    [received] = server.received
    assert (received.method, received.path) == ("POST", "/services/T0/B0/slack-secret")
    assert received.headers["Content-Type"] == "application/json"
    assert json.loads(received.body) == {
        "text": "&lt;!channel&gt; *R&amp;D* &lt;https://a.example|b&gt;",
        "mrkdwn": False,
    }
    assert (delivery.state, delivery.attempts.get().detail) == ("sent", "HTTP 200")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "action_prohibited"),
        (404, "no_service"),
        (404, "channel_not_found"),
        (410, "channel_is_archived"),
    ],
)
def test_an_address_that_slack_closed_leaves_it_to_a_person(
    server: HookServer, slack_channel: Channel, status: int, said: str
) -> None:
    server.status, server.body = status, said.encode()

    delivery = send(owe(slack_channel))

    assert (delivery.state, delivery.error) == ("by-hand", f"{slack.SHUT}\n{said}")


def test_what_slack_does_not_understand_is_told(server: HookServer, slack_channel: Channel) -> None:
    server.status, server.body = 400, b"invalid_payload"

    delivery = send(owe(slack_channel))

    assert (delivery.state, delivery.error) == ("failed", "HTTP 400\ninvalid_payload")


def content(received: Any) -> dict[str, Any]:
    document = json.loads(received.body)
    assert document.keys() == {"type", "attachments"}
    assert document["type"] == "message"
    [attachment] = document["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    return dict(attachment["content"])


def test_what_teams_is_sent_is_a_card(server: HookServer, teams_channel: Channel) -> None:
    delivery = send(owe(teams_channel, text="Panne *totale*\n\nVoir https://status.example/fr/."))

    [received] = server.received
    assert received.path == "/workflows/1/triggers/manual/paths/invoke?sig=teams-secret"
    assert content(received) == {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "lang": "fr",
        "fallbackText": "Panne *totale*\n\nVoir https://status.example/fr/.",
        "msteams": {"width": "Full"},
        "body": [
            {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "Panne *totale*"}]},
            {
                "type": "RichTextBlock",
                "inlines": [
                    {"type": "TextRun", "text": "Voir "},
                    {
                        "type": "TextRun",
                        "text": "https://status.example/fr/",
                        "selectAction": {"type": "Action.OpenUrl", "url": "https://status.example/fr/"},
                    },
                    {"type": "TextRun", "text": "."},
                ],
            },
        ],
    }
    assert (delivery.state, delivery.attempts.get().detail) == ("sent", teams.TAKEN)


def test_a_card_loses_no_character_but_empty_lines() -> None:
    text = "1. [lien](https://évil.example) <at>x</at>\r\n\r\n- https://a.example/b_(c)?d=e&f#g, *fin*"

    shown = ["".join(run["text"] for run in block["inlines"]) for block in card(text, "nl")["body"]]

    assert shown == [line for line in text.splitlines() if line]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "DirectApiAuthorizationRequired"),
        (404, "WorkflowNotFound"),
        (400, "WorkflowTriggerIsNotEnabled"),
    ],
)
def test_a_workflow_that_is_gone_or_off_leaves_it_to_a_person(
    server: HookServer, teams_channel: Channel, status: int, code: str
) -> None:
    server.status = status
    server.body = json.dumps({"error": {"code": code, "message": "The workflow."}}).encode()

    delivery = send(owe(teams_channel))

    assert (delivery.state, delivery.error) == ("by-hand", f"{teams.SHUT}\nThe workflow.")


def test_a_workflow_that_wants_another_body_is_told(server: HookServer, teams_channel: Channel) -> None:
    server.status = 400
    server.body = b'{"error": {"code": "TriggerInputSchemaMismatch", "message": "Invalid type."}}'

    delivery = send(owe(teams_channel))

    assert (delivery.state, delivery.error) == ("failed", "HTTP 400\nInvalid type.")


@pytest.mark.parametrize("kind", [ChannelKind.SLACK, ChannelKind.TEAMS])
def test_a_test_is_a_message_to_our_own_people(server: HookServer, kind: ChannelKind) -> None:
    delivery = test_of(channel(kind, server.url))

    [received] = server.received
    assert "Vous ne devez rien faire." in json.dumps(json.loads(received.body), ensure_ascii=False)
    assert delivery.state == DeliveryState.SENT


def test_a_hotel_that_answers_in_place_of_slack_is_not_believed(
    server: HookServer, slack_channel: Channel
) -> None:
    server.body = b"<html>Welcome. Sign in for Wi-Fi.</html>"

    delivery = send(owe(slack_channel))

    assert (delivery.state, delivery.error) == ("unknown", posting.STRANGE)
