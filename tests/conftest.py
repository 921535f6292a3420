import hashlib
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from django.core.cache import cache
from django.db import connection
from pytest_django import DjangoDbBlocker, Settings

ROOT = Path(__file__).parent.parent

# How long an example takes says something about the machine, nothing about the code.
hypothesis.settings.register_profile("untimed", deadline=None, max_examples=50)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-alone", action="store_true", help="Only the tests that use the database.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a second database the tests that use none would say the same again.

    A journey goes through processes that share two cores with other journeys: where one stumbles it is tried a second
    time, and the end of the run names it. Whoever sees one named looks into it.
    """
    for item in items:
        if item.get_closest_marker("journey"):
            item.add_marker(pytest.mark.flaky(reruns=1))
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
def migrated(request: pytest.FixtureRequest) -> Path:
    """The SQLite file that an earlier run migrated by the same migrations, where there was one: it takes seconds."""
    digest = hashlib.sha256()
    for source in [*sorted(ROOT.glob("*/migrations/*.py")), ROOT / "requirements/dev.txt"]:
        digest.update(source.read_bytes())
    assert request.config.cache is not None
    return request.config.cache.mkdir("migrated") / f"{digest.hexdigest()}.sqlite3"


@pytest.fixture(scope="session")
def taken(migrated: Path) -> Path | None:
    return migrated if connection.vendor == "sqlite" and migrated.exists() else None


@pytest.fixture(scope="session")
def django_db_keepdb(taken: Path | None) -> bool:
    """True: what stands in the file is taken as it is."""
    return taken is not None


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    taken: Path | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """SQLite is a file as in an installation, so that threads have connections of their own and meet locks."""
    if connection.vendor == "sqlite":
        own = tmp_path_factory.mktemp("database") / "desk.sqlite3"
        connection.settings_dict["TEST"] |= {"NAME": str(own), "MIGRATE": taken is None}
        if taken:
            shutil.copyfile(taken, own)


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, migrated: Path, taken: Path | None, django_db_blocker: DjangoDbBlocker
) -> None:
    if connection.vendor == "sqlite" and not taken:
        unfinished = migrated.with_name(str(connection.settings_dict["NAME"]).replace("/", "-"))
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(unfinished)])
        unfinished.rename(migrated)


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
