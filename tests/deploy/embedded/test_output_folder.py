"""The output folder: complete, or not there; and nothing that was there is lost."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from riskset_common.errors import InputError
from riskset_embedded.output_folder import output_folder


class Stopped(Exception):
    """What goes wrong in the middle of a run."""


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def an_earlier_run(final: Path, mark: str = "first") -> None:
    with output_folder(final) as folder:
        (folder.path / "results.json").write_text(mark, encoding="utf-8")


def test_the_folder_appears_at_the_end_only(tmp_path: Path) -> None:
    final = tmp_path / "out"
    with output_folder(final) as folder:
        (folder.path / "results.json").write_text("{}", encoding="utf-8")

        assert not final.exists()
        assert folder.path.parent == tmp_path
    assert ["out", "out/results.json"] == names(tmp_path)
    assert final == folder.path
    assert folder.moved_aside is None
    assert 0o755 == stat.S_IMODE(final.stat().st_mode)


def test_a_relative_folder_lies_under_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    an_earlier_run(Path("out"))

    assert ["out", "out/results.json"] == names(tmp_path)


def test_a_failing_block_leaves_nothing_and_an_earlier_run_as_it_was(tmp_path: Path) -> None:
    an_earlier_run(tmp_path / "out")

    def half_of_it() -> None:
        with output_folder(tmp_path / "out") as folder:
            (folder.path / "results.json").write_text("half", encoding="utf-8")
            raise Stopped

    with pytest.raises(Stopped):
        half_of_it()

    assert ["out", "out/results.json"] == names(tmp_path)
    assert "first" == (tmp_path / "out" / "results.json").read_text(encoding="utf-8")


def test_a_run_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), output_folder(tmp_path / "a" / "b" / "out"):
        raise KeyboardInterrupt

    assert [] == names(tmp_path)


def test_a_folder_on_the_way_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(Stopped), output_folder(tmp_path / "a" / "b" / "out"):
        raise Stopped

    assert ["a"] == names(tmp_path)


def test_earlier_runs_are_moved_aside_one_after_the_other(tmp_path: Path) -> None:
    for mark in ("first", "second", "third"):
        an_earlier_run(tmp_path / "out", mark)
    found = {
        name: (tmp_path / name / "results.json").read_text(encoding="utf-8")
        for name in ("out", "out.before-1", "out.before-2")
    }

    assert {"out": "third", "out.before-1": "first", "out.before-2": "second"} == found


def test_where_an_earlier_run_went_is_known(tmp_path: Path) -> None:
    an_earlier_run(tmp_path / "out")
    with output_folder(tmp_path / "out") as folder:
        pass

    assert tmp_path / "out.before-1" == folder.moved_aside


def test_an_empty_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    an_earlier_run(tmp_path / "out")

    assert ["out", "out/results.json"] == names(tmp_path)


def test_a_folder_that_is_no_earlier_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "plan.yaml").write_text("plan: mine", encoding="utf-8")
    with (
        pytest.raises(InputError, match="something else than an earlier run"),
        output_folder(tmp_path / "study"),
    ):
        raise Stopped

    assert ["study", "study/plan.yaml"] == names(tmp_path)


@pytest.mark.parametrize("out", [".", "..", "/", "../inside"])
def test_the_folder_one_stands_in_cannot_give_way(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    with pytest.raises(InputError, match="you are inside of that folder"), output_folder(Path(out)):
        raise Stopped

    assert ["inside"] == names(tmp_path)


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    an_earlier_run(tmp_path / "out", "first")
    an_earlier_run(tmp_path / "out", "second")

    assert (tmp_path / "out").is_symlink()
    assert "second" == (tmp_path / "real" / "results.json").read_text(encoding="utf-8")
    assert "first" == (tmp_path / "real.before-1" / "results.json").read_text(encoding="utf-8")


def test_a_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="a file of that name"), output_folder(tmp_path / "out"):
        raise Stopped

    assert ["out"] == names(tmp_path)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with (
        pytest.raises(InputError, match=r"--out .*cannot be written \(.*Choose another folder"),
        output_folder(tmp_path / "file" / "out"),
    ):
        raise Stopped

    assert ["file"] == names(tmp_path)


def test_an_earlier_run_comes_back_where_the_new_one_cannot_be_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_earlier_run(tmp_path / "out")
    rename = Path.rename

    def fails_for_the_new_one(self: Path, target: Path) -> Path:
        if self.name.startswith(".out-"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_for_the_new_one)
    with pytest.raises(InputError, match="No space left"), output_folder(tmp_path / "out"):
        pass

    assert ["out", "out/results.json"] == names(tmp_path)
