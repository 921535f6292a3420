"""The number that grows with every change of what the public may see."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

from django.db import models, transaction
from django.db.models import F, Subquery

from accounts.composed import Composed, ComposedUpdate
from incidents.models.incident import Incident

_bumped: ContextVar[list[Incident | None] | None] = ContextVar("bumped", default=None)


@contextmanager
def bumps() -> Iterator[list[Incident | None]]:
    """Fills with the incident of each bump of this thread meanwhile, with those of what is rolled back too."""
    seen: list[Incident | None] = []
    token = _bumped.set(seen)
    try:
        yield seen
    finally:
        _bumped.reset(token)


class PublicRevisionQuerySet(models.QuerySet["PublicRevision"]):
    def bump(self, incident: Incident | None = None) -> None:
        """Call inside the transaction of every change of a public fact, with the *incident* that it is a fact of.

        The row's lock, held until the transaction ends, puts public changes one after the other. The incident carries
        the new number, by which those whose pages are to be written anew are found. Of an exercise nothing is public:
        no number grows.
        """
        if not transaction.get_connection().in_atomic_block:
            raise transaction.TransactionManagementError("A public revision is part of a transaction.")
        if incident is not None and incident.drill:
            return
        if (seen := _bumped.get()) is not None:
            seen.append(incident)
        if not _RAISE():
            self.get_or_create(pk=1)
            _RAISE()
        if incident is None:
            self.filter(pk=1).update(others=uuid4())
        else:
            _MARK(incident=incident.pk)

    def bump_names(self) -> None:
        """As bump, for a name that any page may show: a service's, a partner's."""
        self.bump()
        self.filter(pk=1).update(names=F("number"))

    @transaction.atomic
    def begin_anew(self, *, above: int) -> None:
        """After the database was set back: all that is public gets a new number, above *above* and any of its own.

        The numbers that were given since are given again; who remembers what they meant must not find them.
        """
        self.bump_names()
        self.filter(pk=1, number__lte=above).update(number=above + 1, names=above + 1)

    @contextmanager
    def standing_still(self) -> "Iterator[PublicRevision]":
        """The row, for who reads facts for a publication: in the block they are all of one moment, of no change half.

        PostgreSQL shows what was committed when the block began, and nobody waits. Where that cannot be asked for, in
        a transaction that has begun before and on SQLite, the row is locked until the transaction ends.
        """
        connection = transaction.get_connection()
        by_itself = connection.vendor == "postgresql" and not connection.in_atomic_block
        with transaction.atomic():
            if by_itself:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield (_ROW if by_itself else _HELD).first() or PublicRevision(pk=1)

    def names_current(self) -> int:
        """The number when a name last changed, 0 before one did."""
        return self.filter(pk=1).values_list("names", flat=True).first() or 0

    def current(self) -> int:
        """The newest number, 0 before anything was ever public."""
        return _NUMBER.first() or 0


class PublicRevision(models.Model):
    """One row. Whoever finds the status site behind this number renders it anew."""

    number = models.PositiveBigIntegerField(default=0)
    names = models.PositiveBigIntegerField(default=0, help_text="The number when a name last changed.")
    others = models.UUIDField(
        null=True,
        editable=False,
        help_text="Another with each change of what is no incident's, planned work above all.",
    )

    objects = PublicRevisionQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="public_revision_is_one_row", condition=models.Q(pk=1))]


_RAISE = ComposedUpdate(lambda: (PublicRevision.objects.filter(pk=1), {"number": F("number") + 1}))
_MARK = ComposedUpdate(
    lambda incident: (
        Incident.objects.filter(pk=incident),
        {"revision": Subquery(PublicRevision.objects.filter(pk=1).values("number"))},
    ),
    incident=models.BigIntegerField(),
)
_ROW = Composed(lambda: PublicRevision.objects.filter(pk=1))
_HELD = Composed(lambda: PublicRevision.objects.select_for_update().filter(pk=1))
_NUMBER = Composed(lambda: PublicRevision.objects.filter(pk=1).values_list("number", flat=True))
