from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from comms.status import targets
from comms.status.breakglass import NoSite, put
from comms.status.facts import Text
from comms.status.render import made_of
from comms.status.targets.base import follow
from incidents.personal_data import national_numbers

LONGEST = 300


class Command(BaseCommand):
    help = (
        "Put a notice on every page of the status site, with database, Redis and mail gone: it needs only the folder. "
        "It stays through every later publication until --clear, and stands in the timeline once there is a database."
    )
    requires_system_checks: list[str] = []  # nothing may keep it from working

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("fr", nargs="?", default="", help="The notice in French.")
        parser.add_argument("nl", nargs="?", default="", help="The notice in Dutch.")
        parser.add_argument(
            "--de", default="", help="In German; without it readers get the French one, marked."
        )
        parser.add_argument(
            "--en", default="", help="In English; without it readers get the French one, marked."
        )
        parser.add_argument("--clear", action="store_true", help="Take the notice down.")

    def handle(self, *args: Any, fr: str, nl: str, de: str, en: str, clear: bool, **options: Any) -> None:
        texts = {"fr": fr.strip(), "nl": nl.strip(), "de": de.strip(), "en": en.strip()}
        if clear and any(texts.values()):
            raise CommandError("Give either a notice or --clear.")
        notice = None if clear else _checked(texts)
        made = partial(
            made_of,
            url=settings.DESK_STATUS_URL,
            app_url=settings.DESK_BASE_URL,
            default_language=settings.LANGUAGE_CODE,
        )
        try:
            publication = put(
                settings.DESK_STATUS_ROOT,
                notice,
                at=timezone.now(),
                made_of=lambda told: made(notice=told),
            )
        except NoSite as error:
            raise CommandError(f"{error} The notice is kept and will be on the first one.") from None
        except OSError as error:
            where = settings.DESK_STATUS_ROOT
            raise CommandError(f"Not shown yet: {error.strerror or error} ({where}).") from None
        done = "no longer has a notice" if clear else "shows the notice on every page"
        self.stdout.write(f"Publication {publication.number} {done}.")
        for target in targets.configured():  # the relay may be gone as well
            after = follow(target, settings.DESK_STATUS_ROOT, timezone.now())
            self.stdout.write(f"{target.place}: {after.error or f'publication {after.number}'}.")


def _checked(texts: dict[str, str]) -> Text:
    for language, text in texts.items():
        if not text and language in ("fr", "nl"):
            raise CommandError('Give the notice in French and in Dutch: breakglass "texte" "tekst".')
        if len(text) > LONGEST:
            raise CommandError(f"The text in {language} has {len(text)} characters: at most {LONGEST}.")
        if national_numbers(text):
            raise CommandError(f"The text in {language} holds a national number: take it out.")
    return Text(**texts)
