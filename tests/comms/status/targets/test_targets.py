"""Further places of the site: they follow by themselves, never go back, and hold up nothing."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from django.utils import translation
from moto import mock_aws
from pytest_django import Settings

from comms import matrix
from comms.status import site, targets
from comms.status.archive import Archive
from comms.status.front import StatusFront
from comms.status.publish import Publication, publish, published
from comms.status.render import HEADERS, documents
from comms.status.targets.base import State, Target, TargetError, files_of, follow, keep, state
from comms.status.targets.bucket import INDEX, BucketTarget
from comms.status.targets.folder import FolderTarget
from tests import factories
from tests.comms.status.facts import AT, everywhere, facts, incident
from tests.comms.status.test_front import asking, broken

NOW = datetime(2022, 7, 1, 13, 20, tzinfo=UTC)
ARCHIVED = "fr/incidents/p2d6f9j4sk7z/index.html"


@pytest.fixture
def root(settings: Settings) -> Path:
    return Path(settings.DESK_STATUS_ROOT)


def put(root: Path, title: str, *, archive: int | None = None) -> Publication:
    known = Archive(archive, 1, "", None, 0, frozenset(), {}) if archive else None
    if archive:
        page = root / f"archive/{archive:08}/site/{ARCHIVED}"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"<p>archived {archive}")
    before = published(root)
    return publish(
        documents(facts(incident(title=everywhere(title), updates=()))),
        root,
        revision=before.revision + 1 if before else 1,
        at=AT,
        headers=HEADERS,
        archive=known,
    )


def files(folder: Path) -> dict[str, tuple[bytes, float]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime)
        for path in folder.rglob("*")
        if path.is_file()
    }


class Failing:
    key, place = "failing", "nowhere"

    def push(self, root: Path, publication: Publication) -> int:
        raise TargetError("the disk is full")


def test_a_mirror_is_the_same_site_byte_for_byte_and_second_for_second(root: Path, tmp_path: Path) -> None:
    put(root, "Panne", archive=3)
    mirror = FolderTarget(tmp_path / "mirror")

    shown = mirror.push(root, published(root))  # type: ignore[arg-type]

    assert shown == 1
    assert files(mirror.path / "current" / "site") == files(root / "current" / "site")
    first, second = (asking(StatusFront(broken, each)) for each in (root, mirror.path))
    for path in ("/fr/", "/api/v2/summary.json", f"/{ARCHIVED.removesuffix('index.html')}"):
        assert first(path) == second(path)
        assert first(path).status == 200


def test_a_mirror_catches_up_past_what_it_missed_and_drops_what_is_old(root: Path, tmp_path: Path) -> None:
    mirror = FolderTarget(tmp_path / "mirror")
    for number in range(9):
        publication = put(root, f"Panne {number}", archive=3 if number < 8 else 4)
        if number != 3:
            mirror.push(root, publication)

    assert "Panne 8" in (mirror.path / "current/site/fr/index.html").read_text()
    assert sorted(path.name for path in mirror.path.glob("0*")) == [
        "00000005",
        "00000006",
        "00000007",
        "00000008",
        "00000009",
    ]
    assert (mirror.path / "current/site/archive" / ARCHIVED).read_text() == "<p>archived 4"


def test_a_mirror_never_goes_back(root: Path, tmp_path: Path) -> None:
    mirror = FolderTarget(tmp_path / "mirror")
    old, new = put(root, "Avant"), put(root, "Après")
    mirror.push(root, new)

    assert mirror.push(root, old) == new.number
    assert "Après" in (mirror.path / "current/site/fr/index.html").read_text()


def test_a_mirror_that_died_half_way_goes_on(root: Path, tmp_path: Path) -> None:
    mirror = FolderTarget(tmp_path / "mirror")
    publication = put(root, "Panne")
    half = mirror.path / "unfinished" / "site"
    half.mkdir(parents=True)
    (half / "rest").write_text("of the copy before")

    mirror.push(root, publication)

    assert files(mirror.path / "current" / "site") == files(root / "current" / "site")


def test_a_mirror_that_cannot_be_written_says_why(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mirror").write_text("a file")

    with pytest.raises(TargetError, match=r"mirror\)$"):
        FolderTarget(tmp_path / "mirror").push(root, put(root, "Panne"))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        made = boto3.client("s3")
        made.create_bucket(Bucket="status")
        yield made


BUCKET = BucketTarget("status", "site/", None)


def held(client: Any) -> dict[str, bytes]:
    listed = client.list_objects_v2(Bucket="status").get("Contents", [])
    return {
        each["Key"].removeprefix("site/"): client.get_object(Bucket="status", Key=each["Key"])["Body"].read()
        for each in listed
    }


def test_a_bucket_holds_every_page_with_its_type_and_what_is_over_too(root: Path, client: Any) -> None:
    publication = put(root, "Panne", archive=3)

    assert BUCKET.push(root, publication) == publication.number
    objects = held(client)

    site = root / "current" / "site"
    plain = {name for name in publication.files if not name.endswith((".br", ".gz")) and "404." not in name}
    assert objects.keys() == {*plain, ARCHIVED, INDEX}
    assert all(objects[name] == (site / name).read_bytes() for name in plain)
    page = client.head_object(Bucket="status", Key="site/fr/index.html")
    assert (page["ContentType"], page["CacheControl"]) == (
        "text/html; charset=utf-8",
        HEADERS[".html"]["Cache-Control"],
    )


def test_only_what_changed_is_put_again_and_what_is_gone_is_removed(
    root: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    BUCKET.push(root, put(root, "Panne", archive=3))
    client.put_object(Bucket="status", Key="site/robots.txt", Body=b"by hand")
    shutil.rmtree(root / "archive/00000003")

    BUCKET.push(root, put(root, "Panne corrigée"))

    objects = held(client)
    assert objects["robots.txt"] == b"by hand", "its content did not change"
    assert "Panne corrigée" in objects["fr/index.html"].decode()
    assert ARCHIVED not in objects


def test_a_bucket_never_goes_back_and_two_who_push_do_not_cross(root: Path, client: Any) -> None:
    old, new = put(root, "Avant"), put(root, "Après")
    BUCKET.push(root, new)

    assert BUCKET.push(root, old) == new.number
    assert "Après" in held(client)["fr/index.html"].decode()
    with pytest.raises(ClientError):
        client.put_object(Bucket="status", Key=f"site/{INDEX}", Body=b"{}", IfNoneMatch="*")


def test_pages_of_today_come_after_what_they_link_to_and_the_account_last(
    root: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comms.status.targets import bucket

    publication = put(root, "Panne", archive=3)
    names = sorted((name for name, _ in files_of(root, publication)), key=bucket._order)

    assert names.index("fr/index.html") > names.index(ARCHIVED)
    assert names.index("fr/index.html") > names.index("api/v2/summary.json")


def test_a_bucket_that_does_not_answer_says_why(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    nowhere = BucketTarget("status", "", "http://127.0.0.1:1")

    with pytest.raises(TargetError, match="s3://status/"):
        nowhere.push(root, put(root, "Panne"))


def test_a_failure_is_kept_since_it_began_and_forgotten_with_the_next_success(
    root: Path, tmp_path: Path
) -> None:
    publication = put(root, "Panne")
    first = follow(Failing(), root, publication, NOW)
    later = follow(Failing(), root, publication, NOW + timedelta(minutes=5))

    assert (first.error, later.failing_since) == ("the disk is full", NOW.isoformat())
    assert state(root, "failing") == later
    mirror: Target = FolderTarget(tmp_path / "mirror")
    keep(root, mirror.key, later)
    assert follow(mirror, root, publication, NOW) == State(number=1, at=NOW.isoformat())


def test_a_target_that_is_up_to_date_is_left_alone(root: Path, tmp_path: Path) -> None:
    publication = put(root, "Panne")
    mirror = FolderTarget(tmp_path / "mirror")
    follow(mirror, root, publication, NOW)
    shutil.rmtree(mirror.path)

    assert follow(mirror, root, publication, NOW).number == 1
    assert not mirror.path.exists()


def test_each_target_that_is_behind_has_a_lane_and_a_failing_one_waits(
    root: Path, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    settings.DESK_STATUS_MIRROR = tmp_path / "file"
    assert list(targets.lanes()) == [], "nothing was published yet"
    put(root, "Panne")

    assert list(targets.lanes()) == ["0"]
    targets.follow_in("0")
    [shown] = targets.followed()
    assert (shown.failing, shown.behind, list(targets.lanes())) == (True, True, [])

    (tmp_path / "file").unlink()
    targets.follow_in("0")
    [shown] = targets.followed()
    assert (shown.failing, shown.behind, list(targets.lanes())) == (False, False, [])
    put(root, "Encore")
    assert list(targets.lanes()) == ["0"], "after a success it follows at once"


def test_the_state_is_there_when_the_database_is_not(root: Path) -> None:
    keep(root, "mirror", State(4, "x"))

    assert json.loads((root / "targets/mirror.json").read_text())["number"] == 4
    (root / "targets/mirror.json").write_text("{")
    assert state(root, "mirror") == State()


@translation.override("en")
def test_the_desk_shows_each_place_and_a_failing_one_in_red(
    db: None, root: Path, settings: Settings, tmp_path: Path
) -> None:
    update = factories.update(published_at=factories.OUTAGE)
    settings.DESK_STATUS_MIRROR = tmp_path / "mirror"
    site.renew()
    before = matrix.version(update.incident)
    targets.follow_in("0")
    _, row, *_ = matrix.matrix(update).rows
    assert (row.name, row.whole.label if row.whole else "") == (
        f"Status page, {tmp_path / 'mirror'}",
        "visible",
    )
    assert matrix.version(update.incident) != before

    keep(root, "mirror", State(1, "", NOW.isoformat(), "No space left on device"))
    _, row, *_ = matrix.matrix(update).rows
    assert row.whole
    assert (row.whole.mark, row.whole.label) == ("major", "failing since 15:20: No space left on device")
