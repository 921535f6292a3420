"""Who holds which role while the incident lasts, and who stands in."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from incidents import permissions, timeline
from incidents.models import EntryKind, Incident, ResponseRole, RoleAssignment
from incidents.operations import rows
from incidents.operations.sense import written

DEPUTY = "_deputy"  # what the names of fields for deputies end with
LONGEST_WORD = 300


@transaction.atomic
def assign_role(
    incident: Incident,
    role: ResponseRole,
    person: User | None,
    *,
    by: User,
    deputy: bool = False,
    at: datetime | None = None,
) -> None:
    """Hand *role* to *person*, None for nobody; who held it is released. The public does not see it.

    *deputy*: not the role itself, but standing in for who holds it; who comes to hold it is no longer its deputy.
    """
    permissions.check_run_incident(by)
    _assign(incident, role, person, by=by, deputy=deputy, text="", at=at or incident.now())


@transaction.atomic
def hand_over(
    incident: Incident, role: ResponseRole, *, word: str = "", by: User, at: datetime | None = None
) -> User:
    """Whoever holds *role* hands it to her deputy, with a *word*, and stands in from now on; so may an incident lead.

    Returns who holds it now. Raises Refused where nobody stands in.
    """
    incident = rows.locked(incident)
    held = _row(incident, role, deputy=False)
    if not permissions.can_run_incident(by) and (held is None or held.person != by):
        raise NotAllowed(_("Only who holds this role, or an incident lead, may hand it over."))
    word = written(word, most=LONGEST_WORD, field="word", required=False)
    standing_in = _row(incident, role, deputy=True)
    if standing_in is None:
        raise Refused(_("Nobody stands in for this role: name a deputy first."))
    at = at or incident.now()
    _assign(incident, role, standing_in.person, by=by, deputy=False, text=word, at=at)
    if held:
        _assign(incident, role, held.person, by=by, deputy=True, text="", at=at)
    return standing_in.person


def _row(incident: Incident, role: ResponseRole, *, deputy: bool) -> RoleAssignment | None:
    found = incident.role_assignments.current().filter(role=role, deputy=deputy)
    return found.select_related("person").first()


def _assign(
    incident: Incident,
    role: ResponseRole,
    person: User | None,
    *,
    by: User,
    deputy: bool,
    text: str,
    at: datetime,
) -> None:
    incident = rows.locked(incident)
    held, other = _row(incident, role, deputy=deputy), _row(incident, role, deputy=not deputy)
    if person == (held.person if held else None):
        return
    field = f"{role}{DEPUTY}" if deputy else str(role)
    if person and not person.is_active:
        raise Refused(_("%(person)s no longer works here.") % {"person": person.display_name}, field=field)
    if person and other and other.person == person:
        if deputy:
            raise Refused(_("Who holds a role does not stand in for herself."), field=field)
        _release(other, at)
    if held:
        _release(held, at)
    if person:
        RoleAssignment.objects.create(
            incident=incident, role=role, person=person, deputy=deputy, assigned_at=at
        )
    data = {
        "role": str(role),
        "person": person.display_name if person else "",
        "from": held.person.display_name if held else "",
        **({"deputy": True} if deputy else {}),
    }
    timeline.append(incident, EntryKind.ROLE, by=by, text=text, data=data, at=at)


def _release(row: RoleAssignment, at: datetime) -> None:
    row.released_at = max(at, row.assigned_at)
    row.save()
