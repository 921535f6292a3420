"""Which transport carries which kind of channel."""

from comms.channels.apprise import AppriseTransport
from comms.channels.base import Capabilities, Transport
from comms.channels.bluesky import BlueskyTransport
from comms.channels.bluesky_mentions import BlueskyListener
from comms.channels.callers import CallerMail
from comms.channels.email import EmailTransport
from comms.channels.facebook import FacebookTransport
from comms.channels.hearing import Listener
from comms.channels.linkedin import LinkedInTransport
from comms.channels.mastodon import MastodonTransport
from comms.channels.mastodon_mentions import MastodonListener
from comms.channels.reminding import StaffBrowser, StaffMail
from comms.channels.slack import SlackTransport
from comms.channels.sms import SmsTransport
from comms.channels.subscribers import SubscriberMail, SubscriberWebhook
from comms.channels.teams import TeamsTransport
from comms.channels.unregistered import Unregistered
from comms.channels.webhook import WebhookTransport
from comms.channels.x import XTransport
from comms.models import Channel, ChannelKind

TRANSPORTS: dict[str, type[Transport]] = {
    ChannelKind.EMAIL: EmailTransport,
    ChannelKind.MASTODON: MastodonTransport,
    ChannelKind.BLUESKY: BlueskyTransport,
    ChannelKind.SMS: SmsTransport,
    ChannelKind.X: XTransport,
    ChannelKind.FACEBOOK: FacebookTransport,
    ChannelKind.LINKEDIN: LinkedInTransport,
    ChannelKind.SLACK: SlackTransport,
    ChannelKind.TEAMS: TeamsTransport,
    ChannelKind.WEBHOOK: WebhookTransport,
    ChannelKind.APPRISE: AppriseTransport,
    ChannelKind.CALLER_EMAIL: CallerMail,
    ChannelKind.CALLER_SMS: SmsTransport,
    ChannelKind.STAFF_EMAIL: StaffMail,
    ChannelKind.STAFF_SMS: SmsTransport,
    ChannelKind.STAFF_BROWSER: StaffBrowser,
    ChannelKind.SUBSCRIBER_EMAIL: SubscriberMail,
    ChannelKind.SUBSCRIBER_WEBHOOK: SubscriberWebhook,
}

LISTENERS: dict[ChannelKind, type[Listener]] = {
    ChannelKind.MASTODON: MastodonListener,
    ChannelKind.BLUESKY: BlueskyListener,
}


def listener(channel: Channel) -> Listener:
    return LISTENERS[ChannelKind(channel.kind)](channel)


def transport(channel: Channel) -> Transport:
    """Of a kind that this version does not know, one that sends nothing and says so."""
    return TRANSPORTS.get(channel.kind, Unregistered)(channel)


def capabilities(channel: Channel) -> Capabilities:
    return TRANSPORTS.get(channel.kind, Unregistered).capabilities
