from tickets.models.callback_try import CallbackTry, TryOutcome
from tickets.models.contact import (
    Callback,
    CallbackState,
    CallbackWindow,
    Contact,
    ContactChannel,
    ContactImpact,
    ContactOutcome,
    UrgentKind,
)
from tickets.models.crew import CameBy, HandOverNote, Shift, VolunteerInvitation
from tickets.models.guidance import Answer, Presence, Seen
from tickets.models.informed import Informed, InformedBy
from tickets.models.mail import Mail, MailKind
from tickets.models.pharmacy import Pharmacy, PharmacyPhone, Province, SoftwareHouse
from tickets.models.phone_call import PhoneCall
from tickets.models.pressure import RiseDismissed
from tickets.models.report import RUN_UP, Report
from tickets.models.staged_import import ImportKind, StagedImport
from tickets.models.urgent import UrgentAnswer, UrgentCase

__all__ = [
    "RUN_UP",
    "Answer",
    "Callback",
    "CallbackState",
    "CallbackTry",
    "CallbackWindow",
    "CameBy",
    "Contact",
    "ContactChannel",
    "ContactImpact",
    "ContactOutcome",
    "HandOverNote",
    "ImportKind",
    "Informed",
    "InformedBy",
    "Mail",
    "MailKind",
    "Pharmacy",
    "PharmacyPhone",
    "PhoneCall",
    "Presence",
    "Province",
    "Report",
    "RiseDismissed",
    "Seen",
    "Shift",
    "SoftwareHouse",
    "StagedImport",
    "TryOutcome",
    "UrgentAnswer",
    "UrgentCase",
    "UrgentKind",
    "VolunteerInvitation",
]
