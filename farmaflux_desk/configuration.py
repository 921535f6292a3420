"""Reads the environment once; what is missing or wrong ends the process with one clear line."""

import importlib.util
import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 10,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
# A host that has vanished answers nothing, not even no: libpq's connect_timeout (s) and tcp_user_timeout (ms).
GONE_WITHIN = {"connect_timeout": 3, "tcp_user_timeout": 10_000}
# A question asked again on a connection is planned once: a quarter more calls a second (bench.agents).
PREPARED = {"server_side_binding": True, "prepare_threshold": 5}
CONNECTIONS = 20  # to PostgreSQL, of one process
# A process that is frozen in a transaction, or whose machine is gone, must not keep its locks, and a channel with them.
IDLE_TIMEOUT = "-c idle_in_transaction_session_timeout=30s"


def folder(env: environ.Env, name: str, default: Path) -> Path:
    """A folder, made where there is none."""
    path = Path(env.str(name, default=str(default))).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: {path} cannot be made: {error.strerror}.") from None
    return path


def _split(name: str, given: str) -> SplitResult:
    """The parts of an address. What is refused is not repeated: a password may be in it."""
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError:
        raise ImproperlyConfigured(
            f"{name}: this is no address. Signs like / : @ in a password are percent-encoded."
        ) from None
    return parts


def database(env: environ.Env, data_dir: Path) -> dict[str, Any]:
    """The one database: SQLite under *data_dir* unless DATABASE_URL says otherwise."""
    given: str = env.str("DATABASE_URL", default=f"sqlite:///{data_dir / 'desk.sqlite3'}")
    parts = _split("DATABASE_URL", given)
    if parts.scheme not in {"sqlite", "postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL: this is neither SQLite nor PostgreSQL.")
    if not parts.path.strip("/"):
        raise ImproperlyConfigured("DATABASE_URL: give postgres://user:password@host:5432/name.")
    config: dict[str, Any] = env.db_url_config(given)
    if parts.scheme == "sqlite":
        # Whoever closes the last connection writes the whole log back, and waits for it.
        config["CONN_MAX_AGE"] = None
        config["OPTIONS"] = {**SQLITE_OPTIONS, **config.get("OPTIONS", {})}
    else:
        from farmaflux_desk.postgresql import RememberingConnection  # SQLite needs no psycopg

        config["OPTIONS"] = {
            "pool": {
                "connection_class": RememberingConnection,
                "min_size": 1,
                "max_size": CONNECTIONS,
                "timeout": 2,
            },
            "options": IDLE_TIMEOUT,
            **GONE_WITHIN,
            **PREPARED,
            **config.get("OPTIONS", {}),
        }
    return config


def secret_key(env: environ.Env, data_dir: Path) -> str:
    """SECRET_KEY, or one made at the first start and kept in *data_dir* (mode 0600)."""
    given: str = env.str("SECRET_KEY", default="")
    if given:
        if len(given) < 32:
            raise ImproperlyConfigured("SECRET_KEY: give at least 32 characters.")
        return given
    kept = data_dir / "secret_key"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(48))
    return kept.read_text().strip()


