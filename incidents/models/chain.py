"""The way a message travels, link by link, and where an incident holds it up."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Min, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language, LocalizedName
from incidents.models.catalogue import Partner, Service
from incidents.models.incident import Incident
from incidents.models.states import LinkState


class Chain(LocalizedName):
    """What the messages of some services travel along, from the pharmacy on."""

    key = models.SlugField(unique=True)
    position = models.PositiveSmallIntegerField(default=0)
    services = models.ManyToManyField(Service, blank=True, related_name="chains", verbose_name=_("services"))

    class Meta:
        ordering = ["position", "key"]
        verbose_name = _("chain")
        verbose_name_plural = _("chains")


class ChainLink(LocalizedName):
    """One place on the way; the first of a chain is the pharmacy. partner: who runs it, where that is not us."""

    chain = models.ForeignKey(Chain, on_delete=models.CASCADE, related_name="links")
    key = models.SlugField()
    position = models.PositiveSmallIntegerField(default=0)
    partner = models.ForeignKey(
        Partner,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who runs it"),
    )

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("link of a chain")
        verbose_name_plural = _("links of a chain")
        constraints = [models.UniqueConstraint(name="link_key_once_per_chain", fields=["chain", "key"])]


class LinkStandingQuerySet(models.QuerySet["LinkStanding"]):
    def central_faults(self) -> Self:
        """Confirmed and stuck beyond the pharmacy, as only then it may be said that it is not the pharmacy's."""
        first = (
            ChainLink.objects.filter(chain=OuterRef("link__chain"))
            .values("chain")
            .annotate(first=Min("position"))
        )
        return self.filter(
            state=LinkState.STUCK,
            confirmed_at__isnull=False,
            link__position__gt=Subquery(first.values("first")),
        )


class LinkStanding(models.Model):
    """How a link does in an incident. confirmed_by: the partner that says so; none, though confirmed_at: we do."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="standings")
    link = models.ForeignKey(ChainLink, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=LinkState)
    since = models.DateTimeField(help_text="When it came into that state, UTC.")
    confirmed_by = models.ForeignKey(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    note_fr = models.CharField(max_length=160, blank=True)
    note_nl = models.CharField(max_length=160, blank=True)
    note_de = models.CharField(max_length=160, blank=True)
    note_en = models.CharField(max_length=160, blank=True)
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = LinkStandingQuerySet.as_manager()

    class Meta:
        ordering = ["link__position", "pk"]
        constraints = [
            models.UniqueConstraint(name="link_stands_once_per_incident", fields=["incident", "link"]),
            models.CheckConstraint(
                name="link_confirmed_by_someone_at_some_time",
                condition=Q(confirmed_by=None) | Q(confirmed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="link_unknown_is_confirmed_by_nobody",
                condition=~Q(state=LinkState.UNKNOWN) | Q(confirmed_at=None),
            ),
            models.CheckConstraint(
                name="link_note_is_in_both_languages",
                condition=Q(note_fr="", note_nl="", note_de="", note_en="")
                | (~Q(note_fr="") & ~Q(note_nl="")),
            ),
        ]

    @property
    def mark(self) -> str:
        """The name of its state's colours."""
        return LOOK[LinkState(self.state)][0]

    @property
    def icon(self) -> str:
        return LOOK[LinkState(self.state)][1]

    def note_in(self, language: str) -> str:
        """The note in *language*; French where it is missing."""
        return str(getattr(self, f"note_{language[:2]}", "") or self.note_fr)

    @property
    def notes(self) -> dict[str, str]:
        return {language: getattr(self, f"note_{language}") for language in Language}


LOOK = {
    LinkState.OK: ("ok", "i-ok"),
    LinkState.STUCK: ("major", "i-major"),
    LinkState.WAITING: ("unknown", "i-wait"),
    LinkState.UNKNOWN: ("unknown", "i-unknown"),
}
