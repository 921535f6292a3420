"""What axe finds on a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LIGHT, DARK = "light", "dark"


def violations(page: Page, scheme: str, *, context: str | None = None) -> list[tuple[str, str]]:
    """(rule, first element) of each, in the colours of *scheme*; in the dark only what colours can change."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # of two words
    options = {"runOnly": ["color-contrast"]} if scheme == DARK else {}
    found = Axe().run(page, context=context, options=options).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:160]) for one in found]
