"""A sender killed at each of five points a message passes, by every kind of channel: `python -m bench.killed`.

After each death (SIGKILL) the lease is let run out and another takes over. Checked at the other ends (bench.fakes):
none lost; none doubled where the channel has a key or can be looked at; of mail at most the one recipient in flight,
with the same Message-ID; where nobody can tell, `unknown`, and the desk shows it. `--control` switches off what
protects: the fence and the keys, and then the doubt; each must show, in every kind, or the command fails.
"""

import argparse
import json
import logging
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from bench.mailing import prepare, running
from tests.comms.receivers import free_port

POINTS = ("after claim", "before send", "after acceptance", "before mark", "after mark")
CONTROLS = {
    "without fence and keys": ("doubled", ("after acceptance", "before mark")),
    "without doubt": ("lost", ("after claim", "before send")),
}
NOBODYS = "staff-browser"  # has no other end: open pages ask for what is theirs
READERS = 5  # of each mail; accounts post in two languages
HOOKS = 2  # of subscribers
ROUNDS = 4  # of another sender, until nothing waits
Seen = list[list[Any]]


class Fakes:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                self.seen()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("The other ends do not answer.")

    def ask(self, path: str, **given: Any) -> Seen:
        with urlopen(Request(f"{self.url}/_/{path}", json.dumps(given).encode()), timeout=10) as answer:  # noqa: S310
            found: Seen = json.load(answer)
            return found

    def seen(self) -> Seen:
        return self.ask("seen")


class Count(NamedTuple):
    """What came of some deaths; *named_anew*: repeats of a mail under another Message-ID; *waiting*: never left."""

    deaths: int = 0
    owed: int = 0
    arrived: int = 0
    doubled: int = 0
    worst: int = 0
    """The most that one death doubled."""
    named_anew: int = 0
    unknown: int = 0
    lost: int = 0
    waiting: int = 0


def count(states: Counter[str], seen: Seen) -> Count:
    """Of one death: *states* of its deliveries, and what its readers saw, each of them one row a message."""
    arrived = {what for _place, what, *_rest in seen}
    doubled = len(seen) - len(arrived)
    unknown, owed = states["unknown"], states.total()
    return Count(
        deaths=1,
        owed=owed,
        arrived=len(arrived),
        doubled=doubled,
        worst=doubled,
        named_anew=len({(what, name) for _place, what, name, _at in seen}) - len(arrived),
        unknown=unknown,
        lost=max(0, states["sent"] - len(arrived)),
        waiting=owed - states["sent"] - unknown,
    )


def add(one: Count, other: Count) -> Count:
    summed = [a + b for a, b in zip(one, other, strict=True)]
    return Count(*summed)._replace(worst=max(one.worst, other.worst))


def wrong(found: Count, manner: str) -> list[str]:
    """What of *found* may not be in a channel of that manner: "key", "mail" or "ask"."""
    told = [
        f"{number} {what}" for number, what in ((found.lost, "lost"), (found.waiting, "never left")) if number
    ]
    if found.named_anew and manner == "mail":
        told.append(f"{found.named_anew} doubled under another Message-ID")
    if found.doubled and (manner != "mail" or found.worst > 1):
        told.append(f"{found.doubled} doubled, {found.worst} by one death")
    if found.unknown > (found.deaths if manner == "ask" else 0):
        told.append(f"{found.unknown} unknown")
    return told


