from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from django.core.cache import cache
from django.db import connection
from pytest_django import Settings

# How long an example takes says something about the machine, nothing about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-alone", action="store_true", help="Only the tests that use the database.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a second database the tests that use none would say the same again."""
    if not config.getoption("database_alone"):
        return
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        uses = item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(fixtures)
        (kept if uses else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite is a file as in an installation, so that threads have connections of their own and meet locks."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "desk.sqlite3")


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    """No test writes where another test, or the installation, reads."""
    settings.DESK_DATA_DIR = tmp_path
    settings.DESK_STATUS_ROOT = tmp_path / "status"
    settings.STATIC_ROOT = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True)
def _empty_cache(settings: Settings, worker_id: str) -> None:
    """Emptying Redis empties a whole numbered database, so that each worker of the suite has one to itself."""
    if settings.REDIS_URL:
        server = settings.REDIS_URL.rpartition("/")[0]
        settings.REDIS_URL = f"{server}/{worker_id.removeprefix('gw').replace('master', '0')}"
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": settings.REDIS_URL}}
    cache.clear()


@pytest.fixture
def utc() -> Callable[..., datetime]:
    """utc(2022, 7, 1, 11, 30): a moment, written as the database keeps it."""
    return partial(datetime, tzinfo=UTC)
