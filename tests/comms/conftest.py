import ipaddress
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.comms.receivers import HookServer, MailServer, hook_server, mail_server


@pytest.fixture
def mail(settings: Settings) -> Iterator[MailServer]:
    """A real mail server that the desk is told to use."""
    with mail_server() as server:
        use_mail_server(settings, server.port)
        yield server


def use_mail_server(settings: Settings, port: int) -> None:
    settings.MAILERS = {
        "default": {
            "BACKEND": "comms.channels.smtp.Backend",
            "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 5},
        }
    }
    settings.DEFAULT_FROM_EMAIL = "FarmaFlux <desk@farmaflux.example>"


@pytest.fixture
def local_hooks(settings: Settings) -> None:
    """Webhooks may go to this machine."""
    settings.DESK_WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def hook(local_hooks: None) -> Iterator[HookServer]:
    """A real web server that takes webhooks."""
    with hook_server() as server:
        yield server
