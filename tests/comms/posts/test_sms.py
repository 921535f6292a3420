"""SMS: alphabet, parts, and texts made fit for the cheap alphabet."""

import gsm0338
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comms.posts import sms
from comms.posts.counting import SMS


@pytest.mark.parametrize(
    ("text", "alphabet", "used", "parts"),
    [
        ("", "GSM", 0, 1),
        ("à" * 160, "GSM", 160, 1),
        ("à" * 161, "GSM", 161, 2),
        ("a" * 306, "GSM", 306, 2),
        ("a" * 307, "GSM", 307, 3),
        ("€" * 80, "GSM", 160, 1),
        ("a" * 152 + "€" + "a" * 152, "GSM", 306, 3),  # the euro does not straddle two parts
        ("ê" * 70, "UCS-2", 70, 1),
        ("ê" * 71, "UCS-2", 71, 2),
        ("’" + "a" * 134, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        ("a\u00a0b", "UCS-2", 3, 1),
        ("\x1b", "UCS-2", 1, 1),
    ],
)
def test_alphabet_and_parts(text: str, alphabet: str, used: int, parts: int) -> None:
    assert sms.measure(text) == sms.Measured(alphabet, used, parts)


@given(st.text())
def test_one_sms_is_what_fits_into_one_part(text: str) -> None:
    long = text * 20

    assert SMS.allows(long) is (sms.measure(long).parts == 1)


@given(st.text())
def test_a_plain_text_has_only_characters_of_the_gsm_alphabet(text: str) -> None:
    made = sms.plain(text)

    assert sms.is_gsm(made)
    assert made.encode("gsm03.38").decode("gsm03.38") == made


@given(
    st.text(
        st.sampled_from(
            "".join(gsm0338.Codec().decode(bytes([code]))[0] for code in range(0x80) if code != 0x1B)
        )
    )
)
def test_what_is_in_the_gsm_alphabet_stays_as_it_is(text: str) -> None:
    assert sms.plain(text) == text.replace("\r\n", "\n")


def test_french_dutch_and_german_are_read_as_before() -> None:
    assert sms.plain("L’arrêt : ça repart « à 15 h 20 »…") == 'L\'arret : ca repart "à 15 h 20"...'
    assert sms.plain("Geïnformeerd – één keer, „nu”") == 'Geinformeerd - één keer, "nu"'
    assert sms.plain("Große Übung: Prüfung läuft ⚠️ Œuvre") == "Große Übung: Prüfung läuft  Oeuvre"
