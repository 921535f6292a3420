"""4,700 pharmacies that do not exist, in towns that do.

Pure and seeded: the same call gives the same pharmacies, on every machine. Towns, postcodes, provinces and telephone
zones are real; names, holders, APB numbers and telephone numbers are not. Belgium keeps no numbers for fiction, so
every landline is drawn from one block of its zone (…/55…, 02/555…) and every mobile from 0470 55: they cannot be
promised to be unassigned, which does not matter as nothing ever dials or mails them. E-mail ends in .example.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import yaml

DATA = Path(__file__).parent / "data"
SEED = 20220701
COUNT = 4700
# Percent of all pharmacies, near to what AFMPS' public list of open pharmacies shows.
SHARES = {
    "BRU": 11.5,
    "VAN": 16.0,
    "VBR": 8.5,
    "VLI": 7.0,
    "VOV": 13.5,
    "VWV": 11.0,
    "WBR": 3.4,
    "WHT": 12.3,
    "WLG": 10.0,
    "WLX": 2.6,
    "WNA": 4.2,
}
WORD = {"fr": "Pharmacie", "nl": "Apotheek", "de": "Apotheke"}
FRENCH_IN_BRUSSELS = 0.7
LONG_ZONES = ("02", "03", "04", "09")  # seven digits follow, six elsewhere
RESERVED = "5551212"  # the number of the unknown caller in the story


class Town(NamedTuple):
    postcode: str
    name: str
    name_nl: str
    province: str
    languages: tuple[str, ...]
    zone: str
    weight: int


class Phone(NamedTuple):
    raw: str
    e164: str


@dataclass(frozen=True)
class SyntheticPharmacy:
    """What tickets.models.Pharmacy holds; *key* names those that play a part in the story."""

    apb_number: str
    name: str
    holder: str
    street: str
    postcode: str
    town: str
    province: str
    language: str
    email: str
    software_house: str
    phones: tuple[Phone, ...]
    key: str = ""


def generate(catalogue: Mapping[str, Any], count: int = COUNT) -> list[SyntheticPharmacy]:
    """The *count* first pharmacies: those of the *catalogue* (see catalogue.yaml), then invented ones."""
    makers = _Makers(Random(SEED), catalogue["software_houses"])
    towns = {town.postcode: town for town in reversed(_towns())}
    known = [makers.make(towns[row["postcode"]], known=row) for row in catalogue["pharmacies"]]
    invented = (makers.make(town) for town in _spread(makers.random))
    return [*known, *islice(invented, count - len(known))]


def _towns() -> list[Town]:
    with (DATA / "towns.csv").open(encoding="utf-8", newline="") as file:
        return [
            Town(
                row["postcode"],
                row["town"],
                row["town_nl"],
                row["province"],
                tuple(row["language"].split("/")),
                row["zone"],
                int(row["weight"]),
            )
            for row in csv.DictReader(file)
        ]


def _spread(random: Random) -> Iterator[Town]:
    """Towns without end, each province by its share and each town in it by its weight."""
    by_province: dict[str, list[Town]] = {province: [] for province in SHARES}
    for town in _towns():
        by_province[town.province].append(town)
    provinces, shares = list(SHARES), list(SHARES.values())
    while True:
        towns = by_province[random.choices(provinces, shares)[0]]
        yield random.choices(towns, [town.weight for town in towns])[0]


class _Makers:
    """Draws what a pharmacy is made of, none of it twice where it must be unique."""

    def __init__(self, random: Random, houses: list[dict[str, Any]]) -> None:
        self.random = random
        self.words = yaml.load((DATA / "names.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        self.houses = houses
        self._numbers: set[str] = set()
        self._names: set[tuple[str, str]] = set()
        self._switchboards: dict[str, Phone] = {}
        self._apb = iter(random.sample(range(110_000, 990_000), 20_000))
        self._spellings = cycle(range(100))

    def make(self, town: Town, known: Mapping[str, str] | None = None) -> SyntheticPharmacy:
        language = self._language(town)
        name = known["name"] if known else self._name(language, town)
        apb = str(next(self._apb))
        self._names.add((name, town.postcode))
        return SyntheticPharmacy(
            apb_number=apb,
            name=name,
            holder=f"{self._pick('first_names', language)} {self._pick('families', language)}",
            street=f"{self._pick('streets', language)} {self.random.randint(1, 240)}",
            postcode=town.postcode,
            town=town.name_nl if language == "nl" and town.name_nl else town.name,
            province=town.province,
            language=language,
            email="" if self.random.random() < 0.08 else f"info@{_slug(name)}-{apb}.example",
            software_house=known["house"] if known else self._house(language),
            phones=self._phones(town),
            key=known["key"] if known else "",
        )

    def _pick(self, kind: str, language: str) -> str:
        return str(self.random.choice(self.words[kind][language]))

    def _language(self, town: Town) -> str:
        if len(town.languages) == 1:
            return town.languages[0]
        return "fr" if self.random.random() < FRENCH_IN_BRUSSELS else "nl"

    def _name(self, language: str, town: Town) -> str:
        """One that no other pharmacy of the town has."""
        while True:
            match self.random.choices(("sign", "family", "families", "town"), (50, 30, 16, 4))[0]:
                case "sign":
                    rest = self._pick("signs", language)
                case "family":
                    rest = self._pick("families", language)
                case "families":
                    rest = f"{self._pick('families', language)}-{self._pick('families', language)}"
                case _:
                    rest = f"{self._pick('families', language)} {town.name}"
            name = f"{WORD[language]} {rest}"
            if (name, town.postcode) not in self._names:
                return name

    def _house(self, language: str) -> str:
        houses = [house for house in self.houses if language in house["languages"]]
        return str(self.random.choices(houses, [house["share"] for house in houses])[0]["key"])

    def _phones(self, town: Town) -> tuple[Phone, ...]:
        """One number, for some a mobile or a second line as well; a few share a group's switchboard."""
        draw = self.random.random()
        if draw < 0.015 and town.zone in self._switchboards:
            return (self._switchboards[town.zone],)
        first = self._landline(town.zone)
        self._switchboards[town.zone] = first
        if draw < 0.06:
            return first, self._landline(town.zone)
        return (first, self._mobile()) if draw < 0.14 else (first,)

    def _landline(self, zone: str) -> Phone:
        digits = self._unused(zone, "555" if zone in LONG_ZONES else "55")
        groups = _groups(digits)
        return Phone(self._spelled(zone, groups), f"+32{zone[1:]}{digits}")

    def _mobile(self) -> Phone:
        digits = self._unused("0470", "55")
        return Phone(self._spelled("0470", _groups(digits)), f"+32470{digits}")

    def _unused(self, zone: str, block: str) -> str:
        while True:
            digits = f"{block}{self.random.randrange(10_000):04}"
            if digits != RESERVED and zone + digits not in self._numbers:
                self._numbers.add(zone + digits)
                return digits

    def _spelled(self, zone: str, groups: list[str]) -> str:
        return SPELLINGS[next(self._spellings) % len(SPELLINGS)](zone, groups)


SPELLINGS: tuple[Callable[[str, list[str]], str], ...] = (
    lambda zone, groups: f"{zone}/{'.'.join(groups)}",
    lambda zone, groups: f"{zone} {' '.join(groups)}",
    lambda zone, groups: f"{zone}/{' '.join(groups)}",
    lambda zone, groups: f"+32 {zone[1:]} {' '.join(groups)}",
    lambda zone, groups: f"{zone}{''.join(groups)}",
    lambda zone, groups: f"+32 (0){zone[1:]} {' '.join(groups)}",
    lambda zone, groups: f"{zone}-{'.'.join(groups)}",
    lambda zone, groups: f"0032 {zone[1:]} {' '.join(groups)}",
    lambda zone, groups: f"{zone}.{'.'.join(groups)}",
    lambda zone, groups: f"32{zone[1:]}{''.join(groups)}",
)


def _groups(digits: str) -> list[str]:
    """ "5551212" → 555 12 12, "551212" → 55 12 12."""
    return [digits[:-4], digits[-4:-2], digits[-2:]]


def _slug(text: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")
