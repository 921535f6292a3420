"""How an operation says no."""

from django.core.exceptions import PermissionDenied


class Refused(Exception):
    """The operation was not done, and nothing was written.

    The message is fit for the user, translated; *field* names the form field it belongs beside,
    empty when it concerns the whole.
    """

    def __init__(self, message: object, *, field: str = "") -> None:
        super().__init__(str(message))
        self.message = str(message)
        self.field = field


class NotAllowed(Refused, PermissionDenied):
    """This person may not do this, whatever the state: where nobody catches it the answer is 403 with the message."""
