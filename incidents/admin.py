"""What administrators keep: the services and partners that incidents are about. Incidents have pages of their own."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from incidents.models import Chain, ChainLink, Dependency, Partner, PublicRevision, Service, ServiceGroup

LABELS = {
    "key": _("key"),
    "name_fr": _("name in French"),
    "name_nl": _("name in Dutch"),
    "name_de": _("name in German"),
    "name_en": _("name in English"),
    "group": _("group"),
    "position": _("place in the list"),
}


class LabelledAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when run
    def get_form(
        self,
        request: HttpRequest,
        obj: Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002
        **kwargs: Any,
    ) -> Any:
        """With the labels of the catalogue; a partner's position is no place in a list."""
        labels = LABELS | ({"position": _("where it stands")} if self.model is Partner else {})
        return super().get_form(request, obj, change, **{"labels": labels, **kwargs})


class PublicAdmin(LabelledAdmin):
    """Names that the public reads: the status site follows a change."""

    def save_model(self, request: HttpRequest, obj: Model, form: ModelForm, change: bool) -> None:  # type: ignore[type-arg]  # noqa: FBT001
        super().save_model(request, obj, form, change)
        PublicRevision.objects.bump_names()

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        super().delete_model(request, obj)
        PublicRevision.objects.bump_names()

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        super().delete_queryset(request, queryset)
        PublicRevision.objects.bump_names()


class DependencyInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Dependency
    fk_name = "service"
    extra = 0


@admin.register(Service)
class ServiceAdmin(PublicAdmin):
    list_display = ("name_fr", "name_nl", "group", "position", "key")
    list_filter = ("group",)
    search_fields = ("name_fr", "name_nl", "key")
    prepopulated_fields = {"key": ("name_fr",)}
    inlines = (DependencyInline,)
    list_select_related = ("group",)


@admin.register(ServiceGroup)
class ServiceGroupAdmin(PublicAdmin):
    list_display = ("name_fr", "name_nl", "position", "key")
    prepopulated_fields = {"key": ("name_fr",)}


class ChainLinkInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ChainLink
    extra = 0


@admin.register(Chain)
class ChainAdmin(PublicAdmin):
    list_display = ("name_fr", "name_nl", "position", "key")
    prepopulated_fields = {"key": ("name_fr",)}
    filter_horizontal = ("services",)
    inlines = (ChainLinkInline,)


@admin.register(Partner)
class PartnerAdmin(PublicAdmin):
    list_display = ("name_fr", "name_nl", "position", "key")
    list_filter = ("position",)
    prepopulated_fields = {"key": ("name_fr",)}


@admin.register(Dependency)
class DependencyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("service", "on_service", "on_partner")
    list_filter = ("service",)
    list_select_related = ("service", "on_service", "on_partner")
