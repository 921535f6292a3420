"""What pharmacists know by name, who stands behind it, and what hangs on what."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.languages import LocalizedName
from incidents.models.identifiers import public_id


class ServiceGroup(LocalizedName):
    key = models.SlugField(unique=True)
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "key"]
        verbose_name = _("group of services")
        verbose_name_plural = _("groups of services")


class Service(LocalizedName):
    """Something pharmacists use and call by name."""

    key = models.SlugField(unique=True)
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    group = models.ForeignKey(ServiceGroup, on_delete=models.PROTECT, related_name="services")
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["group__position", "position", "key"]
        verbose_name = _("service")
        verbose_name_plural = _("services")


class Partner(LocalizedName):
    class Position(models.TextChoices):
        UPSTREAM = "upstream", _("upstream: we depend on it")
        DOWNSTREAM = "downstream", _("downstream: it depends on us")
        REPORTER = "reporter", _("reports faults to us")

    key = models.SlugField(unique=True)
    position = models.CharField(max_length=12, choices=Position)

    class Meta:
        ordering = ["key"]
        verbose_name = _("partner")
        verbose_name_plural = _("partners")


class Dependency(models.Model):
    """A fault on what is depended on can show on *service*. Exactly one of the two sides is set."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="dependencies")
    on_service = models.ForeignKey(
        Service, on_delete=models.CASCADE, null=True, blank=True, related_name="dependants"
    )
    on_partner = models.ForeignKey(
        Partner, on_delete=models.CASCADE, null=True, blank=True, related_name="dependants"
    )

    class Meta:
        verbose_name = _("dependency")
        verbose_name_plural = _("dependencies")
        constraints = [
            models.CheckConstraint(
                name="dependency_is_on_one_thing",
                condition=Q(on_service=None, on_partner__isnull=False)
                | Q(on_service__isnull=False, on_partner=None),
            ),
            models.UniqueConstraint(name="dependency_on_service_once", fields=["service", "on_service"]),
            models.UniqueConstraint(name="dependency_on_partner_once", fields=["service", "on_partner"]),
        ]

    def __str__(self) -> str:
        return f"{self.service} → {self.on_service or self.on_partner}"
