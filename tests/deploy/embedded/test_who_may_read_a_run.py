"""What an unfinished and a finished local run keep of sites and of exact sums is for its owner alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from riskset_embedded.output_folder import RESULTS, output_folder
from riskset_embedded.run_folder import run_folder
from riskset_embedded.transcript import Transcript

STUDY: dict[str, object] = {"plan": "p"}


@pytest.fixture(autouse=True)
def no_umask():
    """A machine that takes nothing from the mode of a new file."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(*folders: Path) -> list[Path]:
    """Every file and folder that somebody else may read or enter."""
    inside = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return [path for path in inside if stat.S_IMODE(path.stat().st_mode) & 0o077]


def keep(kept) -> None:
    """What a run keeps on its way."""
    transcript = Transcript(kept.transcript)
    transcript.keep_replies("join", {"a": b"message"})
    transcript.keep_opening("round-001", b"sums")
    (kept.outboxes / "a.sqlite").write_bytes(b"")
    with kept.alone():
        kept.draw("nonce")


def test_a_run_that_is_begun_continued_and_finished_is_closed_at_each_step(tmp_path):
    out = tmp_path / "out"
    kept = run_folder(out, STUDY)
    keep(kept)

    assert [kept.outboxes / "a.sqlite"] == open_to_others(kept.path)
    continued = run_folder(out, STUDY)
    assert continued.continued
    assert [] == open_to_others(continued.path)
    keep(continued)
    with output_folder(out) as folder:
        assert [] == open_to_others(folder.path)
        (folder.path / RESULTS).write_text("{}", encoding="utf-8")
        continued.finish(folder.path)

    assert {0o755} == {stat.S_IMODE(out.stat().st_mode)}
    assert [] == open_to_others(out / "transcript", out / "outboxes")
    assert (out / "transcript" / "openings" / "round-001.opening").exists()


def test_what_lay_open_on_another_disk_is_closed_when_it_arrives(tmp_path, monkeypatch):
    out = tmp_path / "out"
    kept = run_folder(out, STUDY)
    keep(kept)
    monkeypatch.setattr("os.rename", _other_disk)
    out.mkdir()
    kept.finish(out)

    assert [] == open_to_others(out / "transcript", out / "outboxes")


def _other_disk(*_: object) -> None:
    raise OSError


def test_records_that_were_kept_for_a_site_that_was_lost_go_when_the_run_is_over(tmp_path):
    out = tmp_path / "out"
    kept = run_folder(out, STUDY)
    keep(kept)
    (kept.outboxes / "a.cuts").mkdir()
    (kept.outboxes / "a.cuts" / ("0" * 64)).write_bytes(b"patients")
    out.mkdir()
    kept.finish(out)

    assert ["a.sqlite"] == [path.name for path in (out / "outboxes").iterdir()]
