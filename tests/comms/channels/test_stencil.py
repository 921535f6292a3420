"""A mail written once for many readers says to each what it would have said to her alone."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comms.channels.base import TransportError
from comms.channels.stencil import Stencil, addr_spec, blank

# Of what Unicode has, all but halves of surrogate pairs; of control characters those that a textarea lets through.
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], include_characters="\n\t"))
LINKS = st.text("abcXYZ019-_.~:/?=&%#éß", min_size=1, max_size=300)


def filled(stencil: Stencil, to: str = "a@apb.example", **blanks: str) -> EmailMessage:
    message = message_from_bytes(
        stencil.filled(to=to, headers={}, blanks=blanks).content, policy=policy.default
    )
    assert isinstance(message, EmailMessage)
    return message


def said(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    content: str = body.get_content()
    return content.replace("\r\n", "\n")


@settings(deadline=None)
@given(before=TEXTS, between=TEXTS, after=TEXTS, link=LINKS, name=LINKS)
def test_each_reader_reads_the_text_with_what_is_hers_in_its_place(
    before: str, between: str, after: str, link: str, name: str
) -> None:
    stencil = Stencil.of(
        headers={},
        text=f"{before}{blank('link')}{between}{blank('name')}{after}",
        html=f"{before}{blank('name')}{after}",
    )

    message = filled(stencil, link=link, name=name)

    assert lines(said(message, "plain")) == lines(f"{before}{link}{between}{name}{after}")
    assert lines(said(message, "html")) == lines(f"{before}{name}{after}")


def lines(text: str) -> list[str]:
    """A mail ends with the end of a line, whether or not the text did."""
    return f"{text}\n".removesuffix("\n").removesuffix("\n").split("\n")


@settings(deadline=None)
@given(text=TEXTS, link=LINKS)
def test_no_line_is_longer_than_a_server_must_take_and_none_needs_eight_bits(text: str, link: str) -> None:
    stencil = Stencil.of(headers={"Subject": "É" * 90}, text=text + blank("link"), html=text)

    content = stencil.filled(to="a@apb.example", headers={}, blanks={"link": link}).content

    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")


def test_a_line_of_one_full_stop_ends_nothing() -> None:
    message = filled(Stencil.of(headers={}, text="before\n.\nafter", html="."))

    assert said(message, "plain").splitlines() == ["before", ".", "after"]


@pytest.mark.parametrize("header", ["Panne\r\nBcc: all@example.org", "Panne\nX-Evil: 1", "Panne\rX: 1"])
def test_no_header_that_all_share_begins_another(header: str) -> None:
    with pytest.raises(TransportError) as refused:
        Stencil.of(headers={"Subject": header}, text="", html="")
    assert refused.value.permanent


@pytest.mark.parametrize("value", ["<https://x>\r\nBcc: all@example.org", "a\nb", "a\x00b"])
def test_no_header_of_a_reader_begins_another(value: str) -> None:
    stencil = Stencil.of(headers={}, text="", html="")

    with pytest.raises(TransportError):
        stencil.filled(to="a@apb.example", headers={"List-Unsubscribe": value}, blanks={})


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("a.b+c@apb.example", "a.b+c@apb.example"),
        ("o'neil@apb.example", "o'neil@apb.example"),
        ('"a b"@apb.example', '"a b"@apb.example'),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
        ("info@apothéek.example", "info@xn--apothek-fya.example"),
    ],
)
def test_an_address_is_written_as_mail_servers_take_it(address: str, written: str) -> None:
    assert addr_spec(address) == written


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@",
        "@apb.example",
        "a@apb.example, b@apb.example",
        "a@apb.example b@apb.example",
        "a@apb.example\r\nBcc: b@apb.example",
        "a@apb.example\n",
        "A <a@apb.example>",
        "a@apb.example>",
        "é@apb.example",
        '"a\n"@apb.example',
        "a@-\u0301.example",
    ],
)
def test_what_is_no_single_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(TransportError) as refused:
        addr_spec(address)
    assert refused.value.permanent


def test_letters_differ_only_in_what_is_the_readers_own() -> None:
    stencil = Stencil.of(headers={"Subject": "Panne"}, text=blank("link"), html="html")

    one, other = (
        stencil.filled(to=f"{name}@apb.example", headers={}, blanks={"link": name}).content
        for name in ("a", "b")
    )

    assert one == stencil.filled(to="a@apb.example", headers={}, blanks={"link": "a"}).content
    assert [n for n, (x, y) in enumerate(zip(one, other, strict=True)) if x != y] == [
        4,
        one.index(b"=\r\na") + 3,
    ]
