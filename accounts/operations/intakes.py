"""Systems that report to the desk: opened, renamed, given another token. Administrators do it, in the admin."""

import secrets
from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import Intake, IntakeKind, User, hashed

TOKEN_BYTES = 32


@transaction.atomic
def open_intake(*, kind: IntakeKind, name: str, enabled: bool = True) -> tuple[Intake, str]:
    """The intake and its token, which nobody can read again.

    It gets an account of its own, so that what it logs has someone who logged it: without a password, an e-mail
    address or a role, and not active.
    """
    account = User(username=f"intake-{uuid4().hex[:12]}", first_name=name, is_active=False)
    account.set_unusable_password()
    account.save()
    token = secrets.token_urlsafe(TOKEN_BYTES)
    intake = Intake.objects.create(
        kind=kind, name=name, token_hash=hashed(token), enabled=enabled, account=account
    )
    return intake, token


@transaction.atomic
def change_intake(intake: Intake, *, name: str, enabled: bool) -> None:
    """Under its new name everything that it ever logged."""
    intake.name, intake.enabled = name, enabled
    intake.save(update_fields=["name", "enabled"])
    User.objects.filter(pk=intake.account_id).update(first_name=name)


def renew_token(intake: Intake) -> str:
    """A new token; the old one opens nothing any more."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    intake.token_hash = hashed(token)
    intake.save(update_fields=["token_hash"])
    return token


def hear(intake: Intake, *, at: datetime | None = None) -> None:
    """It told us something just now."""
    Intake.objects.filter(pk=intake.pk).update(heard_at=at or timezone.now())
