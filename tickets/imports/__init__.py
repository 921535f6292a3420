"""Pharmacies and software houses from a file: what each line would change, and why a line is rejected."""

from tickets.imports.outcome import Outcome, outcome_of
from tickets.imports.resources import RESOURCES, columns_of, named_for

__all__ = ["RESOURCES", "Outcome", "columns_of", "named_for", "outcome_of"]
