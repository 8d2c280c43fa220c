"""`riskset report build`: the report of a finished run, from its folder or with the files that it was started with."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import Result
from typer.testing import CliRunner

from riskset_common.formats.canonical_json import canonical_json, sha256_hex
from riskset_server.commands.riskset import app

DISPLAYS = "displays:\n  - {table: Table 1, of: cox_all}\n  - {figure: Fig 1, of: efs}\n"


@pytest.fixture
def run(trial: ModuleType, tmp_path: Path) -> Path:
    """The folder of a finished run."""
    plan, codebook = trial.study_plan(DISPLAYS), trial.study_codebook()
    results = trial.study_results()
    results["plan"]["sha256"] = sha256_hex(plan)
    results["codebook"] = {"id": codebook.reference, "sha256": sha256_hex(codebook)}
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (folder / "plan.json").write_bytes(canonical_json(plan))
    (folder / "codebook.json").write_bytes(canonical_json(codebook))
    return folder


def build(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", "build", *map(str, arguments)])


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_report_is_written_into_the_folder_of_the_run(run: Path) -> None:
    ended = build(run, "--formats", "")

    assert (f"{run}/report.html\n", 0) == (ended.stdout, ended.exit_code)
    assert [
        "codebook.json",
        "figures/Fig_1.svg",
        "plan.json",
        "report.html",
        "results.json",
        "tables/Table_1.csv",
    ] == names_in(run)


def test_a_folder_of_its_own_holds_what_the_report_is_made_from(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "paper"
    build(run, "--out", out)

    assert {"figures/Fig_1.pdf", "figures/Fig_1.png", "tables/Table_1.docx"} < set(names_in(out))
    for name in ("results.json", "plan.json", "codebook.json"):
        assert (run / name).read_bytes() == (out / name).read_bytes()
    assert not (run / "report.html").exists()


def test_a_report_of_yaml_files_is_the_same(trial: ModuleType, run: Path, tmp_path: Path) -> None:
    build(run, "--out", tmp_path / "one")
    (run / "plan.json").unlink()
    (run / "codebook.json").unlink()
    (tmp_path / "plan.yaml").write_text(trial.PLAN + DISPLAYS, encoding="utf-8")
    (tmp_path / "codebook.yaml").write_text(trial.CODEBOOK, encoding="utf-8")
    given = ["--plan", tmp_path / "plan.yaml", "--codebook", tmp_path / "codebook.yaml"]
    ended = build(run, "--out", tmp_path / "other", *given)

    assert 0 == ended.exit_code
    assert names_in(tmp_path / "one") == names_in(tmp_path / "other")
    for name in names_in(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_a_folder_without_plan_says_which_option_gives_it(run: Path) -> None:
    (run / "plan.json").unlink()
    ended = build(run)

    assert 1 == ended.exit_code
    assert "the run kept no such file. Give the plan that was run with --plan." in ended.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("results.json", "{", "this is not JSON"),
        ("results.json", "[]", "this is not a results.json"),
        ("results.json", None, "Give the folder of a finished run"),
        ("plan.json", "{}", "plan.json"),
        ("codebook.json", '{"a": 1}', "not in canonical form"),
    ],
)
def test_a_file_that_is_something_else_is_told(
    run: Path, name: str, content: str | None, message: str
) -> None:
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_text(content, encoding="utf-8")
    ended = build(run)

    assert 1 == ended.exit_code
    assert message in ended.stderr


def test_another_plan_than_the_one_that_was_run_is_refused(trial: ModuleType, run: Path) -> None:
    other = trial.study_plan(DISPLAYS, title="Another title")
    (run / "plan.json").write_bytes(canonical_json(other))
    ended = build(run)

    assert 1 == ended.exit_code
    assert "this is not the plan that was run (SHA-256 " in ended.stderr
    assert not (run / "report.html").exists()


def test_an_unknown_format_is_told_before_anything_is_written(run: Path) -> None:
    ended = build(run, "--formats", "tiff")

    assert 1 == ended.exit_code
    assert "--formats: 'tiff' is not known." in ended.stderr
