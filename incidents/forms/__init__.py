from incidents.forms.declaring import DeclareForm, EditForm
from incidents.forms.running import (
    ConfirmForm,
    MoveForm,
    NoteForm,
    PlanForm,
    ReachForm,
    RolesForm,
    StatusesForm,
)

__all__ = [
    "ConfirmForm",
    "DeclareForm",
    "EditForm",
    "MoveForm",
    "NoteForm",
    "PlanForm",
    "ReachForm",
    "RolesForm",
    "StatusesForm",
]
