"""The desk's sections, and what waits in each."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from farmaflux_desk.counts import Counts

SECTIONS = {
    "tickets:calls": "calls",
    "tickets:log": "calls",
    "tickets:undo": "calls",
    "tickets:readers": "calls",
    "tickets:answers": "calls",
    "tickets:answer": "calls",
    "tickets:answer_new": "calls",
    "tickets:call_new": "calls",
    "tickets:contacts": "calls",
    "tickets:contact": "calls",
    "tickets:urgent": "urgent",
    "tickets:urgent_act": "urgent",
    "tickets:pressure": "calls",
    "tickets:rise_dismiss": "calls",
    "tickets:mails": "mail",
    "tickets:mail": "mail",
    "tickets:crew": "phones",
    "tickets:shift_start": "phones",
    "tickets:hand_over_note": "phones",
    "tickets:invite": "phones",
    "tickets:callers": "callbacks",
    "tickets:callbacks": "callbacks",
    "tickets:callback_close": "callbacks",
    "tickets:pharmacies": "pharmacies",
    "tickets:pharmacy": "pharmacies",
    "tickets:import": "pharmacies",
    "tickets:import_one": "pharmacies",
    "comms:messages": "messages",
    "comms:compose": "messages",
    "comms:deliveries": "messages",
    "comms:subscribers": "messages",
    "comms:subscriber_find": "messages",
    "comms:channels": "channels",
    "comms:channel": "channels",
    "comms:channel_kinds": "channels",
    "comms:channel_add": "channels",
    "comms:channel_test": "channels",
    "comms:channel_tested": "channels",
    "comms:channel_texts": "channels",
    "comms:lists": "channels",
    "comms:list": "channels",
    "comms:list_add": "channels",
    "comms:list_names": "channels",
    "comms:list_paste": "channels",
    "comms:member": "channels",
    "comms:member_add": "channels",
    "comms:plan": "plan",
    "comms:plan_start": "plan",
    "comms:plan_decline": "plan",
    "comms:board": "plan",
    "comms:legal": "plan",
    "comms:legal_decide": "plan",
    "comms:legal_file": "plan",
    "comms:legal_switches": "plan",
    "comms:board_paper": "plan",
    "comms:brief": "plan",
    "comms:brief_read": "plan",
    "comms:tick": "plan",
    "comms:step": "plan",
    "comms:step_new": "plan",
    "comms:template": "plan",
    "comms:template_new": "plan",
    "comms:template_file": "plan",
    "comms:plans": "plan",
    "maintenance:list": "maintenance",
    "maintenance:plan": "maintenance",
    "maintenance:one": "maintenance",
    "maintenance:edit": "maintenance",
}


ROOM = ("desk:room", "desk:drills", "desk:score", "incidents:", "comms:call_in", "staff:")


@dataclass(frozen=True)
class RailItem:
    key: str
    label: str
    icon: str
    url: str
    count: int = 0
    count_label: str = ""


def section_of(view: str) -> str:
    """The key of the section that a view (namespace and name) belongs to; "" for none."""
    return SECTIONS.get(view, "room" if view.startswith(ROOM) else "")


def rail(counts: Counts, *, urgent: int, late: int, room_url: str, can_configure: bool) -> list[RailItem]:
    """*urgent*: patients who wait; *late*: steps of plans; *room_url*: of the incident that is shown, "" without one.

    The inbox where a mailbox or an account is read; the channels for an administrator alone.
    """
    items = [
        RailItem("calls", gettext("Calls"), "d-phone", reverse("tickets:calls")),
        RailItem(
            "urgent",
            gettext("Urgent"),
            "d-hour",
            reverse("tickets:urgent"),
            urgent,
            ngettext("%(n)d patient waiting", "%(n)d patients waiting", urgent) % {"n": urgent},
        ),
        RailItem("room", gettext("Room"), "d-room", room_url or reverse("incidents:list")),
        RailItem(
            "plan",
            gettext("Plan"),
            "d-list",
            reverse("comms:plans"),
            late,
            ngettext("%(n)d step late", "%(n)d steps late", late) % {"n": late},
        ),
        RailItem(
            "messages",
            gettext("Messages"),
            "d-send",
            reverse("comms:messages"),
            counts.drafts,
            ngettext("%(n)d draft", "%(n)d drafts", counts.drafts) % {"n": counts.drafts},
        ),
        RailItem(
            "callbacks",
            gettext("Callbacks"),
            "d-back",
            reverse("tickets:callbacks"),
            counts.callbacks,
            ngettext("%(n)d open callback", "%(n)d open callbacks", counts.callbacks)
            % {"n": counts.callbacks},
        ),
    ]
    if settings.DESK_IMAP or counts.accounts:
        label = ngettext("%(n)d message to answer", "%(n)d messages to answer", counts.mails)
        label %= {"n": counts.mails}
        items.append(
            RailItem("mail", gettext("Inbox"), "d-mail", reverse("tickets:mails"), counts.mails, label)
        )
    items += [
        RailItem("phones", gettext("Phones"), "d-desk", reverse("tickets:crew")),
        RailItem("pharmacies", gettext("Pharmacies"), "d-cross", reverse("tickets:pharmacies")),
        RailItem(
            "maintenance",
            gettext("Maintenance"),
            "i-maint",
            reverse("maintenance:list"),
            counts.maintenances,
            gettext("%(n)d late") % {"n": counts.maintenances},
        ),
    ]
    if can_configure:
        items.append(RailItem("channels", gettext("Channels"), "d-social", reverse("comms:channels")))
    return items
