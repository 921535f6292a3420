"""Numbers that an SMS can reach: one spelling for each telephone."""

import phonenumbers
from django.utils.translation import gettext_noop
from phonenumbers import PhoneNumberFormat, PhoneNumberType

HOME = "BE"
NOT_A_NUMBER = gettext_noop(
    "This is not a telephone number. Write it like 0470 12 34 56 or +32 470 12 34 56."
)
NOT_MOBILE = gettext_noop("An SMS does not reach this number: give that of a mobile phone.")
_WITHOUT_SMS = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
}


class NotAMobile(Exception):
    """The message is fit for a person, in English; translate it when it is shown."""


def mobile(text: str) -> str:
    """The number as E.164: +32470123456. Raises NotAMobile."""
    try:
        number = phonenumbers.parse(text.strip(), HOME)
    except phonenumbers.NumberParseException:
        raise NotAMobile(NOT_A_NUMBER) from None
    if not phonenumbers.is_valid_number(number):
        raise NotAMobile(NOT_A_NUMBER)
    if phonenumbers.number_type(number) in _WITHOUT_SMS:
        raise NotAMobile(NOT_MOBILE)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
