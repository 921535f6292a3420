"""Every desk page of the real day, 15:20: nothing for axe, nothing outside its frame, in French, light and dark."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from comms.forms.channels import offered
from comms.models import Channel, Delivery, ListMember, PlanTemplate
from farmaflux_desk.demo.operations import load
from farmaflux_desk.rehearsal import replay
from incidents.models import Incident, Maintenance
from tests.journeys.axe import DARK, LIGHT, violations
from tickets.models import Contact, Pharmacy

PARTS = 4  # of the pages, so that they can be looked at side by side
DOORS = ("account_login", "account_reset_password", "account_reset_password_done")


def addresses() -> list[str]:
    incident = Incident.objects.open().first()
    assert incident is not None
    over = Incident.objects.exclude(pk=incident.pk).latest("pk")
    public_id, template = incident.public_id, PlanTemplate.objects.earliest("pk")
    contact = Contact.objects.exclude(pharmacy=None).latest("pk")
    return [
        reverse("desk:room", args=[public_id]),
        reverse("desk:room", args=[over.public_id]),
        *(
            reverse(f"incidents:{name}", args=[public_id])
            for name in ("chain", "edit", "move", "statuses", "milestones", "roles", "note")
        ),
        reverse("incidents:postmortem", args=[over.public_id]),
        reverse("desk:score", args=[over.public_id]),
        *(
            reverse(f"comms:{name}", args=[public_id])
            for name in ("compose", "plan", "board", "board_paper", "brief", "legal", "call_in")
        ),
        *(
            reverse(f"maintenance:{name}", args=[Maintenance.objects.get().public_id])
            for name in ("one", "edit")
        ),
        f"{reverse('maintenance:plan')}?follows={public_id}",
        reverse("comms:deliveries", args=[public_id, 1]),
        reverse("comms:delivery", args=[Delivery.objects.latest("pk").pk]),
        reverse("comms:template", args=[template.key]),
        reverse("comms:step", args=[template.key, 3]),
        reverse("comms:template_new"),
        reverse("comms:template_file"),
        reverse("tickets:contact", args=[contact.pk]),
        reverse("tickets:pharmacy", args=[Pharmacy.objects.earliest("pk").pk]),
        *(
            reverse(name)
            for name in (
                "incidents:list",
                "incidents:declare",
                "maintenance:list",
                "comms:messages",
                "comms:subscribers",
                "comms:plans",
                "tickets:calls",
                "tickets:contacts",
                "tickets:callbacks",
                "tickets:pharmacies",
                "desk:keys",
                "desk:drills",
                "desk:wall",
                "staff:list",
                "staff:add",
                "accounts:profile",
                "account_change_password",
            )
        ),
        "/desk/nothing/",
    ]


def addresses_of_an_administrator() -> list[str]:
    channels, member = Channel.objects.all(), ListMember.objects.earliest("pk")
    return [
        *(
            reverse(f"comms:{name}")
            for name in ("channels", "channel_kinds", "lists", "list_add", "legal_switches")
        ),
        *(reverse("comms:channel", args=[channel.pk]) for channel in channels),
        *(reverse("comms:channel_add", args=[kind]) for kind in offered()),
        *(
            reverse(f"comms:{name}", args=[member.mail_list_id])
            for name in ("list", "list_names", "list_paste", "member_add")
        ),
        reverse("comms:member", args=[member.pk]),
    ]


def complaints(page: Page, address: str) -> list[tuple[str, ...]]:
    """What axe finds in the light, what dark colours change of it, and the widths at which something sticks out."""
    page.goto(address)
    found: list[tuple[str, ...]] = [
        (address, scheme, *one) for scheme in (LIGHT, DARK) for one in violations(page, scheme)
    ]
    for width in (320, 390, 1366):
        page.set_viewport_size({"width": width, "height": 768})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append((address, "wider than its window", str(width)))
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_axe_finds_nothing_and_nothing_sticks_out(
    desk: str, open_page: Callable[..., Page], sign_in: Callable[[Page, User], None], part: int
) -> None:
    load(live=True, password="quiet-afternoon")
    page = open_page(reduced_motion="reduce")  # or a colour is measured halfway to the other
    found = [one for name in DOORS[part::PARTS] for one in complaints(page, desk + reverse(name))]
    lead = User.objects.get(username="lead")
    sign_in(page, lead)
    for address in addresses()[part::PARTS]:
        found += complaints(page, desk + address)
    drill = replay.begin(replay.built_in(), key=uuid4(), speed=60, by=lead).public_id
    of_a_drill = (reverse("desk:room", args=[drill]), f"{reverse('tickets:calls')}?incident={drill}")
    for address in of_a_drill[part::PARTS]:
        found += complaints(page, desk + address)
    sign_in(page, User.objects.get(username="admin"))
    for address in addresses_of_an_administrator()[part::PARTS]:
        found += complaints(page, desk + address)

    assert not found, "\n".join(map(str, found))
