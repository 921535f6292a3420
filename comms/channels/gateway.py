"""The request that an SMS gateway wants, as an administrator describes it: templates with placeholders.

A value is encoded for the place where it stands: percent-encoded in the address and in a form, as a string in JSON,
and in a header only when it cannot end the line.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.utils.translation import gettext_noop

from comms.channels.webhook import check_address

NAMES = ("to", "number", "text", "from", "key", "secret", "basic")
_PLACEHOLDER = re.compile(rf"\{{({'|'.join(NAMES)})\}}")
_LIKE_ONE = re.compile(r"\{(\w*)\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.1
OURS = {"host", "content-length", "transfer-encoding", "connection"}  # headers that belong to the connection
METHODS = ("POST", "GET", "PUT")

UNKNOWN_NAME = gettext_noop(
    "Of what stands in braces only these are known: {to} {number} {text} {from} {key} {secret} {basic}."
)
IN_THE_HOST = gettext_noop("The name of the server must stand there as it is, without a placeholder.")
NOT_A_METHOD = gettext_noop("Give POST, GET or PUT.")
NOT_A_HEADER = gettext_noop("Give one header a line, its name and a colon first.")
NOT_YOURS = gettext_noop("Host, Content-Length, Transfer-Encoding and Connection are set by the desk.")
NOT_JSON = gettext_noop("This begins like JSON but is none. Put placeholders between quotation marks.")
NOT_A_FORM = gettext_noop("Give one field a line, its name and an equals sign first; or JSON.")
BREAKS_A_HEADER = gettext_noop(
    "A header would hold a character that cannot stand there, such as a line's end."
)


class Unfit(Exception):
    """What was given cannot be sent. The text is fit for a person, in English."""


def values(*, to: str, text: str, sender: str, key: str, secret: str) -> dict[str, str]:
    """What the placeholders stand for; *to* in E.164, *number* the same without its plus, *basic* RFC 7617's."""
    return {
        "to": to,
        "number": to.removeprefix("+"),
        "text": text,
        "from": sender,
        "key": key,
        "secret": secret,
        "basic": basic(secret),
    }


def basic(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def address(template: str, given: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: quote(given[found[1]], safe=""), template)


def headers(template: str, given: Mapping[str, str]) -> dict[str, str]:
    """Raises Unfit for a value that would end its header and begin another."""
    found = {}
    for name, pattern in _lines(template, ":"):
        value = _filled(pattern.strip(), given)
        if not (value.isascii() and value.isprintable()):
            raise Unfit(BREAKS_A_HEADER)
        found[name.strip()] = value
    return found


def body(template: str, given: Mapping[str, str]) -> tuple[bytes, str]:
    """The content and its media type; both empty for an empty template."""
    if not template.strip():
        return b"", ""
    if _is_json(template):
        content = _in_strings(json.loads(template), given)
        return json.dumps(content, ensure_ascii=False).encode(), "application/json"
    fields = [(name.strip(), _filled(pattern.strip(), given)) for name, pattern in _lines(template, "=")]
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def uses(name: str, *templates: str) -> bool:
    return any(f"{{{name}}}" in template for template in templates)


def _filled(pattern: str, given: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: given[found[1]], pattern)


def _is_json(template: str) -> bool:
    return template.lstrip().startswith(("{", "["))


def _in_strings(part: Any, given: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return _filled(part, given)
    if isinstance(part, list):
        return [_in_strings(each, given) for each in part]
    if isinstance(part, dict):
        return {name: _in_strings(each, given) for name, each in part.items()}
    return part


def _lines(template: str, mark: str) -> Iterator[tuple[str, str]]:
    for line in template.splitlines():
        if line.strip():
            name, _mark, pattern = line.partition(mark)
            yield name, pattern


# What a form field is checked with: each raises ValueError, fit for a person, in English.


def check_url(template: str) -> None:
    _check_names(template)
    if _PLACEHOLDER.search(_before_the_path(template)):
        raise ValueError(IN_THE_HOST)
    check_address(address(template, dict.fromkeys(NAMES, "0")))


def _before_the_path(template: str) -> str:
    try:
        parts = urlsplit(template)
    except ValueError:
        return ""
    return f"{parts.scheme}{parts.netloc}"


def check_method(given: str) -> None:
    if given not in METHODS:
        raise ValueError(NOT_A_METHOD)


def check_headers(template: str) -> None:
    _check_names(template)
    for line in filter(str.strip, template.splitlines()):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _HEADER_NAME.fullmatch(name):
            raise ValueError(NOT_A_HEADER)
        if name.lower() in OURS:
            raise ValueError(NOT_YOURS)
        if not (value.isascii() and value.isprintable()):
            raise ValueError(BREAKS_A_HEADER)


def check_body(template: str) -> None:
    if _is_json(template):
        try:
            _check_names(*_strings(json.loads(template)))
        except (RecursionError, json.JSONDecodeError):
            raise ValueError(NOT_JSON) from None
        return
    _check_names(template)
    for line in filter(str.strip, template.splitlines()):
        name, equals, _value = line.partition("=")
        if not equals or not name.strip():
            raise ValueError(NOT_A_FORM)


def _strings(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, list | dict):
        for each in part.values() if isinstance(part, dict) else part:
            yield from _strings(each)


def _check_names(*patterns: str) -> None:
    for pattern in patterns:
        if any(name not in NAMES for name in _LIKE_ONE.findall(pattern)):
            raise ValueError(UNKNOWN_NAME)
