"""Keys made of names."""

from itertools import count

from django.db import models

LONGEST = 50  # characters, of a SlugField


def free_key(wanted: str, among: type[models.Model]) -> str:
    """*wanted*, or with the first number behind it that no other row of *among* has."""
    wanted = wanted[: LONGEST - 4]
    taken = set(among._default_manager.filter(key__startswith=wanted).values_list("key", flat=True))
    candidates = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
    return next(key for key in candidates if key not in taken)
