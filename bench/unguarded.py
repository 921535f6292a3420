"""A relay without something that protects, or one that freezes: `python -m bench.unguarded WHAT`.

For the controls, "lanes": every channel waits for the one before it; "claims": what another sender holds is taken from
it; "fence, frozen": a sender whose lease has run out goes on. "frozen" is the relay as it is, stopped (SIGSTOP) with
claims in its hands and nothing sent yet; "locked" stops as it takes one, holding the lane's lock.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import django
from django.core.management import call_command


def without_lanes() -> None:
    from comms import relay
    from farmaflux_desk.demo import outbox

    lanes = relay.lanes
    relay.lanes = lambda: ["all"] if lanes() else []
    outbox.deliver = lambda *_: sum(relay.send_through(each) for each in lanes())


def without_claims() -> None:
    from comms.models import Claim, Delivery
    from comms.operations import mailing, sending

    def take(channel: Any, *, can: Any, at: datetime) -> sending.Held | None:
        mailing.spread(channel, at=at)
        rows = channel.deliveries.filter(state__in=["queued", "sending"]).order_by("not_before", "pk")
        pks = list(rows.values_list("pk", flat=True)[: can.batch])
        if not pks:
            return None
        made = Claim.objects.create(channel=channel, made_at=at, lease_until=at + sending.LEASE)
        Delivery.objects.filter(pk__in=pks, state__in=["queued", "sending"]).update(
            state="sending", claim=made
        )
        held = made.deliveries.select_related("subscriber").order_by("pk")
        return sending.Held(made, list(held), careless=can.batch > 1)

    sending.claim = take


def without_fence() -> None:
    from comms.operations import sending

    sending._reached = lambda *_, **__: True


def frozen() -> None:
    from comms.operations import sending

    sending.reach = _freezing_before(sending.reach)


def locked() -> None:
    from comms.operations import mailing

    mailing.spread = _freezing_before(mailing.spread)  # the lane is locked, and the transaction open


def _freezing_before(function: Callable[..., Any]) -> Callable[..., Any]:
    """The first call stops the process; calls of other threads wait, so that none is beyond that point."""
    lock, stopped = threading.Lock(), threading.Event()

    def call(*arguments: Any, **named: Any) -> Any:
        with lock:
            if not stopped.is_set():
                os.kill(os.getpid(), signal.SIGSTOP)
                time.sleep(0.1)
                stopped.set()
        return function(*arguments, **named)

    return call


WAYS = {
    "lanes": without_lanes,
    "claims": without_claims,
    "fence": without_fence,
    "frozen": frozen,
    "locked": locked,
}


def main(what: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "farmaflux_desk.settings")
    django.setup()
    for each in what.split(", "):
        WAYS[each]()
    call_command("relay")


if __name__ == "__main__":
    main(sys.argv[1])