def address(env: environ.Env, name: str, default: str) -> str:
    """An http(s) address without a trailing slash."""
    given: str = env.str(name, default=default).rstrip("/")
    parts = _split(name, given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ImproperlyConfigured(f"{name}: {given!r} is not an http or https address.")
    return given


def mailer(env: environ.Env, data_dir: Path) -> dict[str, Any]:
    """How mail leaves: by the server of MAIL_URL (smtp:, smtp+tls: or smtp+ssl:), without it into files."""
    url: str = env.str("MAIL_URL", default="")
    if not url:
        return {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": str(data_dir / "mail")},
        }
    parts = _split("MAIL_URL", url)
    if parts.scheme not in {"smtp", "smtp+tls", "smtp+ssl"} or not parts.hostname:
        raise ImproperlyConfigured("MAIL_URL: give smtp://, smtp+tls:// or smtp+ssl:// and a host.")
    given = env.email_url_config(url)
    return {
        "BACKEND": "comms.channels.smtp.Backend",
        "OPTIONS": {
            "host": given["EMAIL_HOST"],
            "port": given["EMAIL_PORT"],
            "username": given["EMAIL_HOST_USER"],
            "password": given["EMAIL_HOST_PASSWORD"],
            "use_tls": given.get("EMAIL_USE_TLS", False),
            "use_ssl": given.get("EMAIL_USE_SSL", False),
            "timeout": 10,
        },
    }


def mailbox(env: environ.Env, name: str, default: str) -> str:
    """An e-mail address, perhaps with a name before it; empty only where that is the default."""
    given: str = env.str(name, default=default)
    if given and ("@" not in parseaddr(given)[1] or "\n" in given or "\r" in given):
        raise ImproperlyConfigured(f"{name}: {given!r} is not an e-mail address.")
    return given


@dataclass(frozen=True)
class Imap:
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str
    encrypted: bool


def imap(env: environ.Env, name: str) -> Imap | None:
    """imaps://user:password@host/folder, the signs in it percent-encoded; None where none is given.

    imap:// (unencrypted) is for this machine alone.
    """
    given: str = env.str(name, default="")
    if not given:
        return None
    parts = _split(name, given)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if (
        (parts.scheme != "imaps" and not (parts.scheme == "imap" and local))
        or not parts.hostname
        or parts.port == 0
    ):
        raise ImproperlyConfigured(f"{name}: give imaps://user:password@host/folder.")
    if not parts.username or parts.password is None:
        raise ImproperlyConfigured(f"{name}: the user or the password is missing.")
    return Imap(
        host=parts.hostname,
        port=parts.port or (993 if parts.scheme == "imaps" else 143),
        user=unquote(parts.username),
        password=unquote(parts.password),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        encrypted=parts.scheme == "imaps",
    )


def mirror(env: environ.Env, name: str, root: Path) -> Path | None:
    """A second folder for the status site; None where none is given."""
    given: str = env.str(name, default="")
    if not given:
        return None
    path = Path(given).absolute()
    if path == root or root in path.parents or path in root.parents:
        raise ImproperlyConfigured(
            f"{name}: {given!r} must lie apart from the status site's own folder {root}."
        )
    return path


def bucket(env: environ.Env, name: str) -> tuple[str, str, str | None] | None:
    """s3://bucket/prefix?endpoint=https://host as (bucket, prefix with its slash or "", endpoint)."""
    given: str = env.str(name, default="")
    if not given:
        return None
    parts = _split(name, given)
    endpoint = dict(parse_qsl(parts.query)).get("endpoint")
    if (
        parts.scheme != "s3"
        or not parts.hostname
        or (endpoint and urlsplit(endpoint).scheme not in ("http", "https"))
    ):
        raise ImproperlyConfigured(f"{name}: {given!r} is not s3://bucket/prefix?endpoint=https://host.")
    if importlib.util.find_spec("boto3") is None:
        raise ImproperlyConfigured(f"{name} needs boto3: install the extra s3 (README, further places).")
    prefix = parts.path.strip("/")
    return parts.hostname, f"{prefix}/" if prefix else "", endpoint


def contact(env: environ.Env, name: str) -> str:
    """An address of security.txt (RFC 9116): mailto:, https: or tel:; empty where none is given."""
    given: str = env.str(name, default="")
    if given and not re.fullmatch(r"(?:mailto:[^@\s]+@[^@\s]+|https://\S+|tel:\S+)", given):
        raise ImproperlyConfigured(f"{name}: {given!r} is no mailto:, https: or tel: address.")
    return given


def networks(env: environ.Env, name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Networks, separated by commas: 10.1.0.0/16,192.0.2.7."""
    given: list[str] = env.list(name, default=[])
    try:
        return [ipaddress.ip_network(network.strip()) for network in given if network.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None


def port(env: environ.Env) -> int:
    given = env.str("PORT", default="8000")
    if not given.isdecimal() or not 1 <= int(given) <= 65535:
        raise ImproperlyConfigured(f"PORT: {given!r} is not a port number.")
    return int(given)


def redis(env: environ.Env, name: str) -> str:
    """redis:// or rediss:// (TLS) and a host; empty where none is given."""
    given: str = env.str(name, default="")
    parts = _split(name, given)
    if given and (parts.scheme not in {"redis", "rediss"} or not parts.hostname):
        raise ImproperlyConfigured(f"{name}: give redis:// or rediss:// and a host.")
    return given


def pattern(env: environ.Env, name: str, default: str) -> str:
    """A regular expression."""
    given: str = env.str(name, default=default)
    try:
        re.compile(given)
    except re.error as error:
        raise ImproperlyConfigured(f"{name}: {given!r} is no regular expression: {error}.") from None
    return given


def count(env: environ.Env, name: str) -> int:
    """How many; none where nothing is given."""
    given: str = env.str(name, default="0")
    if not (given.isascii() and given.isdecimal()):
        raise ImproperlyConfigured(f"{name}: {given!r} is not a whole number.")
    return int(given)
