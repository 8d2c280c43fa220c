"""What tests make once and share: made by one of them, made again for anything else, and not kept where it failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests import runs
from tests.runs import hash_of, made_once


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(runs, "KEPT", tmp_path / "kept")
    return tmp_path / "kept"


def test_whoever_asks_at_the_same_time_gets_the_one_that_is_made(kept: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "made").write_text(str(len(made)), encoding="utf-8")

    with ThreadPoolExecutor(4) as asking:
        folders = set(asking.map(lambda _: made_once("run", ["plan"], make), range(8)))
    (folder,) = folders

    assert 1 == len(made)
    assert "1" == (folder / "made").read_text(encoding="utf-8")
    assert [folder] == [path for path in kept.iterdir() if path.is_dir()]


def test_another_file_name_or_content_is_another_key(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "a").write_text("1", encoding="utf-8")
    keys = [hash_of(study)]
    (study / "a").write_text("2", encoding="utf-8")
    keys.append(hash_of(study))
    (study / "a").rename(study / "b")
    keys += [hash_of(study), hash_of("2"), hash_of("2", ""), hash_of("", "2")]

    assert 6 == len(set(keys))


def test_what_failed_is_not_kept_and_is_made_when_it_is_asked_for_again() -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise ValueError

    with pytest.raises(ValueError):  # our own
        made_once("run", [], fail)
    folder = made_once("run", [], lambda folder: (folder / "whole").touch())

    assert ["whole"] == [path.name for path in folder.iterdir()]


def test_a_folder_that_nobody_used_for_a_day_is_removed(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = made_once("run", ["old"], lambda _: None)
    monkeypatch.setattr(runs, "NOT_USED_FOR", -60.0)
    new = made_once("run", ["new"], lambda _: None)

    assert new.exists()
    assert not old.exists()
