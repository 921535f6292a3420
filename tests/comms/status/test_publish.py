import errno
import fcntl
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comms.status import files
from comms.status.documents import Document
from comms.status.files import Unfinished
from comms.status.front import StatusFront
from comms.status.publish import (
    GRACE,
    KEPT,
    MOST,
    Outdated,
    Publication,
    begin_next,
    clear,
    publish,
    published,
)
from tests.comms.status.test_front import asking, broken

AT = datetime(2022, 7, 1, 13, 20, tzinfo=UTC)
HEADERS = {".html": {"Content-Type": "text/html"}}
COMMON = """
import os, random, signal, sys, time
from datetime import UTC, datetime
from pathlib import Path
from comms.status.documents import Document
from comms.status.publish import begin_next, publish, published

root = Path(sys.argv[1])

def publish_next():
    revision = published(root).revision + 1
    names = ("fr", "nl", "de", "en", "fr/history", "nl/history")
    files = [Document(f"{name}/index.html", lambda: str(revision).encode() * 20) for name in names]
    files += [Document(f"{name}/same.html", lambda: b"the same", "key" * (len(name) % 3)) for name in names]
    headers = {".html": {"Content-Type": "text/html", "Vary": "Accept-Encoding"}}
    if revision % 3:
        begin_next(root)
    publish(files, root, revision=revision, at=datetime.now(UTC), headers=headers)
"""
KILLED_BY_CHANCE = (
    COMMON
    + """
chance = random.Random(20220701)
for _ in range(40):
    child = os.fork()
    while not child:
        publish_next()
    time.sleep(chance.uniform(0.002, 0.12))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""
)
# Python announces each opening, renaming, linking … before it is done: there the child dies, one step later each time.
KILLED_BEFORE_EACH_STEP = (
    COMMON
    + """
def die(step):
    left = [step]
    def hook(event, arguments):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
    return hook

for step in range(1, 1000):
    child = os.fork()
    if not child:
        sys.addaudithook(die(step))
        publish_next()
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        sys.exit(0 if step > 20 else "died too seldom")
"""
)


def put(root: Path, revision: int = 1, *, at: datetime = AT) -> Publication:
    return publish(
        documents(site(revision)),
        root,
        revision=revision,
        at=at,
        headers=HEADERS,
    )


def documents(files: Mapping[str, bytes], key: str = "") -> list[Document]:
    return [Document(name, partial(bytes, content), key) for name, content in files.items()]


def site(revision: int) -> dict[str, bytes]:
    return {"fr/index.html": f"<p>{revision}".encode(), "nl/index.html": f"<p>{revision}".encode()}


def read(root: Path) -> Mapping[str, bytes]:
    folder = (root / "current" / "site").resolve()
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.html")}


def test_what_is_published_is_what_is_read_and_the_manifest_tells_it(tmp_path: Path) -> None:
    publication = put(tmp_path, 7)

    assert read(tmp_path) == site(7)
    assert publication == published(tmp_path)
    assert (publication.number, publication.revision, publication.at) == (1, 7, AT)
    assert publication.headers == HEADERS
    assert publication.files == {
        name: hashlib.sha256(content).hexdigest() for name, content in site(7).items()
    }


def test_what_did_not_change_is_the_same_file_and_what_did_is_a_later_one(tmp_path: Path) -> None:
    def times() -> dict[str, int]:
        folder = tmp_path / "current" / "site"
        return {name: (folder / name / "index.html").stat().st_mtime_ns for name in ("fr", "nl")}

    put(tmp_path, 1)
    before = times()
    publish(documents({**site(1), "nl/index.html": b"<p>2"}), tmp_path, revision=2, at=AT, headers=HEADERS)
    after = times()

    assert after["fr"] == before["fr"]
    assert after["nl"] >= before["nl"] + 10**9  # a web server's ETag counts whole seconds
    assert read(tmp_path) == {**site(1), "nl/index.html": b"<p>2"}


def test_under_a_known_key_nothing_is_made_again_unless_all_is(tmp_path: Path) -> None:
    made = []

    def put(key: str, *, all_anew: bool = False) -> None:
        def make() -> bytes:
            made.append(key)
            return b"<p>"

        document = Document("fr/index.html", make, key)
        publish([document], tmp_path, revision=1, at=AT, headers=HEADERS, all_anew=all_anew)

    put("one")
    put("one")
    put("two")
    put("two", all_anew=True)

    assert made == ["one", "two", "two"]


def test_a_file_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    put(tmp_path, 1)
    (tmp_path / "current" / "site" / "fr" / "index.html").unlink()

    put(tmp_path, 1)

    assert read(tmp_path) == site(1)


NAMES = (
    "fr/index.html",
    "nl/index.html",
    "fr/incidents/a/index.html",
    "fr/incidents/b/index.html",
    "feed.xml",
)
LONG = 200  # letters, so that it has siblings


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "before", "before", "long before", "anew"]),
            st.sets(st.sampled_from(NAMES), max_size=1),
            st.lists(st.sampled_from(["x", "y", "k", "l"]), min_size=len(NAMES), max_size=len(NAMES)),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_whatever_was_begun_the_publication_is_as_if_nothing_was(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, set[str], list[str]]]
) -> None:
    """Of each publication: what was begun before it, which page it lacks, and what the others say; "k" and "l" under a
    key.
    """
    begun, plain = (tmp_path_factory.mktemp(name) for name in ("begun", "plain"))
    for revision, (begin, lacking, words) in enumerate(history):
        made = [
            Document(name, partial(bytes, word.encode() * LONG), word if word in "kl" else "")
            for name, word in zip(NAMES, words, strict=True)
            if name not in lacking
        ]
        if begin:
            begin_next(begun)
        if begin == "long before":
            for root in (begun, plain):
                publish([], root, revision=revision, at=AT, headers=HEADERS)
        for root in (begun, plain):
            publish(made, root, revision=revision, at=AT, headers=HEADERS, all_anew=begin == "anew")

        check_whole((begun / "current").resolve())
        assert tree(begun) == tree(plain)


def tree(root: Path) -> dict[str, bytes | None]:
    """What is shown; None for a folder."""
    site = (root / "current" / "site").resolve()
    return {
        str(path.relative_to(site)): path.read_bytes() if path.is_file() else None for path in site.rglob("*")
    }


def test_what_was_begun_need_not_be_taken_when_it_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    take = Unfinished.take

    def noted(folder: Unfinished, name: str, source: str) -> None:
        taken.append(name)
        take(folder, name, source)

    def put(revision: int) -> None:
        known = documents({"fr/old/index.html": b"<p>1", "fr/older/index.html": b"<p>2" * 200}, "key")
        made = [*documents(site(revision)), *known]
        publish(made, tmp_path, revision=revision, at=AT, headers=HEADERS)

    monkeypatch.setattr(Unfinished, "take", noted)
    put(1)
    assert taken == []
    begin_next(tmp_path)
    assert len(taken) == len(("old", "older", "older.gz", "older.br"))
    begin_next(tmp_path)
    put(2)
    assert len(taken) == len(("old", "older", "older.gz", "older.br"))
    put(3)
    assert len(taken) == 2 * len(("old", "older", "older.gz", "older.br"))


def test_nothing_is_begun_before_there_was_anything_or_while_a_publisher_is_at_work(tmp_path: Path) -> None:
    begin_next(tmp_path)
    put(tmp_path, 1)
    with files.alone(tmp_path / "lock"):
        begin_next(tmp_path)
    assert not [*tmp_path.glob("begun-*")]

    begin_next(tmp_path)
    assert [*tmp_path.glob("begun-*")]


def test_what_was_begun_and_is_of_no_use_any_more_is_cleared_away(tmp_path: Path) -> None:
    put(tmp_path, 1)
    begin_next(tmp_path)
    clear(tmp_path)
    [of_use] = tmp_path.glob("begun-*")
    publish([], tmp_path, revision=2, at=AT, headers=HEADERS)  # which has no place for its folders
    begin_next(tmp_path)
    assert not of_use.exists()

    publish(documents(site(3)), tmp_path, revision=3, at=AT, headers=HEADERS, all_anew=True)
    clear(tmp_path)
    assert not [*tmp_path.glob("begun-*")]


def test_a_full_disk_leaves_nothing_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    publish(documents(site(1), "key"), tmp_path, revision=1, at=AT, headers=HEADERS)
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(Unfinished, "take", full)

    with pytest.raises(OSError, match="No space"):
        begin_next(tmp_path)

    assert sorted(tmp_path.iterdir()) == before


def test_nothing_was_published_in_an_empty_folder(tmp_path: Path) -> None:
    assert published(tmp_path) is None


def test_an_older_revision_never_replaces_a_newer_one(tmp_path: Path) -> None:
    newer = put(tmp_path, 8)

    answer = put(tmp_path, 7, at=AT + timedelta(hours=1))

    assert answer == newer
    assert read(tmp_path) == site(8)


def test_of_one_revision_an_earlier_moment_never_replaces_a_later_one(tmp_path: Path) -> None:
    later = put(tmp_path, 8, at=AT + timedelta(minutes=1))

    assert put(tmp_path, 8, at=AT) == later
    assert put(tmp_path, 8, at=AT + timedelta(minutes=2)).number == later.number + 1


def test_what_is_no_longer_so_is_not_published(tmp_path: Path) -> None:
    put(tmp_path, 1)
    with pytest.raises(Outdated):
        publish(documents(site(2)), tmp_path, revision=2, at=AT, headers=HEADERS, still=lambda: False)

    assert read(tmp_path) == site(1)


@pytest.mark.parametrize("damage", ["a file", "a folder", "all", "no folder"])
def test_what_was_begun_and_spoilt_is_not_gone_on_from(tmp_path: Path, damage: str) -> None:
    known = documents({"fr/old/index.html": b"<p>1", "nl/older/index.html": b"<p>2" * 200}, "key")

    def put(revision: int) -> None:
        publish([*documents(site(revision)), *known], tmp_path, revision=revision, at=AT, headers=HEADERS)

    put(1)
    begin_next(tmp_path)
    [begun] = tmp_path.glob("begun-*")
    if damage == "a file":
        (begun / "site/nl/older/index.html.gz").unlink()
    elif damage == "a folder":
        shutil.rmtree(begun / "site/nl")
    else:
        shutil.rmtree(begun)
        begun.mkdir() if damage == "all" else begun.touch()
    put(2)

    assert read(tmp_path) == {**site(2), "fr/old/index.html": b"<p>1", "nl/older/index.html": b"<p>2" * 200}
    check_whole((tmp_path / "current").resolve())
    begin_next(tmp_path)
    put(3)
    check_whole((tmp_path / "current").resolve())


def test_numbers_only_grow_also_past_a_folder_that_was_never_shown(tmp_path: Path) -> None:
    put(tmp_path, 1)
    (tmp_path / "00000005").mkdir()

    assert put(tmp_path, 2).number == 6


def test_the_last_few_stay_and_of_the_others_those_a_reader_may_be_in(tmp_path: Path) -> None:
    for revision in range(KEPT + 5):
        put(tmp_path, revision)
    for folder in sorted(tmp_path.glob("0*"))[:3]:
        os.utime(folder, (time.time() - GRACE - 1,) * 2)

    put(tmp_path, KEPT + 5)
    clear(tmp_path)

    # 1 and 2 were replaced more than a minute ago, 3 just now.
    assert [int(path.name) for path in sorted(tmp_path.glob("0*"))] == list(range(3, KEPT + 7))


def test_where_nobody_clears_away_publishing_does(tmp_path: Path) -> None:
    put(tmp_path, 1)
    for number in range(2, MOST + 1):
        (tmp_path / f"{number:08}").mkdir()
        os.utime(tmp_path / f"{number:08}", (time.time() - GRACE - 1,) * 2)

    put(tmp_path, 2)

    assert len([*tmp_path.glob("0*")]) <= KEPT + 2
    assert read(tmp_path) == site(2)


def test_a_full_disk_leaves_the_old_site_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, 1)
    store = Unfinished.store

    def full(folder: Unfinished, name: str, content: bytes) -> None:
        if name.startswith("site/nl"):
            raise OSError(errno.ENOSPC, "No space left on device")
        store(folder, name, content)

    monkeypatch.setattr(Unfinished, "store", full)
    with pytest.raises(OSError, match="No space"):
        put(tmp_path, 2)

    assert read(tmp_path) == site(1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001", "current", "lock", "swaps"]


def flags(folder: Path) -> int:
    """Of a folder on ext4; other file systems have none."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        [found] = struct.unpack("l", fcntl.ioctl(handle, files._GET_FLAGS, bytes(struct.calcsize("l"))))
        return int(found)
    except OSError as error:
        pytest.skip(f"no flags here: {error}")
    finally:
        os.close(handle)


def test_publications_lie_apart_so_that_those_cleared_away_do_not_make_the_next_one_slow(
    tmp_path: Path,
) -> None:
    before = flags(tmp_path)
    put(tmp_path, 1)

    assert flags(tmp_path) == before | files._TOP_OF_A_TREE


def test_on_a_file_system_that_knows_no_such_thing_it_is_published_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bytes:
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))

    monkeypatch.setattr("fcntl.ioctl", refuse)

    assert put(tmp_path, 1) == published(tmp_path)


