"""What happens by itself. One table, two runners: `manage.py relay`, and Celery where there is a Redis."""

from datetime import timedelta
from functools import partial

from comms import relay
from comms.operations import signs, subscribers
from comms.operations.legal_reminders import remind_of_law
from comms.operations.notices import tell_notices
from comms.operations.reminders import remind
from comms.status import site, targets
from farmaflux_desk.demo import outbox
from farmaflux_desk.rehearsal import replay
from farmaflux_desk.runner import Job, LaneJob
from tickets.mailbox import read_mailbox
from tickets.mentions import read_mentions
from tickets.operations import forget_calls, forget_imports, settle_calls, weigh_calls


def jobs(runner: str) -> tuple[Job | LaneJob, ...]:
    """The table, as *runner* ("relay", "celery") runs it."""
    return (
        Job("give a sign of life", partial(signs.seen, runner), timedelta(seconds=5)),
        LaneJob("deliver", relay.lanes, outbox.deliver, timedelta(seconds=1)),
        Job("renew status site", site.renew_if_changed, timedelta(seconds=1)),
        Job("keep the status site young", site.renew_if_old, timedelta(seconds=5)),
        Job("clear the status site's past away", site.clear_away, timedelta(minutes=15)),
        LaneJob("follow the status site", targets.lanes, targets.follow_in, timedelta(seconds=1)),
        Job("play scenarios", replay.play_all, timedelta(seconds=1)),
        Job("tell notices", tell_notices, timedelta(minutes=1)),
        Job("archive what is over", site.archive_if_due, timedelta(minutes=1)),
        Job("call back missed calls", settle_calls, timedelta(seconds=2)),
        Job("remind of the plan", remind, timedelta(seconds=15)),
        Job("remind of the law", remind_of_law, timedelta(minutes=1)),
        Job("weigh the calls", weigh_calls, timedelta(seconds=30)),
        Job("read the mailbox", read_mailbox, timedelta(seconds=30)),
        LaneJob("read mentions", outbox.accounts, read_mentions, timedelta(seconds=5)),
        Job("forget telephone calls", forget_calls, timedelta(hours=1)),
        Job("forget imported files", forget_imports, timedelta(hours=1)),
        Job("end and forget subscriptions", subscribers.tidy, timedelta(hours=1)),
    )
