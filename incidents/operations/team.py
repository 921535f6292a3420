"""Who holds which role while the incident lasts."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.refusals import Refused
from incidents import permissions, timeline
from incidents.models import EntryKind, Incident, ResponseRole, RoleAssignment
from incidents.operations import rows


@transaction.atomic
def assign_role(
    incident: Incident,
    role: ResponseRole,
    person: User | None,
    *,
    by: User,
    at: datetime | None = None,
) -> None:
    """Hand *role* to *person*, None for nobody; who held it is released. The public does not see it."""
    permissions.check_run_incident(by)
    at = at or timezone.now()
    incident = rows.locked(incident)
    held = incident.role_assignments.filter(role=role, released_at=None).select_related("person").first()
    if person == (held.person if held else None):
        return
    if person and not person.is_active:
        raise Refused(_("%(person)s no longer works here.") % {"person": person.display_name}, field=role)
    if held:
        held.released_at = max(at, held.assigned_at)
        held.save()
    if person:
        RoleAssignment.objects.create(incident=incident, role=role, person=person, assigned_at=at)
    data = {
        "role": str(role),
        "person": person.display_name if person else "",
        "from": held.person.display_name if held else "",
    }
    timeline.append(incident, EntryKind.ROLE, by=by, data=data, at=at)
