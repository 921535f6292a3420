"""How many national numbers the guard catches, and how often it takes something else for one.

`python -m bench.national_numbers [seed]`: 10,000 generated numbers, each in 20 spellings, and 10,000 lines of
telephone numbers, tickets, article numbers and prose. Ends with 1 when fewer than 99.9 % are caught or more than
0.1 % of the lines raise a false alarm; prints the seed, with which the run can be repeated, and what was missed.
"""

import random
import sys
from collections.abc import Callable
from datetime import date, timedelta

from incidents.personal_data import national_numbers

NUMBERS = LINES = 10_000
CAUGHT, FALSE = 0.999, 0.001
SHOWN = 5

type Spelling = Callable[[list[str]], str]


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)


def joined(*separators: str) -> Spelling:
    """The groups YY MM DD SSS CC with these four between them."""
    return lambda groups: "".join(
        group + separator for group, separator in zip(groups, (*separators, ""), strict=True)
    )


SPELLINGS: dict[str, Spelling] = {
    "official": joined(".", ".", "-", "."),
    "plain": joined("", "", "", ""),
    "spaces": joined(" ", " ", " ", " "),
    "no-break spaces": joined(*["\u00a0"] * 4),
    "narrow spaces": joined(*["\u202f"] * 4),
    "dots": joined(".", ".", ".", "."),
    "dashes": joined("-", "-", "-", "-"),
    "slashes": joined("/", "/", "/", "/"),
    "slashed date, dash, dot": joined("/", "/", "-", "."),
    "slashed date, spaces": joined("/", "/", " ", " "),
    "spaced dash": joined(".", ".", " - ", "."),
    "en dash": joined(".", ".", " – ", "."),
    "non-breaking hyphen": joined(".", ".", "\u2011", "."),
    "date in one, spaces": joined("", "", " ", " "),
    "date in one, dashes": joined("", "", "-", "-"),
    "date in one, rest in one": joined("", "", " ", ""),
    "dot and space": joined(". ", ". ", " ", ". "),
    "backslashes and underscores": joined("\\", "\\", "_", "_"),
    "full width, official": lambda groups: full_width(joined(".", ".", "-", ".")(groups)),
    "full width, plain": lambda groups: full_width("".join(groups)),
}
AROUND = (
    "{}",
    "Patient {}, urgent",
    "NISS {}",
    "rijksregisternummer: {}.",
    "INSZ={}",
    "(né {})",
    "le 12 {} 2 boîtes",
    "réf 4711, {} ; tel 02/555.12.12",
)


def number(rng: random.Random) -> list[str]:
    """The five groups of the number of somebody born from 1900 to 2025, one in ten of them a bis number."""
    born = date(1900, 1, 1) + timedelta(days=rng.randrange(126 * 365))
    month = born.month + rng.choices([0, 20, 40], [90, 5, 5])[0]
    groups = [f"{born.year % 100:02d}", f"{month:02d}", f"{born.day:02d}", f"{rng.randint(1, 998):03d}"]
    first = ("2" if born.year >= 2000 else "") + "".join(groups)
    return [*groups, f"{97 - int(first) % 97:02d}"]


def line(rng: random.Random) -> str:
    """What a note holds instead of a national number."""
    return rng.choice(LINE_KINDS)(rng)


def _digits(rng: random.Random, count: int) -> str:
    return "".join(str(rng.randrange(10)) for _n in range(count))


def _mobile(rng: random.Random) -> str:
    head, rest = rng.choice(["47", "48", "49", "46"]) + _digits(rng, 1), _digits(rng, 6)
    return rng.choice(
        [
            f"0{head}/{rest[:2]}.{rest[2:4]}.{rest[4:]}",
            f"0{head} {rest[:2]} {rest[2:4]} {rest[4:]}",
            f"0{head}{rest}",
            f"+32 {head} {rest[:2]} {rest[2:4]} {rest[4:]}",
            f"+32{head}{rest}",
            f"0032 {head} {rest}",
            f"32{head}{rest}",
        ]
    )


def _landline(rng: random.Random) -> str:
    zone, size = rng.choice([("2", 7), ("3", 7), ("9", 7), ("4", 7), ("81", 6), ("71", 6), ("10", 6)])
    rest = str(rng.randrange(2, 8)) + _digits(rng, size - 1)
    pairs = f"{rest[:-4]}.{rest[-4:-2]}.{rest[-2:]}"
    return rng.choice(
        [
            f"0{zone}/{pairs}",
            f"0{zone}{rest}",
            f"+32 {zone} {pairs.replace('.', ' ')}",
            f"+32(0){zone}/{pairs}",
        ]
    )


