"""The wallboard: what a helpdesk reads across the room while the phones ring."""

import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from django.core.cache import cache
from django.db.models import Count

from accounts.models import User
from comms.models import Update
from farmaflux_desk.belgium import SHAPES, Shape
from farmaflux_desk.header import Header
from incidents.models import Incident
from tickets.crew import AtThePhones, at_the_phones
from tickets.models import Callback, CallbackWindow, Contact, Pharmacy
from tickets.models.contact import ContactQuerySet
from tickets.pressure import weeks_before

FIVE = timedelta(minutes=5)
SHOWN = 24  # stretches of five minutes: two hours
WEEKS = 4  # the same hours of so many weeks before are "as usual"
SMOOTHED = 2  # stretches to either side that are taken together for it
WITHOUT_INCIDENT = timedelta(hours=4)
NEWEST = 3
HOUSES = 6
TOTALS_FOR = 600  # seconds that the number of all pharmacies is remembered
WIDTH, HEIGHT, FLOOR, TOP = 720, 220, 190.0, 16.0


@dataclass(frozen=True)
class Bar:
    """Calls of the five minutes from *start*, and how many are usual then; placed in an SVG."""

    start: datetime
    calls: int
    usual: float
    running: bool
    x: float
    y: float
    width: float
    height: float
    usual_y: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True)
class Place:
    """A province or a software house: how many called, of all there are."""

    name: str
    calls: int
    pharmacies: int
    of: int
    shape: Shape | None = None

    @property
    def share(self) -> float:
        """In hundredths."""
        return 100 * self.pharmacies / self.of if self.of else 0

    @property
    def shade(self) -> int:
        """0 (nobody) to 4: from one in a thousand, a hundred, thirty and ten on."""
        return sum(self.share > edge for edge in (0, 1, 3, 10))


