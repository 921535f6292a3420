"""The patterns that the desk comes with: for each kind of channel and each voice, in four languages.

A channel's own pattern (ChannelTemplate) holds instead of them for what is posted; notices are worded here alone.
"""

from comms.posts.words import CORRECTION, FREDDY, SIGNED, WITHDRAWAL
from incidents.models import Phase

FREDDY_VOICE = "freddy"

# What is told, by kind of channel: the less room, the more of it is what to do.
_SMS = ("sms", "caller-sms")
_SHORT = "{headline} {do} {next}\n{url}"
_TOLD = {
    "sms": "{title}. {do} {next} {url}",
    "caller-sms": "{title}. {do} {next} {url}",
    "x": _SHORT,
    "bluesky": _SHORT,
    "mastodon": "{title}\n\n{body}\n\n{dont}\n\n{next}\n{url}",
    "facebook": "{title}\n\n{headline}\n\n{body}\n\n{do}\n{dont}\n\n{patient}\n\n{next}\n{url}",
    "linkedin": "{title}\n\n{headline}\n\n{body}\n\n{do}\n{dont}\n\n{next}\n{url}",
}
_TO_COLLEAGUES = "{title} ({phase})\n{services}\n\n{body}\n\n{do}\n{dont}\n{patient}\n\n{next}\n{url}"


def pattern(kind: str, voice: str, language: str, phase: str) -> str:
    """What a post of that kind of channel says, by whom, while the incident is in *phase*."""
    told = _TOLD.get(kind, _TO_COLLEAGUES)
    if kind in _SMS:
        return f"{SIGNED if voice == FREDDY_VOICE else 'FarmaFlux'}: {told}"
    if voice != FREDDY_VOICE:
        return told
    body, _newline, address = told.rpartition("\n")
    return f"{FREDDY[Phase(phase)][language]} {body}\n{SIGNED}\n{address}"


def correction(kind: str, language: str) -> str:
    """For a channel that cannot change a post: what our message of *sent* should have said."""
    if kind in _SMS:
        return f"FarmaFlux: {CORRECTION[language]} {{title}}. {{do}} {{next}} {{url}}"
    return f"{CORRECTION[language]} {{headline}} {{body}} {{next}}\n{{url}}"


def withdrawal(kind: str, language: str) -> str:
    """For a channel that cannot remove a post."""
    begun = "FarmaFlux: " if kind in _SMS else ""
    return f"{begun}{WITHDRAWAL[language]} {{url}}"
