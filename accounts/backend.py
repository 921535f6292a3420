"""Who is signed in, and what she may do, in one question to the database."""

from typing import Any, cast

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import Permission
from django.db.models import BigIntegerField, OuterRef, QuerySet, StringAgg, Subquery, Value
from django.db.models.functions import Concat

from accounts.composed import Composed
from accounts.models import User


class DeskBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """Django asks once for a user, once for her own permissions and once for those of her groups: on every page
    that shows a button by what someone may do. Here all three come with the user."""

    def get_user(self, user_id: int) -> User | None:
        user = _WITH_PERMISSIONS.first(pk=user_id)
        return user if user and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: User, obj: Any = None) -> set[str]:
        known = hasattr(user_obj, "granted") and user_obj.is_active and not user_obj.is_superuser
        if obj is not None or not known:
            return cast("set[str]", super().get_all_permissions(user_obj, obj))
        granted: str | None = user_obj.granted  # type: ignore[attr-defined]
        return set((granted or "").split())


def _granted() -> Subquery:
    """ "tickets.log_contact comms.tick_step …", null for nobody's."""
    of_groups = User.groups.through.objects.filter(user=OuterRef(OuterRef("pk"))).values("group__permissions")
    own = User.user_permissions.through.objects.filter(user=OuterRef(OuterRef("pk"))).values("permission")
    codes: QuerySet[Any] = Permission.objects.filter(pk__in=of_groups) | Permission.objects.filter(pk__in=own)
    code = Concat("content_type__app_label", Value("."), "codename")
    listed = codes.order_by().annotate(one=Value(1)).values("one").annotate(all=StringAgg(code, Value(" ")))
    return Subquery(listed.values("all"))


_WITH_PERMISSIONS = Composed(
    lambda pk: User.objects.filter(pk=pk).annotate(granted=_granted()), pk=BigIntegerField()
)