def _abroad(rng: random.Random) -> str:
    return rng.choice(
        [
            f"+33 1 {_digits(rng, 2)} {_digits(rng, 2)} {_digits(rng, 2)} {_digits(rng, 2)}",
            f"+31 20 {_digits(rng, 3)} {_digits(rng, 4)}",
            f"+49 30 {_digits(rng, 8)}",
            f"00352 {_digits(rng, 6)}",
        ]
    )


def _article(rng: random.Random) -> str:
    """A GTIN-13 with its check digit, or a Belgian CNK of seven digits."""
    body = rng.choice(["54", "87", "40", "30"]) + _digits(rng, 10)
    check = -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10
    return rng.choice([f"GTIN {body}{check}", f"{body}{check}", f"CNK {_digits(rng, 4)}-{_digits(rng, 3)}"])


def _ticket(rng: random.Random) -> str:
    size = rng.randint(5, 10)
    return rng.choice(["INC", "#", "ticket ", "réf. ", "APB "]) + _digits(rng, size)


def _enterprise(rng: random.Random) -> str:
    first = rng.choice(["0", "1"]) + _digits(rng, 7)
    whole = f"{first}{97 - int(first) % 97:02d}"
    return rng.choice([f"BE {whole[:4]}.{whole[4:7]}.{whole[7:]}", f"BE{whole}"])


def _account(rng: random.Random) -> str:
    bban = _digits(rng, 10)
    bban += f"{int(bban) % 97 or 97:02d}"
    iban = f"BE{98 - int(bban + '111400') % 97:02d}{bban}"
    return rng.choice([iban, " ".join(iban[n : n + 4] for n in range(0, 16, 4))])


def _moment(rng: random.Random) -> str:
    moment = date(2020, 1, 1) + timedelta(days=rng.randrange(2500))
    clock = f"{rng.randrange(24):02d}:{rng.randrange(60):02d}"
    return rng.choice([f"{moment:%d/%m/%Y} {clock}", f"{moment:%Y-%m-%d} {clock}:{rng.randrange(60):02d}"])


PROSE = (
    "Les eForms ne partent pas depuis {}, la patiente attend.",
    "Twee apothekers wachten, {} keer geprobeerd.",
    "Rappeler avant {} au {}.",
    "Bereikbaar op {} of {}.",
    "Serveur eforms-3 arrêté à {}, code {}.",
    "Commande {} livrée, lot {}, facture {}.",
)
LINE_KINDS: tuple[Callable[[random.Random], str], ...] = (
    _mobile,
    _landline,
    _abroad,
    _article,
    _ticket,
    _enterprise,
    _account,
    _moment,
    lambda rng: rng.choice(PROSE).format(*(rng.choice(LINE_KINDS[:8])(rng) for _n in range(3))),
)


def missed(seed: int, count: int) -> list[tuple[str, str]]:
    """Each number and spelling that the guard did not catch as one number, whole."""
    rng = random.Random(seed)
    found = []
    for _n in range(count):
        groups = number(rng)
        for name, spelling in SPELLINGS.items():
            spelled = spelling(groups)
            text = rng.choice(AROUND).format(spelled)
            if spelled not in [text[span.start : span.end] for span in national_numbers(text)]:
                found.append((name, text))
    return found


def false_alarms(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    return [text for text in (line(rng) for _n in range(count)) if national_numbers(text)]


def main(seed: int) -> int:
    not_caught, alarms = missed(seed, NUMBERS), false_alarms(seed, LINES)
    caught = 1 - len(not_caught) / (NUMBERS * len(SPELLINGS))
    false = len(alarms) / LINES
    print(f"seed {seed}")
    print(f"caught: {caught:.4%} of {NUMBERS} numbers in {len(SPELLINGS)} spellings (at least {CAUGHT:.1%})")
    print(f"false alarms: {false:.4%} of {LINES} lines (at most {FALSE:.1%})")
    for name, text in not_caught[:SHOWN]:
        print(f"missed ({name}): {text}")
    for text in alarms[:SHOWN]:
        print(f"false alarm: {text}")
    return int(caught < CAUGHT or false > FALSE)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(2**32)))
