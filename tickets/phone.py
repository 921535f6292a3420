"""Telephone numbers as Belgians write them. Source of the rules: the telephone contract of the project."""

import re
from dataclasses import dataclass

import phonenumbers
from django.utils.translation import gettext as _
from phonenumbers import Leniency, PhoneNumber, PhoneNumberFormat, PhoneNumberMatcher, PhoneNumberType

from accounts.refusals import Refused

HOME = "BE"
HOME_CODE = 32
LONGEST_RAW = 40
LONGEST_NATIONAL = 9  # digits of a Belgian number without its trunk 0
WITHHELD = ("", "anonymous", "unknown", "private", "restricted", "unavailable", "withheld")
LONGEST_SHORT_CODE = 6  # 1733, 8003, an extension: worth keeping as typed, no number of the public network

_TRUNK_IN_BRACKETS = re.compile(r"\(\s*0\s*\)")
_NOT_A_DIGIT = re.compile(r"\D")
_NUMBER_LIKE = re.compile(r"[\d\s+()./-]+")


@dataclass(frozen=True)
class Number:
    """A number as typed, and as E.164 ("+3225551212"), empty where there is none to make of it."""

    raw: str
    e164: str


def parse(raw: str) -> Number:
    """Keeps *raw*; raises Refused only for what looks like a number and is not a possible one."""
    raw = raw.strip()
    digits = _NOT_A_DIGIT.sub("", raw)
    if len(digits) <= LONGEST_SHORT_CODE:
        return Number(raw, "")
    if found := _possible(raw):
        return Number(raw, found)
    raise Refused(_("This is not a possible telephone number: digits are missing or too many."))


def find_in(text: str) -> str:
    """The first possible number in free text as E.164, or nothing. Never refuses."""
    digits = _NOT_A_DIGIT.sub("", text)
    if len(digits) <= LONGEST_SHORT_CODE:
        return ""
    if looks_like_number(text):
        return _possible(text)
    matches = PhoneNumberMatcher(text, HOME, leniency=Leniency.POSSIBLE)
    return next((_e164(match.number) for match in matches if _is_possible(match.number)), "")


def given_by_machine(raw: str) -> Number:
    """A caller's number as telephone systems and softphones give it; never refuses, empty for "anonymous".

    It comes as tel: or sip: address, as digits with their country code and no plus ("491579…"), with a plus that
    an address has turned into a space, or as a person would write it.
    """
    number = raw.partition(":")[2] if raw.lower().startswith(("tel:", "sip:", "sips:")) else raw
    plus = "+" if number.startswith(" ") else ""
    number = number.partition("@")[0].partition(";")[0].strip()
    if not looks_like_number(number):
        return Number("" if number.lower() in WITHHELD else number[:LONGEST_RAW], "")
    digits = _NOT_A_DIGIT.sub("", number)
    international = plus or (not number.startswith(("0", "+", "(")) and len(digits) > LONGEST_NATIONAL)
    e164 = (_possible(f"+{digits}") if international else "") or find_in(number)
    return Number(number[:LONGEST_RAW], e164)


def looks_like_number(text: str) -> bool:
    """Digits and what stands between them, nothing else."""
    return any(map(str.isdecimal, text)) and _NUMBER_LIKE.fullmatch(text.strip()) is not None


def significant_digits(typed: str) -> str:
    """What is left of a number, perhaps a part of one, without international prefix, +32 and trunk 0.

    The digits of a Belgian E.164 number after +32 start with it; a foreign one's contain it.
    """
    international = typed.strip().startswith("+")
    digits = _NOT_A_DIGIT.sub("", _TRUNK_IN_BRACKETS.sub("", typed))
    if digits.startswith("00"):
        international, digits = True, digits[2:]
    if digits.startswith(str(HOME_CODE)) and (international or len(digits) > len("471234567")):
        digits = digits.removeprefix(str(HOME_CODE))
    return digits.removeprefix("0")


def is_premium(e164: str) -> bool:
    """Calling it costs extra (090x): never a number to call back."""
    return bool(e164) and phonenumbers.number_type(phonenumbers.parse(e164)) == PhoneNumberType.PREMIUM_RATE


def spoken(e164: str) -> str:
    """The number as people here read it: "02 555 12 12", foreign ones with their country code."""
    number = phonenumbers.parse(e164)
    home = number.country_code == HOME_CODE
    return phonenumbers.format_number(
        number, PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    )


def _possible(raw: str) -> str:
    try:
        number = phonenumbers.parse(raw, HOME)
    except phonenumbers.NumberParseException:
        return ""
    return _e164(number) if _is_possible(number) else ""


def _is_possible(number: PhoneNumber) -> bool:
    # The library lets a Belgian number with a digit too few keep its trunk 0.
    with_trunk = number.country_code == HOME_CODE and bool(number.italian_leading_zero)
    return phonenumbers.is_possible_number(number) and not with_trunk


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
