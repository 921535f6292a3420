"""What the assembly itself remembers."""

from django.db import models


class Demonstration(models.Model):
    """One row, written before any demonstration data: this database holds nothing else, for as long as it lives.

    Only a database with this mark can be reset, and only an empty one can be given it. So a reset cannot
    delete real data, and accounts whose password is published exist beside no real ones.
    """

    loaded_at = models.DateTimeField(help_text="The moment at which a live story stands.")
    live = models.BooleanField(help_text="Moved to the day it was loaded; else told at its own time.")

    class Meta:
        constraints = [models.CheckConstraint(name="demonstration_is_one_row", condition=models.Q(pk=1))]
