"""When each of those who wait for a call is to be phoned."""

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from comms.models import Update
from incidents.models import Milestone, Phase
from tickets.models import Callback, CallbackWindow


def recovered(*, incident: str, since: str) -> QuerySet[Update]:
    """The messages that say that it works again, to whoever called at *since*, the oldest first.

    Those that end *incident*, and those published once a milestone was reached. Names of columns of the outer query.
    """
    reached = Milestone.objects.filter(
        incident=OuterRef("incident"),
        reached_at__gt=OuterRef(OuterRef(since)),
        reached_at__lte=OuterRef("published_at"),
    )
    said = Update.objects.standing().filter(incident=OuterRef(incident), published_at__gt=OuterRef(since))
    return said.filter(Q(phase=Phase.RESOLVED) | Exists(reached)).order_by("published_at")


def with_due(callbacks: QuerySet[Callback]) -> QuerySet[Callback]:
    """Annotates due: from when on to phone, None until it works again. The soonest first, then the oldest call."""
    news = recovered(incident="contact__incident", since="contact__occurred_at")
    window = Case(
        When(window=CallbackWindow.SOON, then=F("contact__occurred_at")),
        When(window=CallbackWindow.RECOVERY, then=Subquery(news.values("published_at")[:1])),
        default=F("due_at"),
    )
    due = Coalesce("next_at", window)
    annotated = callbacks.annotate(due=due)  # type: ignore[no-redef]  # the class names it for its readers
    return annotated.order_by(F("due").asc(nulls_last=True), "contact__occurred_at", "pk")
