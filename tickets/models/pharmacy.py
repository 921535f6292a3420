"""Who calls: pharmacies and the software houses behind their counters."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.languages import Language


class Province(models.TextChoices):
    """ISO 3166-2:BE codes; Brussels is a region, counted beside the ten provinces."""

    BRUSSELS = "BRU", _("Brussels")
    ANTWERP = "VAN", _("Antwerp")
    EAST_FLANDERS = "VOV", _("East Flanders")
    FLEMISH_BRABANT = "VBR", _("Flemish Brabant")
    LIMBURG = "VLI", _("Limburg")
    WEST_FLANDERS = "VWV", _("West Flanders")
    WALLOON_BRABANT = "WBR", _("Walloon Brabant")
    HAINAUT = "WHT", _("Hainaut")
    LIEGE = "WLG", _("Liège")
    LUXEMBOURG = "WLX", _("Luxembourg")
    NAMUR = "WNA", _("Namur")


class SoftwareHouse(models.Model):
    """Supplies the pharmacy's own software; told first by many pharmacists."""

    key = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    phone = models.CharField(max_length=32, blank=True)
    on_call_phone = models.CharField(max_length=32, blank=True)
    email = models.EmailField(blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Pharmacy(models.Model):
    apb_number = models.CharField(max_length=8, unique=True, help_text="Digits, as text.")
    name = models.CharField(max_length=120)
    holder = models.CharField(max_length=120, blank=True)
    street = models.CharField(max_length=120, blank=True)
    postcode = models.CharField(max_length=4)
    town = models.CharField(max_length=80)
    province = models.CharField(max_length=3, choices=Province)
    language = models.CharField(max_length=2, choices=Language)
    email = models.EmailField(blank=True)
    software_house = models.ForeignKey(
        SoftwareHouse, on_delete=models.PROTECT, null=True, blank=True, related_name="pharmacies"
    )
    search_text = models.CharField(
        max_length=400,
        editable=False,
        help_text="Name, holder, town and postcode without accents, lower case (tickets.lookup.searchable).",
    )

    class Meta:
        ordering = ["name", "town"]
        verbose_name_plural = "pharmacies"
        indexes = [models.Index(fields=["postcode"])]

    def __str__(self) -> str:
        return f"{self.name}, {self.town}"


class PharmacyPhone(models.Model):
    """A number a pharmacy calls from. Several pharmacies may share one switchboard."""

    pharmacy = models.ForeignKey(Pharmacy, on_delete=models.CASCADE, related_name="phones")
    raw = models.CharField(max_length=40, help_text="As it was typed.")
    e164 = models.CharField(
        max_length=16, db_index=True, help_text="+3225551212; see the telephone contract."
    )

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(name="phone_once_per_pharmacy", fields=["pharmacy", "e164"])]