def child(work: Callable[[], None]) -> int:
    """Do *work* in a process of its own; its exit code, negative the signal that ended it."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            work()
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def dying(function: Callable[..., Any], nth: int, *, after: bool) -> Callable[..., Any]:
    """*function*, at whose *nth* call this process is killed, before or *after* it."""
    left = iter(range(nth - 1, -1, -1))

    def call(*arguments: Any, **named: Any) -> Any:
        last = not next(left)
        if last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = function(*arguments, **named)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return call


class Killed:
    def __init__(self, fakes: Fakes, seed: int, control: str = "") -> None:
        self.fakes, self.chance, self.control = fakes, random.Random(seed), control
        self.number = channels_so_far()
        self._prepare()

    def _prepare(self) -> None:
        """What every death needs, made before the first process is forked."""
        import apprise
        from django.utils import timezone

        from accounts.models import User
        from comms.channels import facebook, http, linkedin, x
        from comms.models import ListMember, MailList, Subscriber, SubscriberKind
        from incidents.models import ServiceStatus
        from tests import factories

        x.API, facebook.API, linkedin.API = (
            f"{self.fakes.url}/{kind}" for kind in ("x", "facebook", "linkedin")
        )
        apprise.Apprise()
        http._trust()
        self.by = User.objects.filter(username="bench").first() or User.objects.create_superuser("bench")
        began = timezone.now() - timedelta(minutes=20)
        services = {factories.service("eforms"): ServiceStatus.PARTIAL}
        self.incident = factories.incident(services=services, by=self.by, began_at=began)
        if not Subscriber.objects.exists():
            for n in range(READERS):
                factories.subscriber(f"reader-{n}@pharmacy.example", created_at=began)
            for n in range(HOOKS):
                factories.subscriber(
                    f"{self.fakes.url}/subscriber-hook/{n}",
                    kind=SubscriberKind.WEBHOOK,
                    created_at=began,
                )
            board = MailList.objects.create(key="board", name_fr="B", name_nl="B")
            for n in range(READERS):
                ListMember.objects.create(
                    mail_list=board,
                    name=str(n),
                    email=f"member-{n}@pharmacy.example",
                    phone=f"+3247012345{n}" if n < 2 else "",
                )

    def channel(self, kind: str) -> Any:
        from comms.channels import credentials
        from comms.models import LISTS, Channel, MailList

        self.number += 1
        Channel.objects.update(enabled=False)
        url = f"{self.fakes.url}/{kind}"
        plain, sealed = accounts(kind, url)
        return Channel.objects.create(
            key=f"{kind}-{self.number}",
            name=kind,
            kind=kind,
            languages=["fr", "nl"],
            mail_list=MailList.objects.get(key="board") if kind in LISTS else None,
            settings=plain,
            sealed_secrets=credentials.seal(sealed),
        )

    def owe(self, update: Any, kind: str) -> Any:
        """The channel, fresh, that is owed *update*."""
        from django.db import transaction
        from django.utils import timezone

        from comms.models import CALLERS, STAFF, Delivery
        from comms.operations import deliveries
        from comms.operations.callers import owe_callers
        from comms.operations.reminders import reminder_of

        way, at = self.channel(kind), timezone.now()
        with transaction.atomic():
            if kind in STAFF:
                addresses = [f"+3247012345{n}" for n in range(2)]
                if kind == "staff-email":
                    addresses = [f"colleague-{n}@farmaflux.example" for n in range(READERS)]
                Delivery.objects.bulk_create(
                    reminder_of(update.incident, way, "fr", each, [f"step {each}"], at) for each in addresses
                )
            elif kind in CALLERS:
                numbers = [("fr", f"+3247012345{n}") for n in range(2)]
                letters = [("fr", f"caller-{n}@pharmacy.example") for n in range(READERS)]
                owe_callers(update, way, numbers if kind == "caller-sms" else letters, at=at)
            else:
                deliveries.owe(update, at=at)
        return way

    def deaths(self, kind: str, point: str, number: int) -> tuple[Count, bool]:
        """What came of *number* deaths; whether the desk shows what is unknown."""
        from comms.lanes import lanes
        from comms.matrix import matrix
        from comms.models import LISTS, STAFF, Channel

        found, updates, newest = (
            Count(),
            [self.update()],
            max([0, *Channel.objects.values_list("pk", flat=True)]),
        )
        if kind != "apprise":  # which keeps threads, and they do not live on in a child
            self.take_over(self.owe(self.update(), kind))  # what is read once the children find read
        for _ in range(number):
            if kind in LISTS:  # whoever is on a list is told of a message once, by whichever channel
                updates.append(self.update())
            found = add(found, self.death(updates[-1], kind, point))
        if kind in STAFF:  # a reminder is in no message's matrix
            said = [lane for lane in lanes() if lane.channel.pk > newest and lane.error]
            return found, len(said) == found.unknown
        shown = [matrix(update) for update in updates]
        wanted = any(cell.wanted for each in shown for row in each.rows for cell in row.cells)
        return found, sum(each.unknown for each in shown) == found.unknown and wanted == bool(found.unknown)

    def update(self) -> Any:
        from django.utils import timezone

        from tests import factories

        texts = {"fr": "Panne.", "nl": "Storing."}
        return factories.update(self.incident, texts=texts, published_at=timezone.now(), by=self.by)

    def death(self, update: Any, kind: str, point: str) -> Count:
        from django.db import connections

        from comms.models import STAFF, Delivery

        self.fakes.ask("reset")
        self.fakes.ask("set", forgetful=self.control == "without fence and keys")
        way = self.owe(update, kind)
        # Owed to subscribers is one mailing until their lane comes to it.
        most = way.deliveries.count() or (READERS if kind == "subscriber-email" else HOOKS)
        nth = most if self.control else self.chance.randint(1, most)
        connections.close_all()
        if (code := child(lambda: self.send_and_die(way, point, nth))) != -signal.SIGKILL:
            raise SystemExit(f"{kind}, {point}: the sender was not killed there ({code}).")
        if child(lambda: self.take_over(way, control=self.control)):
            raise SystemExit(f"{kind}, {point}: the sender that took over failed.")
        states = Counter(Delivery.objects.filter(channel=way).values_list("state", flat=True))
        if kind in STAFF:  # nobody settles a reminder: in doubt it has failed
            states["unknown"] += states.pop("failed", 0)
        return count(states, [each for each in self.fakes.seen() if self.speaks(each)])

    def speaks(self, each: list[Any]) -> bool:
        """A webhook of a subscriber tells beside the message of each component, under keys of their own."""
        from comms.models import Delivery

        return each[0] != "subscriber-hook" or Delivery.objects.filter(key=each[1]).exists()

    def send_and_die(self, way: Any, point: str, nth: int) -> None:
        """In a child. The sender is killed at its *nth* message, or at the claim of it."""
        from comms import relay
        from comms.channels.kinds import transport
        from comms.operations import sending

        can = transport(way).capabilities
        whole = can.batch > 1  # claimed, and marked, together
        if point == "after acceptance":
            self.fakes.ask("set", kill=[os.getpid(), nth])
        else:
            module, name, after, nth = {
                "after claim": (sending, "claim", True, 1 if whole else nth),
                "before send": (type(transport(way)), "send", False, nth),
                "before mark": (relay, "_note", False, nth),
                "after mark": (sending, "release", True, 1) if whole else (relay, "_note", True, nth),
            }[point]
            setattr(module, name, dying(getattr(module, name), nth, after=after))
        relay.send_through(f"{way.pk}/0")

    def take_over(self, way: Any, *, control: str = "") -> None:
        """What the next sender does, the waits left out."""
        from django.utils import timezone

        from comms import relay
        from comms.models import Claim, Delivery
        from comms.operations import sending

        if control:  # in a child
            sending.recover = _blindly if "fence" in control else _hopefully
        waiting = Delivery.objects.filter(channel=way, state__in=["queued", "sending"])
        for _ in range(ROUNDS):
            Claim.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            waiting.filter(state="queued").update(not_before=timezone.now())
            relay.run_once()
            if not waiting.exists():
                break


def _blindly(channel: Any, *, at: Any, **_: Any) -> int:
    """Without the fence: whatever a dead sender held is sent again."""
    from comms.operations import sending

    for made in channel.claims.filter(lease_until__lt=at):
        sending._let_go(made)
    return 0


def _hopefully(channel: Any, *, at: Any, **_: Any) -> int:
    """Without doubt: whatever a dead sender held has arrived."""
    for made in channel.claims.filter(lease_until__lt=at):
        made.deliveries.update(state="sent", sent_at=at, claim=None)
        made.delete()
    return 0


def accounts(kind: str, url: str) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and secrets of a channel of *kind* at *url*."""
    keys = dict.fromkeys(("api_key", "api_secret", "access_token", "access_secret"), "plain-key")
    sms = {
        "url": f"{url}/messages",
        "headers": "Authorization: Bearer {secret}",
        "body": "to={to}\ntext={text}",
    }
    found: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        "mastodon": ({"server": url}, {"token": "token"}),
        "bluesky": ({"server": url, "handle": "farmaflux.example"}, {"password": "password"}),
        "x": ({}, keys),
        "facebook": ({"page": "1234567890"}, {"token": "token"}),
        "linkedin": ({"organisation": "2414183", "version": "202607"}, {"token": "token"}),
        "sms": (sms, {"secret": "gateway-secret"}),
        "caller-sms": (sms, {"secret": "gateway-secret"}),
        "staff-sms": (sms, {"secret": "gateway-secret"}),
        "slack": ({}, {"url": f"{url}/services/T0/B0/secret"}),
        "teams": ({}, {"url": f"{url}/workflows/1"}),
        "apprise": ({}, {"url": url.replace("http://", "json://")}),
        "webhook": ({"url": f"{url}/hook"}, {"secret": "a-secret-of-sixteen"}),
    }
    return found.get(kind, ({}, {}))


