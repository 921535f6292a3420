"""Who may speak to the desk without being a person."""

from accounts.operations.intakes import change_intake, hear, open_intake, renew_token

__all__ = ["change_intake", "hear", "open_intake", "renew_token"]
