"""Further places of the site: they follow by themselves, never go back, and hold up nothing."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from django.core.management import call_command
from django.utils import translation
from moto import mock_aws
from pytest_django import Settings

from comms import matrix
from comms.status import site, targets
from comms.status.archive import Archive
from comms.status.front import StatusFront
from comms.status.publish import Publication, publish, published
from comms.status.render import HEADERS, documents
from comms.status.targets import bucket
from comms.status.targets.base import LONGEST, State, TargetError, files_of, follow, keep, state
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


@pytest.fixture
def mirror(tmp_path: Path) -> FolderTarget:
    (tmp_path / "mirror").mkdir()
    return FolderTarget(tmp_path / "mirror")


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


def test_a_mirror_is_the_same_site_byte_for_byte_and_second_for_second(
    root: Path, mirror: FolderTarget
) -> None:
    put(root, "Panne", archive=3)

    shown = mirror.push(root, published(root))  # type: ignore[arg-type]

    assert shown == 1
    assert files(mirror.path / "current" / "site") == files(root / "current" / "site")
    first, second = (asking(StatusFront(broken, each)) for each in (root, mirror.path))
    for path in ("/fr/", "/api/v2/summary.json", f"/{ARCHIVED.removesuffix('index.html')}"):
        assert first(path) == second(path)
        assert first(path).status == 200


def test_a_mirror_catches_up_past_what_it_missed_and_drops_what_is_old(
    root: Path, mirror: FolderTarget
) -> None:
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


def test_a_mirror_copies_only_what_changed(
    root: Path, mirror: FolderTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.push(root, put(root, "Avant", archive=3))
    copied: list[str] = []
    real = shutil.copy2

    def noticed(source: Path, target: Path) -> object:
        copied.append(source.name)
        return real(source, target)

    monkeypatch.setattr(shutil, "copy2", noticed)
    mirror.push(root, put(root, "Après", archive=3))

    assert files(mirror.path / "current" / "site") == files(root / "current" / "site")
    assert {"index.html", "manifest.json"} <= set(copied)
    assert not {"robots.txt", "banner.js"} & set(copied)


def test_a_mirror_never_goes_back(root: Path, mirror: FolderTarget) -> None:
    old, new = put(root, "Avant"), put(root, "Après")
    mirror.push(root, new)

    assert mirror.push(root, old) == new.number
    assert "Après" in (mirror.path / "current/site/fr/index.html").read_text()


def test_a_mirror_that_died_half_way_goes_on(root: Path, mirror: FolderTarget) -> None:
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


def test_a_mirror_that_is_not_mounted_is_not_made(root: Path, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="No such file or directory"):
        FolderTarget(tmp_path / "mirror").push(root, put(root, "Panne"))

    assert not (tmp_path / "mirror").exists()


def test_a_mirror_that_was_mounted_and_is_not_any_more_is_not_written_below(
    root: Path, mirror: FolderTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_mount", lambda path: path == mirror.path)
        mirror.push(root, put(root, "Avant"))
    below = files(mirror.path)

    with pytest.raises(TargetError, match="Not mounted"):
        mirror.push(root, put(root, "Après"))
    assert files(mirror.path) == below

    (tmp_path / "other").mkdir()
    FolderTarget(tmp_path / "other").push(root, put(root, "Ailleurs"))


def test_a_mirror_that_is_full_says_so_in_a_few_words_and_keeps_nothing_half(
    root: Path, mirror: FolderTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.push(root, put(root, "Avant"))
    shown = files(mirror.path / "current" / "site")
    put(root, "Après")
    copied = []

    def full(source: Path, target: Path) -> None:
        copied.append(source)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", full)
        failed = follow(mirror, root, NOW)

    assert failed.error == f"No space left on device ({mirror.path})"
    assert len(copied) == 1, "it does not try all the others"
    assert not (mirror.path / "unfinished").exists()
    assert files(mirror.path / "current" / "site") == shown
    assert follow(mirror, root, NOW) == State(number=2, at=NOW.isoformat())
    assert "Après" in (mirror.path / "current/site/fr/index.html").read_text()


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


def test_what_a_killed_push_left_in_a_bucket_is_not_taken_for_up_to_date(
    root: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    BUCKET.push(root, put(root, "Panne"))
    real = BucketTarget._put

    def killed_after_the_page(self: BucketTarget, client: Any, name: str, *rest: Any) -> str:
        done = real(self, client, name, *rest)
        if name == "fr/index.html":
            raise OSError("killed")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(BucketTarget, "_put", killed_after_the_page)
        with pytest.raises(TargetError):
            BUCKET.push(root, put(root, "Panne corrigée par erreur"))
    assert "par erreur" in held(client)["fr/index.html"].decode()
    assert json.loads(held(client)[INDEX])["number"] == 1

    again = put(root, "Panne")
    assert BUCKET.push(root, again) == 3
    objects = held(client)
    assert objects["fr/index.html"] == (root / "current/site/fr/index.html").read_bytes()
    assert "par erreur" not in objects["fr/index.html"].decode()


def test_a_push_that_ends_half_way_is_gone_on_with(
    root: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "NOTED_AFTER", 10)
    publication = put(root, "Panne", archive=3)
    real, tried = BucketTarget._put, []

    def dying(self: BucketTarget, client: Any, name: str, *rest: Any) -> str:
        if name == "fr/index.html":
            raise OSError("killed")
        return real(self, client, name, *rest)

    def noticed(self: BucketTarget, client: Any, name: str, *rest: Any) -> str:
        tried.append(name)
        return real(self, client, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(BucketTarget, "_put", dying)
        with pytest.raises(TargetError):
            BUCKET.push(root, publication)
    monkeypatch.setattr(BucketTarget, "_put", noticed)

    assert BUCKET.push(root, publication) == 1
    assert len([name for name in tried if name != INDEX]) <= 10


def test_an_account_that_makes_no_sense_is_written_anew(root: Path, client: Any) -> None:
    client.put_object(Bucket="status", Key=f"site/{INDEX}", Body=b"<html>")

    assert BUCKET.push(root, put(root, "Panne")) == 1
    assert json.loads(held(client)[INDEX])["number"] == 1
    assert "Panne" in held(client)["fr/index.html"].decode()


def test_pages_of_today_come_after_what_they_link_to_and_the_account_last(
    root: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    root: Path, mirror: FolderTarget
) -> None:
    put(root, "Panne")
    first = follow(Failing(), root, NOW)
    later = follow(Failing(), root, NOW + timedelta(minutes=5))

    assert (first.error, later.failing_since) == ("the disk is full", NOW.isoformat())
    assert state(root, "failing") == later
    keep(root, mirror.key, later)
    assert follow(mirror, root, NOW) == State(number=1, at=NOW.isoformat())


def test_a_target_that_is_up_to_date_is_left_alone(root: Path, mirror: FolderTarget) -> None:
    put(root, "Panne")
    follow(mirror, root, NOW)
    shutil.rmtree(mirror.path)

    assert follow(mirror, root, NOW) == State(number=1, at=NOW.isoformat())


def test_the_reason_of_a_failure_fits_in_a_table(root: Path) -> None:
    class Talkative:
        key, place = "talkative", "nowhere"

        def push(self, root: Path, publication: Publication) -> int:
            raise TargetError("no \n" * 1000)

    put(root, "Panne")

    error = follow(Talkative(), root, NOW).error

    assert error.startswith("no no no")
    assert len(error) <= LONGEST


def test_two_processes_do_not_follow_for_one_target_at_once(root: Path, mirror: FolderTarget) -> None:
    put(root, "Panne")
    beside: list[State] = []

    class Slow:
        key, place = mirror.key, mirror.place

        def push(self, root: Path, publication: Publication) -> int:
            beside.append(follow(mirror, root, NOW))
            return publication.number

    assert follow(Slow(), root, NOW).number == 1
    assert beside == [State()], "it was left to the first"


def test_a_folder_begun_anew_is_not_taken_for_what_its_mirror_shows(
    db: None, root: Path, mirror: FolderTarget, settings: Settings
) -> None:
    settings.DESK_STATUS_MIRROR = mirror.path
    put(root, "Avant")
    put(root, "Avant")
    targets.follow_in("0")
    shutil.rmtree(root)
    put(root, "Après")

    targets.follow_in("0")
    [lost] = targets.followed()
    assert (lost.failing, lost.state.number) == (True, 2)
    assert "publish_status --above 2 " in lost.state.error
    assert "Avant" in (mirror.path / "current/site/fr/index.html").read_text()

    call_command("publish_status", "--above", "2", "--even-if-older", stdout=StringIO())
    targets.follow_in("0")
    [found] = targets.followed()
    assert (found.failing, found.behind, found.state.number) == (False, False, 3)


def test_each_target_that_is_behind_has_a_lane_and_a_failing_one_waits(
    root: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.DESK_STATUS_MIRROR = tmp_path / "share"
    assert list(targets.lanes()) == [], "nothing was published yet"
    put(root, "Panne")

    assert list(targets.lanes()) == ["0"]
    targets.follow_in("0")
    [shown] = targets.followed()
    assert (shown.failing, shown.behind, list(targets.lanes())) == (True, True, [])

    (tmp_path / "share").mkdir()
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
    db: None, root: Path, settings: Settings, mirror: FolderTarget
) -> None:
    update = factories.update(published_at=factories.OUTAGE)
    settings.DESK_STATUS_MIRROR = mirror.path
    site.renew()
    before = matrix.version(update.incident)
    targets.follow_in("0")
    _, row, *_ = matrix.matrix(update).rows
    assert (row.name, row.whole.label if row.whole else "") == (
        f"Status page, {mirror.path}",
        "visible",
    )
    assert matrix.version(update.incident) != before

    keep(root, "mirror", State(1, "", NOW.isoformat(), "No space left on device"))
    _, row, *_ = matrix.matrix(update).rows
    assert row.whole
    assert (row.whole.mark, row.whole.label) == (
        "major",
        "failing since 1 July 15:20: No space left on device",
    )
