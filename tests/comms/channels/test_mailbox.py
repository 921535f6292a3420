import pytest

from comms.channels import addresses
from comms.channels.addresses import Forbidden, normal
from comms.channels.mailbox import NotAMailbox, mailbox, shown


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Reader@Pharmacy.BE ", "reader@pharmacy.be"),
        ("reader@exämple.be", "reader@xn--exmple-cua.be"),
        ("reader@XN--EXMPLE-CUA.be", "reader@xn--exmple-cua.be"),
        ("reader@straße.de", "reader@xn--strae-oqa.de"),  # and not strasse.de, another domain
        ("reader+status@例え.jp", "reader+status@xn--r8jz45g.jp"),
    ],
)
def test_a_mailbox_has_one_spelling(typed: str, kept: str) -> None:
    assert mailbox(typed) == kept
    assert mailbox(kept) == kept
    assert mailbox(shown(kept)) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "reader",
        "@pharmacy.be",
        "reader@",
        "reader@pharmacy",
        "réader@pharmacy.be",
        "a@b@",
        "reader@pharmacy..be",
        "reader@-pharmacy.be",
        "reader@127.0.0.1",
        "reader@[127.0.0.1]",
        "reader@pharmacy.be\nBcc: all@pharmacy.be",
        "reader\r\nBcc: all@pharmacy.be",
        "reader@pharmacy.be, other@pharmacy.be",
        "Reader <reader@pharmacy.be>",
        "rea\0der@pharmacy.be",
        f"reader@{'pharmacy.' * 30}be",
    ],
)
def test_what_is_no_mailbox_is_refused(typed: str) -> None:
    with pytest.raises(NotAMailbox):
        mailbox(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("HTTPS://Hooks.Example.BE", "https://hooks.example.be/"),
        ("https://hooks.exämple.be:443/A?b=C#d", "https://hooks.xn--exmple-cua.be/A?b=C"),
        ("https://hooks.example.be:8443/x", "https://hooks.example.be:8443/x"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
    ],
)
def test_a_web_address_has_one_spelling(typed: str, kept: str) -> None:
    assert normal(typed) == kept
    assert normal(kept) == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("hooks.example.be", addresses.NOT_AN_ADDRESS),
        ("https://hooks.example.be/a b", addresses.NOT_AN_ADDRESS),
        ("https://hooks.example.be/\r\nHost: x", addresses.NOT_AN_ADDRESS),
        ("https://-x.be/", addresses.NOT_AN_ADDRESS),
        ("http://hooks.example.be/", addresses.NEEDS_HTTPS),
        ("https://user:word@hooks.example.be/", addresses.NO_LOGIN),
        ("https://127.0.0.1/", addresses.INSIDE),
        ("https://①②⑦.0.0.1/", addresses.INSIDE),
        ("https://desk.internal/", addresses.INSIDE),
    ],
)
def test_an_address_that_no_webhook_may_have_is_refused(typed: str, said: str) -> None:
    with pytest.raises(Forbidden, match=f"^{said}$"):
        normal(typed)
