"""The demonstration: every number of R's is found and compared, and one that differs ends it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.runs import copied_run
from tests.system.end_to_end.small_study import command

from riskset_common.errors import EstimationError
from riskset_common.estimators.read_back import results_from_json
from riskset_common.results.as_json import to_text
from riskset_common.results.whole_file import Results
from riskset_embedded.demos import lung as demo
from riskset_embedded.demos.lung import (
    Compared,
    OfR,
    compare,
    quantities,
    read_reference,
    study_folder,
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """`riskset demo lung`, and where it wrote; its run is the one that all tests share."""
    out = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "run_files", copied_run)
        return command("demo", "lung", "--quiet", "--out", str(out)), out


def results_of(shown: tuple[Any, Path]) -> Results:
    return results_from_json(json.loads((shown[1] / "results.json").read_text(encoding="utf-8")))


def reference() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        (study_folder("lung") / "reference.json").read_text(encoding="utf-8")
    )
    return found


def test_the_demonstration_equals_r(shown: tuple[Any, Path]) -> None:
    ended, out = shown

    assert 0 == ended.exit_code, ended.stderr
    assert f"{len(reference())} numbers compared" in ended.stdout
    assert str(out / "report.html") in ended.stdout
    table = (out / "tables" / "riskset_and_r.csv").read_text(encoding="utf-8").splitlines()
    assert len(reference()) + 1 == len(table)


def test_the_results_read_back_as_they_were_written(shown: tuple[Any, Path]) -> None:
    written = (shown[1] / "results.json").read_text(encoding="utf-8")

    assert written == to_text(results_from_json(json.loads(written)))


def test_every_number_of_r_has_one_of_riskset_beside_it(shown: tuple[Any, Path]) -> None:
    compared = compare(results_of(shown), read_reference(study_folder("lung") / "reference.json"))
    names = [(analysis, quantity) for analysis, quantity, _ in quantities(results_of(shown))]

    assert len(names) == len(set(names))
    assert [(row["analysis"], row["quantity"]) for row in reference()] == [
        (each.analysis, each.quantity) for each in compared
    ]
    assert all(each.equal for each in compared)
    assert results_of(shown).analyses.keys() == {each.analysis for each in compared}


def test_what_is_printed_is_among_what_is_compared(shown: tuple[Any, Path]) -> None:
    assert set(demo.SHOWN) <= {(row["analysis"], row["quantity"]) for row in reference()}


@pytest.fixture
def own_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study, which the demonstration then uses."""
    copied = tmp_path / "lung"
    shutil.copytree(study_folder("lung"), copied)
    monkeypatch.setattr(demo, "study_folder", lambda name: copied)
    monkeypatch.setattr(demo, "run_files", copied_run)
    return copied


def test_a_number_that_differs_ends_the_demonstration_and_is_named(
    own_study: Path, tmp_path: Path
) -> None:
    changed = reference()
    row = next(
        row for row in changed if (row["analysis"], row["quantity"]) == ("cox", "age, coefficient")
    )
    true = row["value"]
    row["value"] *= 1 + 3e-9
    (own_study / "reference.json").write_text(json.dumps(changed), encoding="utf-8")
    ended = command("demo", "lung", "--quiet", "--out", str(tmp_path / "out"))

    assert 1 == ended.exit_code
    assert "" == ended.stdout
    assert ended.stderr.startswith(f"error: cox, age, coefficient: riskset {true:.9f}")
    assert "differ from R's" in ended.stderr
    assert 2 == len(ended.stderr.splitlines())


def test_a_number_that_the_results_lack_is_named(shown: tuple[Any, Path]) -> None:
    more = [OfR("cox", "height, coefficient", None)]
    with pytest.raises(EstimationError, match="cox, height, coefficient: not in the results"):
        compare(results_of(shown), more)


@pytest.mark.parametrize(
    ("riskset", "r", "equal"),
    [
        (1.0, 1.0 + 9e-10, True),
        (1.0, 1.0 + 2e-9, False),
        (0.0, 9e-13, True),
        (0.0, 2e-12, False),
        (137, 137, True),
        (137, 138, False),
        (None, None, True),
        (None, 1.0, False),
        (1.0, None, False),
    ],
)
def test_numbers_are_equal_to_nine_digits(
    riskset: float | None, r: float | None, equal: bool
) -> None:
    assert equal == Compared("cox", "age", riskset, r).equal


def test_a_study_that_is_not_installed_is_named() -> None:
    with pytest.raises(EstimationError, match="'liver' is not part of this installation"):
        study_folder("liver")
