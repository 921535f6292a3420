"""Signs of life of whatever sends: without one for a while the desk says that sending has stopped."""

from datetime import datetime

from django.utils import timezone

from comms.models import SignOfLife


def seen(runner: str, at: datetime | None = None) -> None:
    """Note that *runner* ("relay", "celery") is at work."""
    SignOfLife.objects.update_or_create(runner=runner, defaults={"seen_at": at or timezone.now()})
