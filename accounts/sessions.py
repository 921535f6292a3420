"""The sessions that Django keeps in the database, looked up with one composed question."""

from typing import Any

from django.contrib.sessions.backends import db
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from accounts.composed import Composed


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Any:
        found = _VALID.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
        return found


_VALID = Composed(
    lambda key, now: SessionStore.get_model_class().objects.filter(session_key=key, expire_date__gt=now),
    key=CharField(),
    now=DateTimeField(),
)
