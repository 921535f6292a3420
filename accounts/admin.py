"""Who may come in, kept by administrators."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import operations
from accounts.forms import PhoneField
from accounts.models import Intake, IntakeKind, User
from accounts.roles import Role


@admin.register(User)
class StaffAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable when run
    """Rights come from roles alone: no switch here makes a superuser, and superusers are only seen by their like.

    Accounts of systems that report to the desk are no staff.
    """

    list_display = ("username", "first_name", "last_name", "email", "language", "is_active")
    list_filter = ("groups", "is_active", "language")
    filter_horizontal = ("groups",)
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active")}),
        (
            _("Person"),
            {
                "fields": (
                    "first_name",
                    "last_name",
                    "email",
                    "phone",
                    "language",
                    "single_keys",
                    "extension",
                )
            },
        ),
        (_("Roles"), {"fields": ("groups",)}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "usable_password", "password1", "password2", "language", "groups"),
            },
        ),
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "phone":
            kwargs["form_class"] = PhoneField
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request).filter(intake=None)
        return users if request.user.is_superuser else users.filter(is_superuser=False)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        """Only administrators may open these pages; that follows from the role."""
        super().save_related(request, form, formsets, change)
        user: User = form.instance
        user.is_staff = user.is_superuser or user.groups.filter(name=Role.ADMINISTRATOR.value).exists()
        user.save(update_fields=["is_staff"])


class IntakeForm(forms.ModelForm):  # type: ignore[type-arg]
    new_token = forms.BooleanField(
        label=_("Give it a new token"), required=False, help_text=_("The old one stops working at once.")
    )

    class Meta:
        model = Intake
        fields = ("kind", "name", "enabled")


@admin.register(Intake)
class IntakeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The token is shown once, when it is made; an intake is switched off, never deleted: what it logged stays."""

    form = IntakeForm
    list_display = ("name", "kind", "enabled", "heard_at")
    readonly_fields = ("heard_at",)

    def get_fields(self, request: HttpRequest, obj: Intake | None = None) -> tuple[str, ...]:
        return ("name", "enabled", "new_token", "heard_at") if obj else ("kind", "name", "enabled")

    def has_delete_permission(self, request: HttpRequest, obj: Intake | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Intake, form: Any, change: Any) -> None:
        if not change:
            made, token = operations.open_intake(
                kind=IntakeKind(obj.kind), name=obj.name, enabled=obj.enabled
            )
            obj.pk = made.pk
            self._show(request, made, token)
            return
        operations.change_intake(obj, name=obj.name, enabled=obj.enabled)
        if form.cleaned_data.get("new_token"):
            self._show(request, obj, operations.renew_token(obj))

    def _show(self, request: HttpRequest, intake: Intake, token: str) -> None:
        if intake.kind == IntakeKind.TELEPHONE:
            address = f"{settings.DESK_BASE_URL}{reverse('intake:cti', args=[token])}"
            text = _("Events are posted to %(address)s. This address is shown only now: copy it.")
        else:
            address = f"{settings.DESK_BASE_URL}{reverse('intake:alertmanager')}"
            text = _(
                "Alerts are posted to %(address)s with the header “Authorization: Bearer %(token)s”. "
                "The token is shown only now: copy it."
            )
        self.message_user(request, text % {"address": address, "token": token}, messages.WARNING)
