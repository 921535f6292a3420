"""What the environment may say of further places; what makes no sense ends the start with one clear line."""

from collections.abc import Callable
from pathlib import Path

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from farmaflux_desk import configuration


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> environ.Env:
    return environ.Env()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", None),
        ("s3://status", ("status", "", None)),
        ("s3://status/a/b", ("status", "a/b/", None)),
        ("s3://status?endpoint=https://s3.example.org:9000", ("status", "", "https://s3.example.org:9000")),
    ],
)
def test_a_bucket_is_an_address(
    env: environ.Env, monkeypatch: pytest.MonkeyPatch, given: str, expected: object
) -> None:
    monkeypatch.setenv("BUCKET", given)

    assert configuration.bucket(env, "BUCKET") == expected


@pytest.mark.parametrize("given", ["status", "https://status", "s3://", "s3://status?endpoint=ftp://x"])
def test_another_address_is_no_bucket(env: environ.Env, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("BUCKET", given)
    with pytest.raises(ImproperlyConfigured, match="BUCKET: "):
        configuration.bucket(env, "BUCKET")


def test_without_its_library_a_bucket_is_refused_at_the_start(
    env: environ.Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUCKET", "s3://status")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ImproperlyConfigured, match="extra s3"):
        configuration.bucket(env, "BUCKET")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://host/name"),
        ("DATABASE_URL", "postgres://user:secret@host:5432"),
        ("DATABASE_URL", "postgres://user:secret/word@host/name"),
        ("MAIL_URL", "smtp://user:secret/word@host"),
        ("MAIL_URL", "ftp://host"),
        ("REDIS_URL", "localhost"),
        ("REDIS_URL", "redis://:secret/word@host"),
        ("DESK_BASE_URL", "http://[host"),
        ("DESK_IMAP_URL", "imaps://user:secret/word@host"),
        ("DESK_APB_PATTERN", "("),
        ("DESK_PROXIES", "-1"),
        ("DESK_DATA_DIR", __file__),
    ],
)
def test_what_makes_no_sense_is_refused_by_name_and_tells_no_password(
    env: environ.Env, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, given: str
) -> None:
    monkeypatch.setenv(name, given)
    read: dict[str, Callable[[], object]] = {
        "DATABASE_URL": lambda: configuration.database(env, tmp_path),
        "MAIL_URL": lambda: configuration.mailer(env, tmp_path),
        "REDIS_URL": lambda: configuration.redis(env, name),
        "DESK_BASE_URL": lambda: configuration.address(env, name, ""),
        "DESK_IMAP_URL": lambda: configuration.imap(env, name),
        "DESK_APB_PATTERN": lambda: configuration.pattern(env, name, ""),
        "DESK_PROXIES": lambda: configuration.count(env, name),
        "DESK_DATA_DIR": lambda: configuration.folder(env, name, tmp_path),
    }

    with pytest.raises(ImproperlyConfigured) as refused:
        read[name]()

    said = str(refused.value)
    assert (said.startswith(f"{name}: "), "\n" in said, "secret" in said) == (True, False, False)


@pytest.mark.parametrize("given", ["", "in", "in/it", ".."])
def test_a_mirror_lies_apart(
    env: environ.Env, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str
) -> None:
    root = tmp_path / "in"
    monkeypatch.setenv("MIRROR", str((tmp_path / given).resolve() if given != "" else ""))
    if not given:
        assert configuration.mirror(env, "MIRROR", root) is None
        return
    with pytest.raises(ImproperlyConfigured, match="MIRROR: "):
        configuration.mirror(env, "MIRROR", root)


def test_a_mirror_beside_the_site_is_taken(
    env: environ.Env, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MIRROR", str(tmp_path / "beside"))

    assert configuration.mirror(env, "MIRROR", tmp_path / "in") == tmp_path / "beside"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("", True), ("mailto:a@example.org", True), ("https://example.org/security", True), ("tel:+3225550100", True),
        ("a@example.org", False), ("http://example.org", False), ("mailto:a@example.org\nExpires: never", False),
    ],
)  # fmt: skip
def test_a_contact_is_an_address_of_security_txt(
    env: environ.Env, monkeypatch: pytest.MonkeyPatch, given: str, *, taken: bool
) -> None:
    monkeypatch.setenv("CONTACT", given)
    if taken:
        assert configuration.contact(env, "CONTACT") == given
        return
    with pytest.raises(ImproperlyConfigured, match="CONTACT: "):
        configuration.contact(env, "CONTACT")


def test_who_is_silent_in_a_transaction_keeps_no_locks(
    env: environ.Env, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://desk@127.0.0.1:5432/desk")

    options = configuration.database(env, tmp_path)["OPTIONS"]

    assert options["options"] == "-c idle_in_transaction_session_timeout=30s"
