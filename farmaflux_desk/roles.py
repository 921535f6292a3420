"""What each role may do. This table is the truth: migrating sets the groups to it."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from accounts.roles import Role

_AGENT = ("tickets.log_contact", "incidents.note_fact", "comms.tick_step")
_COMMUNICATIONS = (
    *_AGENT,
    "comms.write_update",
    "comms.publish_update",
    "incidents.change_course",
    "incidents.plan_work",
    "comms.start_plan",
    "comms.retry_delivery",
    "comms.count_subscribers",
    "comms.edit_wording",
    "tickets.edit_answer",
    "tickets.invite_volunteer",
)
_LEAD = (
    *_COMMUNICATIONS,
    "incidents.run_incident",
    "comms.edit_plan",
    "comms.decide_regime",
    "tickets.export_contacts",
)

ROLE_PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.OBSERVER: (),
    Role.VOLUNTEER: ("tickets.answer_as_volunteer",),
    Role.AGENT: _AGENT,
    Role.COMMUNICATIONS: _COMMUNICATIONS,
    Role.LEAD: _LEAD,
    Role.ADMINISTRATOR: (
        *_LEAD,
        "comms.configure_channel",
        "comms.switch_regime",
        "comms.find_subscriber",
        "tickets.import_lists",
        "accounts.add_user",
        "accounts.change_user",
        "accounts.view_user",
        "accounts.add_intake",
        "accounts.change_intake",
        "accounts.view_intake",
        *(
            f"{app}.{action}_{model}"
            for app, model in (
                ("incidents", "service"),
                ("incidents", "servicegroup"),
                ("incidents", "partner"),
                ("incidents", "dependency"),
                ("incidents", "chain"),
                ("incidents", "chainlink"),
                ("tickets", "pharmacy"),
                ("tickets", "pharmacyphone"),
                ("tickets", "softwarehouse"),
            )
            for action in ("add", "change", "view", "delete")
        ),
    ),
}


def set_roles(using: str = "default", **_: Any) -> None:
    """Make the groups and their permissions what ROLE_PERMISSIONS says; other groups are left alone."""
    for role, codes in ROLE_PERMISSIONS.items():
        group, _created = Group.objects.using(using).get_or_create(name=role.value)
        wanted = Q(pk__in=[])
        for code in codes:
            app, codename = code.split(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
        found = Permission.objects.using(using).filter(wanted)
        if len(found) != len(codes):
            missing = set(codes) - {f"{p.content_type.app_label}.{p.codename}" for p in found}
            raise LookupError(f"Role {role.value}: no such permission: {', '.join(sorted(missing))}")
        group.permissions.set(found)
