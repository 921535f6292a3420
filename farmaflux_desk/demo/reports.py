"""Who reported that day without calling ("I have this too"). Seeded, like the pharmacies."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import uuid4

from farmaflux_desk.demo.cast import Cast
from farmaflux_desk.demo.pharmacies import SEED, SyntheticPharmacy
from farmaflux_desk.demo.story import Clock
from farmaflux_desk.demo.telling import Happening
from tickets import operations

QUARTER = timedelta(minutes=15)


def happenings(
    told: Mapping[str, Any], pharmacies: Sequence[SyntheticPharmacy], cast: Cast, clock: Clock
) -> Iterator[Happening]:
    """*told*: how many in which quarter of an hour, and of how many on each service (black_friday_2022.yaml).

    One in four leaves her APB number out, and half of those say no software house either.
    """
    random = Random(SEED)
    services, weights = list(told["services"]), list(told["services"].values())
    senders = iter(random.sample([pharmacy for pharmacy in pharmacies if not pharmacy.key], 200))
    for number, moment in enumerate(_moments(told["counts"], clock)):
        sender, anonymous = next(senders), number % 4 == 0
        report = partial(
            operations.report,
            key=uuid4(),
            service=cast.services[random.choices(services, weights)[0]],
            who="",
            apb_number="" if anonymous else sender.apb_number,
            software_house=None if number % 8 == 0 else cast.pharmacies[sender.apb_number].software_house,
            at=moment,
        )
        yield moment, report


def _moments(counts: Mapping[str, int], clock: Clock) -> Iterator[datetime]:
    for text, count in counts.items():
        for n in range(count):
            yield clock.at(text) + QUARTER * ((n + 0.5) / count)