def channels_so_far() -> int:
    from comms.models import Channel

    return Channel.objects.count()


def manner(kind: str) -> str:
    from comms.channels.base import Doubt
    from comms.channels.kinds import TRANSPORTS
    from comms.models import ChannelKind

    can = TRANSPORTS[ChannelKind(kind)].capabilities
    if can.idempotent or can.reads_back:
        return "key"
    return "ask" if can.in_doubt == Doubt.ASK else "mail"


def main() -> int:
    from django.db import connection

    from comms.models import ChannelKind

    failed, total = 0, Count()
    kinds = given.kind or [kind for kind in ChannelKind.values if kind != NOBODYS]
    print(f"{connection.display_name}, {len(kinds)} kinds, --seed {given.seed}", flush=True)
    killed = Killed(FAKES, given.seed)
    for kind in kinds:
        for point in POINTS:
            found, shown = killed.deaths(kind, point, given.number)
            told = wrong(found, manner(kind)) + ([] if shown else ["the desk does not show what is unknown"])
            failed += len(told)
            total = add(total, found)
            print(_line(f"{kind}, {point}", found), *told, sep="\n  WRONG: ", flush=True)
    print(_line("All", total))
    return failed


def _line(name: str, found: Count) -> str:
    return (
        f"{name:34} {found.deaths} deaths, {found.owed} owed: {found.arrived} arrived, {found.lost} lost, "
        f"{found.doubled} doubled, {found.unknown} unknown"
    )


def control() -> int:
    from comms.models import ChannelKind

    print(f"Controls, --seed {given.seed}", flush=True)
    failed = 0
    for name, (expected, points) in CONTROLS.items():
        killed = Killed(FAKES, given.seed, name)
        for kind in given.kind or [kind for kind in ChannelKind.values if kind != NOBODYS]:
            for point in points:
                found, _shown = killed.deaths(kind, point, 1)
                if not any(expected in told for told in wrong(found, manner(kind))):
                    failed += 1
                    print(_line(f"{kind}, {point}, {name}", found), f"went unnoticed: {expected}", sep="\n  ")
    print("The controls were noticed." if not failed else f"{failed} went unnoticed.")
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, default=20, help="of deaths at each point")
    parser.add_argument("--kind", action="append")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--control", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.INFO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    smtp, http_port = free_port(), free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        running([sys.executable, "-m", "bench.fakes", str(smtp), str(http_port)]),
    ):
        prepare(folder, smtp)
        FAKES = Fakes(http_port)
        sys.exit(bool(control() if given.control else main()))
