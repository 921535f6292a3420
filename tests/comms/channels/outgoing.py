"""Channels of every kind that posts by HTTP, pointed at a server of this machine, and what they are owed."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from comms import relay
from comms.channels import credentials, facebook, linkedin, x
from comms.models import (
    Action,
    Channel,
    ChannelKind,
    Correction,
    Delivery,
    DeliveryState,
    ListMember,
    MailList,
    Notice,
    Update,
)
from tests import factories

TEXT = "eForms : panne. Suivez https://status.example/fr/ #eForms"
NUMBER = "+32470123456"
X_KEYS = {
    "api_key": "xvz1evFS4wEEPTGEFPHBog",
    "api_secret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
    "access_token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
    "access_secret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
}
SMS = {
    "url": "{hook}/messages",
    "headers": "Authorization: Bearer {secret}",
    "body": "to={to}\ntext={text}",
}


def channel(kind: ChannelKind, hook: str = "", **given: Mapping[str, str]) -> Channel:
    """As an administrator would have set it; *given* may hold other `settings` and `secrets`."""
    plain: dict[ChannelKind, Mapping[str, str]] = {
        ChannelKind.FACEBOOK: {"page": "1234567890"},
        ChannelKind.LINKEDIN: {"organisation": "2414183", "version": "202607"},
        ChannelKind.SMS: {name: value.replace("{hook}", hook) for name, value in SMS.items()},
    }
    sealed: dict[ChannelKind, Mapping[str, str]] = {
        ChannelKind.X: X_KEYS,
        ChannelKind.FACEBOOK: {"token": "EAAB-page-token"},
        ChannelKind.LINKEDIN: {"token": "AQX-linkedin-token"},
        ChannelKind.SMS: {"secret": "gateway-secret"},
        ChannelKind.SLACK: {"url": f"{hook}/services/T0/B0/slack-secret"},
        ChannelKind.TEAMS: {"url": f"{hook}/workflows/1/triggers/manual/paths/invoke?sig=teams-secret"},
    }
    return Channel.objects.create(
        key=f"{kind}-{Channel.objects.count()}",
        name=str(kind),
        kind=kind,
        languages=["fr"],
        mail_list=_list() if kind == ChannelKind.SMS else None,
        settings=dict(given.get("settings", plain.get(kind, {}))),
        sealed_secrets=credentials.seal(given.get("secrets", sealed.get(kind, {}))),
    )


def _list() -> MailList:
    made, _new = MailList.objects.get_or_create(key="board", defaults={"name_fr": "B", "name_nl": "B"})
    ListMember.objects.get_or_create(mail_list=made, name="An", phone=NUMBER, language="fr")
    return made


def at_home(monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    """The vendors' own addresses lead to *hook*."""
    monkeypatch.setattr(x, "API", f"{hook}/2")
    monkeypatch.setattr(facebook, "API", f"{hook}/v25.0")
    monkeypatch.setattr(linkedin, "API", f"{hook}/rest")


def owe(to: Channel, update: Update | None = None, **fields: Any) -> Delivery:
    """A delivery that is due now; *fields* of the row, such as action and original."""
    at = timezone.now()
    recipient = NUMBER if to.kind == ChannelKind.SMS else ""
    if fields.get("action") == Action.EDIT:
        fields["correction"] = Correction.objects.create(
            update=fields["original"].message,
            key=uuid.uuid4(),
            before={},
            reason="typing",
            corrected_at=at,
            corrected_by=factories.user(),
        )
    return Delivery.objects.create(
        **{
            "update": None
            if "notice" in fields
            else update or factories.update(published_at=factories.OUTAGE),
            "channel": to,
            "language": "fr",
            "recipient": recipient,
            "text": "" if fields.get("notice") else TEXT,
            "environment": settings.DESK_ENVIRONMENT_ID,
            "created_at": at,
            "not_before": at,
            "confirmed_at": at,
            **fields,
        }
    )


def posted(to: Channel, name: str = "1346889436626259968", **fields: Any) -> Delivery:
    """One that went out earlier and is called *name* there."""
    return owe(to, state=DeliveryState.SENT, external_id=name, **{"sent_at": factories.OUTAGE, **fields})


def send(delivery: Delivery) -> Delivery:
    relay.run_once()
    delivery.refresh_from_db()
    return delivery


def test_of(to: Channel) -> Delivery:
    return send(owe(to, notice=Notice.TEST))


test_of.__test__ = False  # type: ignore[attr-defined]
