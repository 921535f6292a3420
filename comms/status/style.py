"""What is small enough to stand in each page that uses it: the one style, tokens it uses and then style.css, minified;
and the one script, of a page that tells of an outage and must not be believed once it is no longer renewed."""

import base64
import hashlib
import re
from pathlib import Path

from comms.status.html import Html

HERE = Path(__file__).parent
TOKENS = HERE.parent.parent / "static" / "css" / "tokens.css"


def _minified(css: str) -> str:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,>]) ?", r"\1", css)
    return re.sub(r"(?<=[\w)]): ", ":", css).replace(";}", "}").strip()


def _tokens(css: str, rules: str) -> str:
    """The custom properties of *css* that *rules* use: light, and dark where the system is."""
    light, dark = (
        re.findall(r"(--[\w-]+): *([^;]+);", block)
        for block in (
            css.partition(":root {")[2].partition("}")[0],
            css.partition(":root:not(")[2].partition("}")[0],
        )
    )
    used = set(re.findall(r"var\((--[\w-]+)", rules))
    first, second = (
        ";".join(f"{name}:{value}" for name, value in block if name in used) for block in (light, dark)
    )
    dark_screen = "@media screen and (prefers-color-scheme:dark)"  # paper is white whatever the screen is
    return f":root{{color-scheme:light dark;{first}}}{dark_screen}{{:root{{{second}}}}}"


_rules = _minified((HERE / "style.css").read_text())
STYLE = Html(_tokens(re.sub(r"/\*.*?\*/", "", TOKENS.read_text(), flags=re.DOTALL), _rules) + _rules)
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def _compact(script: str) -> str:
    return re.sub(r"\s*\n\s*", "", re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL))


STALE = Html(_compact((HERE / "stale.js").read_text()))
STALE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STALE.encode()).digest()).decode()
