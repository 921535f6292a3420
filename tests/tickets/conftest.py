"""What tests of several ways in need."""

import pytest

from comms.channels import credentials
from comms.models import Channel, ChannelKind


@pytest.fixture
def account() -> Channel:
    return Channel.objects.create(
        key="mastodon",
        name="@farmaflux",
        kind=ChannelKind.MASTODON,
        languages=["nl"],
        mentions=True,
        settings={"server": "https://m.example"},
        sealed_secrets=credentials.seal({"token": "t"}),
    )
