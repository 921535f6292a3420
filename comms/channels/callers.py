"""To those who called about an incident: the message itself, in their language, because they called."""

from comms.channels.base import Capabilities, Doubt
from comms.channels.email import EmailTransport


class CallerMail(EmailTransport):
    """As to the members of a list, of whom there is none: the addresses are those of the pharmacies that called."""

    capabilities = Capabilities(in_doubt=Doubt.REPEAT, batch=100, senders=2)
