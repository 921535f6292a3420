"""Where messages get stuck: what may be said of a link, and by whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.operations import drafts
from comms.status import facts
from comms.status.snapshot import snapshot
from incidents import operations
from incidents.models import (
    Chain,
    ChainLink,
    Entry,
    EntryKind,
    Incident,
    LinkStanding,
    LinkState,
    Partner,
    Phase,
    PublicRevision,
    ServiceStatus,
)
from incidents.operations import Confirmation, Standing
from incidents.timeline import describe
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def links() -> dict[str, ChainLink]:
    return factories.chain("pharmacy", "farmaflux", "sciensano", services=[factories.service("dpp")])


@pytest.fixture
def sciensano() -> Partner:
    return Partner.objects.create(
        key="sciensano", name_fr="Sciensano", name_nl="Sciensano", position="downstream"
    )


@pytest.fixture
def incident() -> Incident:
    began_at = timezone.now().replace(second=0, microsecond=0) - timedelta(hours=1)
    return factories.incident(
        services={factories.service("dpp"): ServiceStatus.MAJOR},
        began_at=began_at,
        by=factories.user(Role.LEAD),
    )


def say(incident: Incident, role: Role = Role.COMMUNICATIONS, /, **standings: Standing) -> None:
    links = {link.key: link for link in ChainLink.objects.all()}
    operations.set_chain(
        incident, {links[key]: standing for key, standing in standings.items()}, by=factories.user(role)
    )


def told() -> tuple[facts.Link, ...]:
    (incident,) = snapshot(timezone.now()).incidents
    return incident.chain


def test_what_is_said_of_a_link_is_public_and_the_others_are_not_known(
    links: dict[str, ChainLink], incident: Incident, sciensano: Partner
) -> None:
    at = timezone.now() - timedelta(minutes=10)
    note = {"fr": "Ne reçoit rien.", "nl": "Ontvangt niets."}

    say(incident, sciensano=Standing(LinkState.STUCK, confirmed=Confirmation(sciensano, at), note=note))

    nothing = facts.Text()
    assert told() == (
        facts.Link(facts.Text("pharmacy fr", "pharmacy nl"), LinkState.UNKNOWN, None, None, nothing),
        facts.Link(facts.Text("farmaflux fr", "farmaflux nl"), LinkState.UNKNOWN, None, None, nothing),
        facts.Link(
            facts.Text("sciensano fr", "sciensano nl"),
            LinkState.STUCK,
            facts.Text("Sciensano", "Sciensano"),
            at,
            facts.Text("Ne reçoit rien.", "Ontvangt niets."),
        ),
    )


def test_what_we_confirm_ourselves_carries_our_name(links: dict[str, ChainLink], incident: Incident) -> None:
    say(incident, farmaflux=Standing(LinkState.STUCK, confirmed=Confirmation(None)))

    assert told()[1].confirmed_by == facts.Text("FarmaFlux", "FarmaFlux", "FarmaFlux", "FarmaFlux")


def test_a_chain_of_which_nothing_is_known_is_not_told(
    links: dict[str, ChainLink], incident: Incident
) -> None:
    say(incident, farmaflux=Standing(LinkState.STUCK))
    say(incident, farmaflux=Standing(LinkState.UNKNOWN))

    assert told() == ()


def test_the_timeline_says_it_in_the_readers_language_and_the_site_follows(
    links: dict[str, ChainLink], incident: Incident, sciensano: Partner
) -> None:
    before = PublicRevision.objects.current()

    say(incident, sciensano=Standing(LinkState.WAITING, confirmed=Confirmation(sciensano)))

    entry = Entry.objects.get(kind=EntryKind.CHAIN)
    incident.refresh_from_db()
    assert describe(entry) == "sciensano fr : attend le maillon précédent, confirmé par Sciensano"
    assert incident.revision == PublicRevision.objects.current() == before + 1


def test_the_incident_changed_when_a_link_did(links: dict[str, ChainLink], incident: Incident) -> None:
    before = snapshot(timezone.now()).incidents[0].changed_at

    say(incident, farmaflux=Standing(LinkState.STUCK))

    recorded = LinkStanding.objects.get(link=links["farmaflux"]).recorded_at
    assert before < snapshot(timezone.now()).incidents[0].changed_at == recorded


def test_the_same_again_writes_nothing(links: dict[str, ChainLink], incident: Incident) -> None:
    standing = Standing(LinkState.STUCK, confirmed=Confirmation(None), note={"fr": "Plein.", "nl": "Vol."})
    say(incident, farmaflux=standing)
    before = PublicRevision.objects.current()

    say(incident, farmaflux=standing)

    assert (Entry.objects.count(), PublicRevision.objects.current()) == (1, before)


def test_a_new_state_begins_now_and_the_same_state_keeps_its_beginning(
    links: dict[str, ChainLink], incident: Incident
) -> None:
    since = incident.began_at + timedelta(minutes=1)
    say(incident, farmaflux=Standing(LinkState.STUCK, since))
    say(incident, farmaflux=Standing(LinkState.STUCK, confirmed=Confirmation(None)))
    kept = LinkStanding.objects.get(link=links["farmaflux"]).since

    say(incident, farmaflux=Standing(LinkState.OK))

    assert kept == since
    assert LinkStanding.objects.get(link=links["farmaflux"]).since > since


def test_whoever_says_another_state_does_not_borrow_the_moment_of_the_old_confirmation(
    links: dict[str, ChainLink], incident: Incident, sciensano: Partner
) -> None:
    early = incident.began_at + timedelta(minutes=1)
    say(incident, sciensano=Standing(LinkState.WAITING, confirmed=Confirmation(sciensano, early)))

    say(incident, sciensano=Standing(LinkState.OK, confirmed=Confirmation(sciensano)))

    assert told()[2].confirmed_at != early


@pytest.mark.parametrize(
    ("standing", "field"),
    [
        (Standing(LinkState.UNKNOWN, confirmed=Confirmation(None)), "confirmed_farmaflux"),
        (Standing(LinkState.OK, note={"fr": "Seulement en français."}), "note_farmaflux_nl"),
        (Standing(LinkState.OK, note={"fr": "x" * 161, "nl": "x"}), "note_farmaflux_fr"),
        (Standing(LinkState.OK, note={"fr": "85.07.30-033.28", "nl": "x"}), "note_farmaflux_fr"),
        (Standing(LinkState.OK, since=timezone.now() - timedelta(days=2)), "since_farmaflux"),
        (
            Standing(LinkState.OK, confirmed=Confirmation(None, timezone.now() + timedelta(hours=1))),
            "at_farmaflux",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(
    links: dict[str, ChainLink], incident: Incident, standing: Standing, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        say(incident, farmaflux=standing)

    assert refused.value.field == field
    assert not LinkStanding.objects.exists()


def test_an_agent_may_not_say_where_it_is_stuck(links: dict[str, ChainLink], incident: Incident) -> None:
    with pytest.raises(NotAllowed):
        say(incident, Role.AGENT, farmaflux=Standing(LinkState.STUCK))


def test_another_chain_takes_the_place_of_the_one_told_before(
    links: dict[str, ChainLink], incident: Incident
) -> None:
    other = factories.chain("desk", "ehealth")
    say(incident, farmaflux=Standing(LinkState.STUCK))

    say(incident, ehealth=Standing(LinkState.STUCK))

    assert {row.link for row in incident.standings.all()} == set(other.values())


def test_resolving_forgets_the_chain_and_a_resolved_incident_has_none(
    links: dict[str, ChainLink], incident: Incident
) -> None:
    say(incident, farmaflux=Standing(LinkState.STUCK))
    operations.move(incident, Phase.RESOLVED, by=factories.user(Role.LEAD))

    assert not incident.standings.exists()
    with pytest.raises(Refused):
        say(incident, farmaflux=Standing(LinkState.STUCK))


@pytest.mark.parametrize(
    "row",
    [
        {"state": LinkState.UNKNOWN, "confirmed_at": timezone.now()},
        {"state": LinkState.OK, "note_fr": "Seulement en français."},
    ],
)
def test_the_database_refuses_a_standing_that_makes_no_sense(
    links: dict[str, ChainLink], incident: Incident, row: dict[str, Any]
) -> None:
    now = timezone.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        LinkStanding.objects.create(
            incident=incident,
            link=links["farmaflux"],
            since=now,
            recorded_at=now,
            by=incident.declared_by,
            **row,
        )


# -- "It is not your pharmacy"


@pytest.mark.parametrize(
    ("key", "standing", "central"),
    [
        ("farmaflux", Standing(LinkState.STUCK, confirmed=Confirmation(None)), True),
        ("farmaflux", Standing(LinkState.STUCK), False),
        ("farmaflux", Standing(LinkState.WAITING, confirmed=Confirmation(None)), False),
        ("pharmacy", Standing(LinkState.STUCK, confirmed=Confirmation(None)), False),
    ],
)
def test_a_draft_says_that_it_is_not_the_pharmacy_only_when_a_fault_beyond_it_is_confirmed(
    links: dict[str, ChainLink], incident: Incident, key: str, standing: Standing, *, central: bool
) -> None:
    say(incident, **{key: standing})

    draft = drafts.draft_for(incident, by=factories.user(Role.COMMUNICATIONS))

    assert draft.central_confirmed is central


def test_the_composer_says_who_confirmed_the_fault(
    client: Client, links: dict[str, ChainLink], incident: Incident, sciensano: Partner
) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS, language="fr"))
    client.post(reverse("comms:draft", args=[incident.public_id]))
    address = reverse("comms:compose", args=[incident.public_id])
    before = client.get(address).text

    say(incident, sciensano=Standing(LinkState.STUCK, confirmed=Confirmation(sciensano)))

    sentence = "sciensano fr est bloqué : confirmé par Sciensano"
    assert (sentence in before, sentence in client.get(address).text) == (False, True)
    assert "La chaîne ne nomme aucune panne confirmée" in before


# -- The form


def page(incident: Incident) -> str:
    return reverse("incidents:chain", args=[incident.public_id])


def opened(client: Client, incident: Incident, **fields: str) -> dict[str, str]:
    """The form as a browser would send it, with what it showed first, and *fields* typed over it."""
    context = client.get(page(incident)).context
    form = context["form"]
    shown = {
        name: field.widget.format_value(form[name].value())
        if hasattr(field.widget, "format_value")
        else form[name].value()
        for name, field in form.fields.items()
    }
    shown = {name: value[0] if isinstance(value, list) else value or "" for name, value in shown.items()}
    return {
        "chain": context["chosen"].key,
        **{f"initial-{name}": value for name, value in shown.items()},
        **shown,
        **fields,
    }


def test_the_form_changes_the_links_that_were_changed_and_leaves_the_others(
    client: Client, links: dict[str, ChainLink], incident: Incident, sciensano: Partner
) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS))
    form = opened(client, incident, state_farmaflux="stuck", confirmed_farmaflux="us")
    say(incident, sciensano=Standing(LinkState.WAITING, confirmed=Confirmation(sciensano)))

    response = client.post(page(incident), form, headers=HTMX)

    assert response.status_code == 204
    assert [(link.state, link.confirmed_by is not None) for link in told()] == [
        ("unknown", False),
        ("stuck", True),
        ("waiting", True),
    ]


def test_what_a_colleague_said_of_the_same_link_meanwhile_stays(
    client: Client, links: dict[str, ChainLink], incident: Incident, sciensano: Partner
) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS))
    form = opened(client, incident, note_sciensano_fr="Prêt.", note_sciensano_nl="Klaar.")
    say(incident, sciensano=Standing(LinkState.WAITING, confirmed=Confirmation(sciensano)))

    client.post(page(incident), form)

    link = told()[2]
    assert (link.state, link.note.fr) == (LinkState.WAITING, "Prêt.")
    assert link.confirmed_by == facts.Text("Sciensano", "Sciensano")


def test_a_form_in_which_nothing_was_changed_writes_nothing(
    client: Client, links: dict[str, ChainLink], incident: Incident
) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS))

    client.post(page(incident), opened(client, incident))

    assert not Entry.objects.exists()
    assert not LinkStanding.objects.exists()


def test_a_refused_form_keeps_what_was_typed(
    client: Client, links: dict[str, ChainLink], incident: Incident
) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS))

    response = client.post(
        page(incident), opened(client, incident, state_farmaflux="ok", note_farmaflux_fr="Tout passe.")
    )

    assert (response.status_code, "Tout passe." in response.text) == (422, True)
    assert "note_farmaflux_nl" in response.context["form"].errors
    assert not LinkStanding.objects.exists()


def test_the_form_offers_the_chain_of_the_service_that_is_touched(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS))
    factories.chain("elsewhere")
    none = client.get(page(incident)).context["chosen"].key
    factories.chain("here", services=[factories.service("dpp")])

    assert (none, client.get(page(incident)).context["chosen"].key) == ("elsewhere", "here")
    assert client.get(page(incident), {"chain": "elsewhere"}).context["chosen"].key == "elsewhere"


def test_without_a_chain_in_the_catalogue_the_page_says_so(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS, language="fr"))

    assert "un administrateur l’ajoute" in client.get(page(incident)).text
    assert client.post(page(incident), {}).status_code == 302
    assert not Chain.objects.exists()


def test_the_page_is_for_those_who_may_change_the_course(client: Client, incident: Incident) -> None:
    client.force_login(factories.user(Role.AGENT))

    assert client.get(page(incident)).status_code == 403


def test_the_room_shows_the_links_and_who_confirmed_them(
    client: Client,
    links: dict[str, ChainLink],
    incident: Incident,
    sciensano: Partner,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client.force_login(factories.user(Role.AGENT, language="fr"))
    say(incident, sciensano=Standing(LinkState.STUCK, confirmed=Confirmation(sciensano)))

    with django_assert_max_num_queries(60):
        text = client.get(reverse("desk:room", args=[incident.public_id])).text

    assert all(said in text for said in ("sciensano fr", "Bloqué ici", "confirmé par Sciensano"))


# -- The catalogue


def test_an_administrator_keeps_the_links_of_a_chain_and_the_site_follows(client: Client) -> None:
    client.force_login(factories.user(Role.ADMINISTRATOR, is_staff=True))
    names = {"links-0-key": "farmaflux", "links-0-name_fr": "FarmaFlux", "links-0-name_nl": "FarmaFlux"}

    answer = client.post(
        reverse("admin:incidents_chain_add"),
        {
            "key": "eforms",
            "name_fr": "eForm",
            "name_nl": "eForm",
            "position": 0,
            "links-TOTAL_FORMS": 1,
            "links-INITIAL_FORMS": 0,
            "links-0-position": 1,
            **names,
        },
    )

    assert (answer.status_code, ChainLink.objects.get().chain.key) == (302, "eforms")
    assert PublicRevision.objects.names_current() == 1


def test_a_partner_renamed_reaches_the_status_site(client: Client, sciensano: Partner) -> None:
    client.force_login(factories.user(Role.ADMINISTRATOR, is_staff=True))

    client.post(
        reverse("admin:incidents_partner_change", args=[sciensano.pk]),
        {"key": "sciensano", "name_fr": "Sciensano", "name_nl": "Sciensano", "position": "upstream"},
    )

    assert PublicRevision.objects.names_current() == 1
