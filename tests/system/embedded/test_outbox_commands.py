"""What a data manager sees of what left the site, after a run."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.system.end_to_end.small_study import SmallStudy
from typer.testing import CliRunner

from riskset_common.wire.messages import Report
from riskset_node.commands.riskset_node import app
from riskset_node.state.outbox import entries_of


@pytest.fixture(scope="module")
def file(finished: SmallStudy) -> Path:
    return min((finished.out / "outboxes").glob("*.sqlite"))


def outbox(*words: object) -> str:
    done = CliRunner().invoke(app, ["outbox", *map(str, words)])

    assert 0 == done.exit_code, done.output
    return done.stdout


def listed(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(outbox("list", file, "--json"))
    return found


def test_the_list_has_every_message_with_its_hash(file: Path) -> None:
    rows, text = listed(file), outbox("list", file)
    entries = list(entries_of(file))

    assert [sha256(entry.message).hexdigest() for entry in entries] == [
        row["sha256"] for row in rows
    ]
    assert "Advertisement" == rows[0]["message"]
    assert all(row["sha256"][:16] in text for row in rows)
    assert {row["message"] for row in rows if row["numbers"]} == {"Report"}


def test_a_report_is_shown_with_the_numbers_under_its_mask(file: Path, tmp_path: Path) -> None:
    number = next(row["number"] for row in listed(file) if row["message"] == "Report")
    shown = json.loads(
        outbox("show", file, number, "--json", "--message", tmp_path / "as-sent.bin")
    )
    [entry] = [each for each in entries_of(file) if each.number == number]
    sent = (tmp_path / "as-sent.bin").read_bytes()
    numbers = [each["values"] for each in shown["under_the_mask"]]

    assert entry.message == sent
    assert entry.sid.hex() == shown["session"]
    assert isinstance(Report.from_bytes(sent), Report)
    assert entry.summary is not None
    assert [values.tolist() for values in entry.summary.arrays().values()] == numbers


def test_a_long_array_is_shown_by_its_first_numbers_and_its_sum(file: Path) -> None:
    number = next(row["number"] for row in listed(file) if row["numbers"] > 100)
    [entry] = [each for each in entries_of(file) if each.number == number]
    assert entry.summary is not None
    long = next(values for values in entry.summary.arrays().values() if values.size > 6)
    text = outbox("show", file, number)

    assert f"of {long.size:,} not 0, sum {long.sum():g}" in " ".join(text.split())
    assert "For this site only" in text


def test_a_message_without_numbers_is_shown_without_a_table(file: Path) -> None:
    text = outbox("show", file, 1)

    assert "message   Advertisement" in text
    assert "mask" not in text


def test_looking_changes_nothing(file: Path) -> None:
    before = sha256(file.read_bytes()).hexdigest()
    outbox("list", file)
    outbox("show", file, 1)

    assert before == sha256(file.read_bytes()).hexdigest()


def test_what_is_not_there_is_told(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other.sqlite").write_bytes(b"not a database, but long enough to be read as one")
    unknown = CliRunner().invoke(app, ["outbox", "show", str(file), "999"])
    foreign = CliRunner().invoke(app, ["outbox", "list", str(tmp_path / "other.sqlite")])

    assert (1, 1) == (unknown.exit_code, foreign.exit_code)
    assert "Message 999 is not in" in unknown.stderr
    assert "is not an outbox that can be read" in foreign.stderr
