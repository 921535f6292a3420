import ipaddress

import pytest
from pytest_django import Settings

from comms.channels import addresses


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[::127.0.0.1]/",
        "https://[::ffff:0:10.0.0.1]/",
        "https://[64:ff9b:1::10.0.0.1]/",
        "https://[fec0::1]/",
        "https://168.63.129.16/machine",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://metadata.google.internal/",
        "https://127.1/",
        "https://2130706433/",
        "https://user:pass@hooks.example.org/",
        "http://hooks.example.org/",
        "ftp://hooks.example.org/",
        "https://",
        "https://hooks.example.org:99999/",
        "hooks.example.org",
        "",
    ],
)
def test_what_leads_inside_or_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(addresses.Forbidden):
        addresses.check(url)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.org/desk?x=1", "https://93.184.216.34:8443/", "https://[2606:2800::1]/"]
)
def test_an_address_of_the_public_network_is_taken(url: str) -> None:
    addresses.check(url)


def test_a_listed_network_is_taken_also_without_encryption(settings: Settings) -> None:
    settings.DESK_WEBHOOK_NETWORKS = [ipaddress.ip_network("10.1.0.0/16")]

    addresses.check("http://10.1.2.3:8080/hook")

    with pytest.raises(addresses.Forbidden):
        addresses.check("http://10.2.0.1/hook")


@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], ["::ffff:169.254.169.254"], ["fe80::1%eth0"]],
)
def test_a_name_is_refused_when_any_of_its_addresses_leads_inside(
    found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (ip, 443)) for ip in found])

    with pytest.raises(addresses.Forbidden):
        addresses.resolve("https://hooks.example.org/")


def test_a_name_becomes_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("93.184.216.34", 443))])

    assert addresses.resolve("https://hooks.example.org/") == "93.184.216.34"


def test_a_name_nobody_knows_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)

    with pytest.raises(LookupError):
        addresses.resolve("https://hooks.example.org/")


@pytest.mark.parametrize(
    "url", ["https://hooks.example.org/\r\nX: 1", "https://hooks.example.org/a b", "https://a\x00.example/"]
)
def test_an_address_with_what_nobody_sees_in_it_is_none(url: str) -> None:
    with pytest.raises(addresses.Forbidden) as caught:
        addresses.check(url)

    assert caught.value.args == (addresses.NOT_AN_ADDRESS,)