def test_a_spoilt_manifest_is_published_over(tmp_path: Path) -> None:
    put(tmp_path, 5)
    (tmp_path / "current" / "manifest.json").write_text("{")

    assert published(tmp_path) is None
    assert put(tmp_path, 4).number == 2


def test_publishers_at_the_same_time_come_one_after_the_other(tmp_path: Path) -> None:
    threads = [Thread(target=put, args=(tmp_path, revision)) for revision in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read(tmp_path) == site(7)


@pytest.mark.parametrize(
    "killer", [KILLED_BY_CHANCE, KILLED_BEFORE_EACH_STEP], ids=["by_chance", "before_each_step"]
)
def test_a_publisher_killed_at_any_instant_leaves_one_whole_site(tmp_path: Path, killer: str) -> None:
    """Readers look all the while, at the folder and through two fronts: each time they see the files of one
    publication, and nobody an older one after anybody saw a newer.
    """
    put(tmp_path, 0)
    fronts = [asking(StatusFront(broken, tmp_path)) for _ in range(2)]
    seen, served = [], []

    with subprocess.Popen([sys.executable, "-c", killer, str(tmp_path)]) as running:
        while running.poll() is None:
            folder = (tmp_path / "current").resolve()
            check_whole(folder)
            seen.append(int(folder.name))
            for get in fronts:
                answer = get("/fr/")
                served.append(int(answer.headers["X-Publication"]))
                assert answer.body in (b"<p>0", answer.body[: len(answer.body) // 20] * 20)

    assert served == sorted(served)
    assert len(set(served)) > 1
    assert running.returncode == 0
    assert seen == sorted(seen)
    last = published(tmp_path)
    assert last
    assert last.number > 1, "nothing was ever published between the kills"
    assert put(tmp_path, last.revision + 1, at=last.at).number > last.number


def check_whole(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    site = folder / "site"
    stored = {
        str(path.relative_to(site)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in site.rglob("*")
        if path.is_file()
    }

    assert manifest["number"] == int(folder.name)
    assert stored == manifest["files"]