class Wall:
    """Read lazily. What it costs grows with the calls of the hours it shows, not with those that there ever were.

    Of an exercise it shows the exercise alone, by its own time, beside what is usual on real days.
    """

    def __init__(self, *, user: User, at: datetime, public_id: str = "") -> None:
        self.header = Header(user=user, at=at, public_id=public_id)
        self.at = self.header.now

    @property
    def incident(self) -> Incident | None:
        return self.header.incident

    @property
    def since(self) -> datetime:
        """The beginning of what callers are counted from."""
        return self.incident.began_at if self.incident else self.at - WITHOUT_INCIDENT

    @cached_property
    def _contacts(self) -> ContactQuerySet:
        if self.incident:
            return Contact.objects.of_incident(self.incident).order_by()
        return Contact.objects.real().filter(occurred_at__gt=self.since, occurred_at__lte=self.at).order_by()

    # Calls

    @property
    def _told(self) -> ContactQuerySet:
        """All calls of the real day, or of the exercise."""
        if self.incident and self.incident.drill:
            return Contact.objects.of_incident(self.incident)
        return Contact.objects.real()

    @cached_property
    def _starts(self) -> list[datetime]:
        newest = _five_of(self.at)
        return [newest - FIVE * n for n in range(SHOWN - 1, -1, -1)]

    @cached_property
    def _counts(self) -> list[int]:
        counted = _per_five(self._told, self._starts[0], self.at)
        return [counted[start] for start in self._starts]

    @cached_property
    def _usual(self) -> list[float]:
        """By the same hours of the last weeks, by the clock on the wall: the hour of the year's two changes too."""
        margin = FIVE * SMOOTHED
        firsts = [weeks_before(self._starts[0], n) for n in range(1, WEEKS + 1)]
        counted = Counter[datetime]()
        for first in firsts:
            counted += _per_five(Contact.objects.real(), first - margin, first + FIVE * SHOWN + margin)
        around = range(-SMOOTHED, SMOOTHED + 1)
        return [
            sum(counted[first + FIVE * (n + m)] for first in firsts for m in around) / (WEEKS * len(around))
            for n in range(SHOWN)
        ]

    @cached_property
    def bars(self) -> list[Bar]:
        most = max(*self._counts, *self._usual, 5)
        step, scale = WIDTH / SHOWN, (FLOOR - TOP) / most
        return [
            Bar(
                start=start,
                calls=calls,
                usual=usual,
                running=start == self._starts[-1],
                x=round(n * step + 3, 1),
                y=round(FLOOR - calls * scale, 1),
                width=round(step - 6, 1),
                height=round(calls * scale, 1),
                usual_y=round(FLOOR - usual * scale, 1),
            )
            for n, (start, calls, usual) in enumerate(
                zip(self._starts, self._counts, self._usual, strict=True)
            )
        ]

    @property
    def usual_path(self) -> str:
        return "M" + "L".join(f"{bar.middle:.1f} {bar.usual_y}" for bar in self.bars)

    @property
    def last_quarter(self) -> tuple[int, int]:
        """Calls in the last three whole stretches, and as usual, rounded."""
        return sum(self._counts[-4:-1]), round(sum(self._usual[-4:-1]))

    # Callers

    @cached_property
    def _by_place(self) -> list[Any]:
        rows = self._contacts.exclude(pharmacy=None).values(
            "pharmacy__province", "pharmacy__software_house__name"
        )
        return list(rows.annotate(calls=Count("pk"), pharmacies=Count("pharmacy", distinct=True)))

    @cached_property
    def _totals(self) -> Mapping[str, Mapping[str, int]]:
        """How many pharmacies there are, by province and by software house; ten minutes old at most."""
        found: dict[str, dict[str, int]] | None = cache.get("wall:pharmacies")
        if found is None:
            rows = Pharmacy.objects.order_by().values_list("province", "software_house__name")
            counted = list(rows.annotate(number=Count("pk")))
            provinces, houses = Counter[str](), Counter[str]()
            for province, house, number in counted:
                provinces[province] += number
                houses[house or ""] += number
            found = {"provinces": dict(provinces), "houses": dict(houses)}
            cache.set("wall:pharmacies", found, TOTALS_FOR)
        return found

    @cached_property
    def pharmacies(self) -> int:
        """A pharmacy stands in one province: those of the places add up."""
        return sum(place.pharmacies for place in self.provinces)

    @cached_property
    def all_pharmacies(self) -> int:
        return sum(self._totals["provinces"].values())

    @property
    def share(self) -> float:
        return 100 * self.pharmacies / self.all_pharmacies if self.all_pharmacies else 0

    @cached_property
    def provinces(self) -> list[Place]:
        calls, callers = self._added("pharmacy__province")
        of = self._totals["provinces"]
        return [
            Place(
                str(shape.province.label),
                calls[shape.province],
                callers[shape.province],
                of.get(shape.province, 0),
                shape,
            )
            for shape in SHAPES
        ]

    @property
    def provinces_by_share(self) -> list[Place]:
        return sorted(self.provinces, key=lambda place: (-place.share, place.name))

    @cached_property
    def houses(self) -> list[Place]:
        """Those whose pharmacies call most, by the share of them that did; the name is empty where nobody knows."""
        calls, callers = self._added("pharmacy__software_house__name")
        of = self._totals["houses"]
        places = [Place(name, calls[name], callers[name], of.get(name, 0)) for name in callers]
        return sorted(places, key=lambda place: (-place.share, place.name))[:HOUSES]

    def _added(self, name: str) -> tuple[Counter[str], Counter[str]]:
        calls, callers = Counter[str](), Counter[str]()
        for row in self._by_place:
            place = str(row[name] or "")
            calls[place] += row["calls"]
            callers[place] += row["pharmacies"]
        return calls, callers

    # What waits

    @cached_property
    def late_callbacks(self) -> int:
        late = Callback.objects.open().filter(window=CallbackWindow.AT, due_at__lt=self.at)
        if self.incident and self.incident.drill:
            return late.filter(contact__incident=self.incident).count()
        return late.exclude(contact__incident__drill=True).count()

    @cached_property
    def crew(self) -> list[AtThePhones]:
        return at_the_phones(self.at)

    # Messages

    @cached_property
    def updates(self) -> list[Update]:
        standing = Update.objects.standing()
        about = (
            standing.filter(incident=self.incident)
            if self.incident
            else standing.filter(incident__drill=False)
        )
        return list(about.order_by("-published_at").prefetch_related("texts")[:NEWEST])

    @property
    def lines(self) -> list[tuple[Update, str, str]]:
        """Each of the last messages with its headline in the reader's language, and the language it is in."""
        found = []
        for update in self.updates:
            text = update.text_in(self.header.user.language)
            found.append((update, text.headline or text.title if text else "", text.language if text else ""))
        return found

    @property
    def minutes_since_message(self) -> int | None:
        newest = self.updates[0].published_at if self.updates else None
        return int((self.at - newest).total_seconds() // 60) if newest else None

    @property
    def version(self) -> str:
        """Changes with every call, message and minute."""
        urgent = self.header.urgent
        parts = (
            f"{self.at:%d%H%M}",
            self.incident and self.incident.public_id,
            self._counts,
            (urgent.count, urgent.late, urgent.unclaimed),
            [update.pk for update in self.updates],
        )
        return f"{zlib.crc32(repr(parts).encode()):08x}"


def _per_five(contacts: ContactQuerySet, since: datetime, until: datetime) -> Counter[datetime]:
    """Of *contacts* those by the five minutes (UTC) that they came in.

    Read in the order of an index: left to itself SQLite looks for each incident's.
    """
    told = contacts.filter(occurred_at__gte=since, occurred_at__lte=until).order_by("-occurred_at")
    return Counter(map(_five_of, told.values_list("occurred_at", flat=True)))


def _five_of(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return moment - timedelta(minutes=moment.minute % 5)
