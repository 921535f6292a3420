"""What belongs to messages and channels, and the questions that publishing asks of them, composed once."""

from django.db.models import BigIntegerField, CharField

from accounts.composed import Composed, ComposedPrefetch
from comms.models import (
    CALLERS,
    STAFF,
    Channel,
    ChannelTemplate,
    Correction,
    ListMember,
    PostText,
    Update,
    UpdateService,
    UpdateText,
)
from incidents.models import PHASE_CHANGES, Incident

TEXTS = ComposedPrefetch("texts", lambda owners: UpdateText.objects.filter(update__in=owners))
SERVICES = ComposedPrefetch(
    "services", lambda owners: UpdateService.objects.filter(update__in=owners).select_related("service")
)
POSTS = ComposedPrefetch("posts", lambda owners: PostText.objects.filter(update__in=owners))
HELD_BACK_FROM = ComposedPrefetch(
    "held_back_from",
    lambda owners: (
        Update.held_back_from.through.objects.filter(update__in=owners)
        .select_related("channel")
        .order_by("channel__position", "channel__key")
    ),
)
CORRECTIONS = ComposedPrefetch("corrections", lambda owners: Correction.objects.filter(update__in=owners))
WRITTEN = (TEXTS, SERVICES, POSTS, HELD_BACK_FROM)
"""What a draft is beside its row."""

TEMPLATES = ComposedPrefetch("templates", lambda owners: ChannelTemplate.objects.filter(channel__in=owners))
MEMBERS = ComposedPrefetch("members", lambda owners: ListMember.objects.filter(mail_list__in=owners))

channels = Composed(
    lambda: (
        Channel.objects.filter(enabled=True).exclude(kind__in=[*CALLERS, *STAFF]).select_related("mail_list")
    ),
)
"""The channels that messages about incidents go to."""

incidents = Composed(
    lambda public_id: Incident.objects.filter(public_id=public_id),
    [PHASE_CHANGES],
    public_id=CharField(),
)
"""The one with that id, and its phase."""

drafts = Composed(
    lambda public_id: (
        Update.objects.drafts()
        .filter(incident__public_id=public_id)
        .select_related("incident", "saved_by", "plan_item")
    ),
    public_id=CharField(),
)
"""The draft of the incident with that id, one at most."""

last_standing = Composed(
    lambda incident: Update.objects.standing().filter(incident=incident)[:1],
    [TEXTS],
    incident=BigIntegerField(),
)
"""The last message published about an incident and not withdrawn."""

last_number = Composed(
    lambda incident: (
        Update.objects.filter(incident=incident, number__isnull=False)
        .order_by("-number")
        .values_list("number", flat=True)[:1]
    ),
    incident=BigIntegerField(),
)
"""The number of the last message published about an incident."""
