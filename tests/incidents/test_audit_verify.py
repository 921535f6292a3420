from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from incidents.models import Entry
from tests import factories
from tests.incidents.test_timeline import notes, tamper

pytestmark = pytest.mark.django_db


def verify(*arguments: str) -> tuple[str, str, int]:
    """Standard output, errors, exit status."""
    out, err = StringIO(), StringIO()
    try:
        call_command("audit_verify", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue() + str(error), error.returncode
    return out.getvalue(), err.getvalue(), 0


def test_sound_chains_are_listed_with_their_heads() -> None:
    one, two = factories.incident(), factories.incident()
    notes(one, "a", "b")
    notes(two, "a")
    heads = {entry.incident_id: entry.hash for entry in Entry.objects.order_by("sequence")}

    assert verify() == (
        f"{one.public_id} 2 {heads[one.pk]}\n{two.public_id} 1 {heads[two.pk]}\n",
        "",
        0,
    )


def test_a_broken_chain_is_named_and_ends_with_status_1() -> None:
    sound, broken = factories.incident(), factories.incident()
    notes(sound, "a", "b")
    notes(broken, "a", "b")
    tamper("UPDATE incidents_entry SET text = 'x' WHERE sequence = 2 AND incident_id = %s", broken.pk)

    _out, err, status = verify()

    assert status == 1
    assert err == (
        f"{broken.public_id}: entry 2 was changed after it was written\n1 timeline(s) do not hold."
    )


def test_heads_noted_earlier_hold_when_the_timeline_has_grown(tmp_path: Path) -> None:
    incident = factories.incident()
    notes(incident, "a", "b")
    (tmp_path / "heads").write_text(verify()[0])
    notes(incident, "c")

    assert verify("--expect", str(tmp_path / "heads"))[1:] == ("", 0)


def test_a_tail_that_was_cut_off_shows_against_heads_noted_earlier(tmp_path: Path) -> None:
    incident = factories.incident()
    notes(incident, "a", "b", "c")
    (tmp_path / "heads").write_text(verify()[0])
    tamper("DELETE FROM incidents_entry WHERE sequence = 3")

    assert verify()[2] == 0
    _out, err, status = verify("--expect", str(tmp_path / "heads"))
    assert (status, err.splitlines()[0]) == (
        1,
        f"{incident.public_id}: cut off: there were 3 entries, now 2",
    )


def test_a_tail_that_was_written_anew_shows_against_heads_noted_earlier(tmp_path: Path) -> None:
    incident = factories.incident()
    notes(incident, "a", "b")
    (tmp_path / "heads").write_text(verify()[0])
    tamper("DELETE FROM incidents_entry WHERE sequence = 2")
    notes(incident, "another b")

    assert verify()[2] == 0
    assert verify("--expect", str(tmp_path / "heads"))[2] == 1


def test_an_incident_that_is_gone_shows_against_heads_noted_earlier(tmp_path: Path) -> None:
    (tmp_path / "heads").write_text(f"{'x' * 12} 1 {'a' * 64}\n")

    assert verify("--expect", str(tmp_path / "heads"))[1].startswith(f"{'x' * 12}: the incident is gone")


@pytest.mark.parametrize("content", ["one two", "abc x hash", "abc 1 hash more"])
def test_a_file_that_holds_no_heads_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "heads").write_text(content)

    assert verify("--expect", str(tmp_path / "heads")) == (
        "",
        f"{tmp_path}/heads, line 1: not a public id, a number of entries and a hash.",
        2,
    )


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    assert verify("--expect", str(tmp_path / "no"))[1:] == (f"{tmp_path}/no: No such file or directory.", 2)
