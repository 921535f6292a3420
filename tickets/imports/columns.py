"""What people call the columns of their files, and the provinces in them."""

from django.conf import settings
from django.utils import translation

from tickets.lookup import words
from tickets.models import Province

NAMES = {
    "apb_number": ("apb", "apb number", "numero apb", "n apb", "apb nummer"),
    "name": ("name", "nom", "naam", "pharmacie", "apotheek", "pharmacy"),
    "holder": ("holder", "titulaire", "titularis", "pharmacien titulaire", "apotheker titularis"),
    "street": ("street", "rue", "adresse", "straat", "adres", "address"),
    "postcode": ("postcode", "code postal", "cp", "postal code"),
    "town": ("town", "localite", "ville", "commune", "plaats", "gemeente", "stad"),
    "province": ("province", "provincie"),
    "language": ("language", "langue", "taal"),
    "email": ("email", "e mail", "mail", "courriel"),
    "software_house": ("software house", "maison de soft", "maison de logiciels", "softwarehuis", "software"),
    "phones": ("phones", "phone", "telephone", "telephones", "telefoon", "tel"),
    "key": ("key", "cle", "sleutel", "code"),
    "phone": ("phone", "telephone", "telefoon", "tel"),
    "on_call_phone": ("on call phone", "on call", "garde", "numero de garde", "wachtnummer", "wacht"),
}
# By postcode, the highest of each range: Belgium's first digits, with the exceptions that lie between them.
_UP_TO = (
    (1299, Province.BRUSSELS),
    (1499, Province.WALLOON_BRABANT),
    (1999, Province.FLEMISH_BRABANT),
    (2999, Province.ANTWERP),
    (3499, Province.FLEMISH_BRABANT),
    (3999, Province.LIMBURG),
    (4999, Province.LIEGE),
    (5999, Province.NAMUR),
    (6599, Province.HAINAUT),
    (6999, Province.LUXEMBOURG),
    (7999, Province.HAINAUT),
    (8999, Province.WEST_FLANDERS),
    (9999, Province.EAST_FLANDERS),
)


def column(header: str, known: tuple[str, ...]) -> str | None:
    """Which of *known* a column of the file is, by the name people gave it; None for one we have no use for."""
    spelled = " ".join(words(header))
    return next((name for name in known if spelled == name.replace("_", " ") or spelled in NAMES[name]), None)


def province_at(postcode: str) -> str:
    """The province of a Belgian postcode, empty where it is none."""
    if not (postcode.isascii() and postcode.isdecimal() and 1000 <= int(postcode) <= 9999):
        return ""
    return next(province for highest, province in _UP_TO if int(postcode) <= highest)


def provinces() -> dict[str, str]:
    """By each spelling of a province, folded, its code."""
    spelled = {code.lower(): code for code in Province.values}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            spelled |= {" ".join(words(str(province.label))): province.value for province in Province}
    return spelled
