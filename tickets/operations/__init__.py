"""Every decision about contacts, callbacks and reports. Only these functions write them."""

from tickets.operations.callbacks import claim_callback, close_callback, note_try, release_callback
from tickets.operations.contacts import (
    CallbackRequest,
    Conflict,
    ContactChanges,
    edit_contact,
    log_contact,
    one_line,
    undo_contact,
)
from tickets.operations.crew import (
    end_invitation,
    end_shift,
    invite_volunteer,
    join,
    start_shift,
    write_note,
)
from tickets.operations.guidance import AnswerData, be_at, confirm_seen, remove_answer, save_answer
from tickets.operations.imports import apply_import, forget_imports, stage_import
from tickets.operations.informing import inform_callers, phone_instead
from tickets.operations.mail import take_mail
from tickets.operations.mentions import take_mention
from tickets.operations.phone_calls import forget_calls, settle_calls, settle_offer, take_event
from tickets.operations.pressure import weigh_calls
from tickets.operations.replies import reply, settle_mail
from tickets.operations.reports import report
from tickets.operations.rises import dismiss_rise
from tickets.operations.sorting import (
    attach_contacts,
    attach_number,
    hand_over,
    merge_contacts,
    split_contact,
)
from tickets.operations.urgent import claim_urgent, close_urgent, release_urgent, reopen_urgent

__all__ = [
    "AnswerData",
    "CallbackRequest",
    "Conflict",
    "ContactChanges",
    "apply_import",
    "attach_contacts",
    "attach_number",
    "be_at",
    "claim_callback",
    "claim_urgent",
    "close_callback",
    "close_urgent",
    "confirm_seen",
    "dismiss_rise",
    "edit_contact",
    "end_invitation",
    "end_shift",
    "forget_calls",
    "forget_imports",
    "hand_over",
    "inform_callers",
    "invite_volunteer",
    "join",
    "log_contact",
    "merge_contacts",
    "note_try",
    "one_line",
    "phone_instead",
    "release_callback",
    "release_urgent",
    "remove_answer",
    "reopen_urgent",
    "reply",
    "report",
    "save_answer",
    "settle_calls",
    "settle_mail",
    "settle_offer",
    "split_contact",
    "stage_import",
    "start_shift",
    "take_event",
    "take_mail",
    "take_mention",
    "undo_contact",
    "weigh_calls",
    "write_note",
]
