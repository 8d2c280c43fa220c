"""No analysis takes another one down: what cannot be carried out is withheld with a sentence, and the run goes on to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.least_study import codebook_of, plan_of
from tests.system.end_to_end.small_study import SITES, SmallStudy, write_small_study
from typer.testing import CliRunner

from riskset_common.errors import EstimationError
from riskset_common.secure.blind.cox import hazard
from riskset_server.commands.riskset import app

CODEBOOK = codebook_of(
    "age:    {kind: number, label: Age, unit: years, range: [18, 100]}",
    "score:  {kind: number, label: Score, unit: points, range: [0, 1000]}",
    "sex:    {kind: category, label: Sex, levels: {male: Male, female: Female}}",
    "marker: {kind: category, label: Marker, levels: {absent: Absent, present: Present}}",
    "same:   {kind: category, label: Constant, levels: {one: One, other: Other}}",
)
SEX, MARKER = "{factor: sex, reference: male}", "{factor: marker, reference: absent}"
ANALYSES = (
    "{id: curves, kind: kaplan_meier, endpoint: OS, by: sex, at: [200, 400], test: log_rank}",
    f"{{id: blind, kind: cox, endpoint: OS, terms: [{SEX}]}}",
    f"{{id: monotone, kind: cox, endpoint: OS, terms: [{SEX}, {{number: score}}]}}",
    f"{{id: rare, kind: cox, endpoint: OS, terms: [{SEX}, {MARKER}]}}",
    "{id: empty, kind: cox, endpoint: OS, terms: [{factor: same, reference: one}]}",
    "{id: often, kind: cox, endpoint: OS, terms: [{number: age}], baseline_hazard: {at: [30, 35], numbers: {age: 50}}}",
    f"{{id: few, kind: cox, endpoint: OS, terms: [{SEX}, {{number: age}}], strata: [site], penalty: firth, where: {{marker: [present]}}}}",
    "{id: factors, kind: univariate, endpoint: OS, factors: [sex, marker], hazard_ratios: true}",
    f"{{id: within, kind: cox, endpoint: OS, terms: [{SEX}], strata: [site]}}",
)
WITHHELD = {
    "monotone": "weights of patients could differ by a factor of e^",
    "rare": "a level of marker has fewer than 10 patients or 5 events",
    "empty": "a level of same has fewer than 10 patients or 5 events",
    "often": "Between two times of a baseline hazard",
    "few": "Not asked: fewer than 5 events for each of the model's coefficients, of which there are 2",
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """A rounded run of all of them; in `score` whoever dies first has most, and few have the marker."""
    return run_of(tmp_path_factory.mktemp("study"), *ANALYSES)


def run_of(folder: Path, *analyses: str) -> SmallStudy:
    """A finished run of a plan with these analyses."""
    study = write_small_study(folder)
    study.codebook.write_text(CODEBOOK, encoding="utf-8")
    study.plan.write_text(plan_of(*analyses), encoding="utf-8")
    for site in SITES:
        add_columns(study.rows(site))
    ended = study.run()

    assert 0 == ended.exit_code, ended.output
    return study


def add_columns(path: Path) -> None:
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{head},score,marker,same"]
    for number, row in enumerate(rows):
        time = int(row.split(",")[1])
        lines.append(f"{row},{1000 - time},{'present' if number % 12 == 0 else 'absent'},one")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def analysis(study: SmallStudy, name: str) -> Any:
    return study.results()["analyses"][name]


@pytest.mark.parametrize("name", WITHHELD)
def test_an_analysis_without_a_result_says_why(study: SmallStudy, name: str) -> None:
    found = analysis(study, name)
    [said] = found["warnings"]
    marks = {repr(each) for key, each in found.items() if key not in ("kind", "warnings")}

    assert WITHHELD[name] in said
    assert 1 == len(marks)


@pytest.mark.parametrize("name", ["curves", "blind", "within"])
def test_the_others_have_theirs(study: SmallStudy, name: str) -> None:
    assert 96 == analysis(study, name)["n"]


def test_a_factor_without_a_model_takes_no_other_factor_down(study: SmallStudy) -> None:
    sex, marker = analysis(study, "factors")["factors"]

    assert analysis(study, "blind")["terms"][0]["coef"] == sex["model"]["terms"][0]["coef"]
    assert {"withheld": "no result"} == marker["model"]["terms"]
    assert any(
        said.startswith("marker: A coefficient would show")
        for said in analysis(study, "factors")["warnings"]
    )


def test_models_that_began_are_counted_and_no_other(study: SmallStudy) -> None:
    begun = study.results()["secure"]["blind"]["evaluations"]

    assert ["blind", "factors/model.sex", "monotone"] == sorted(begun)


def test_the_report_says_it_in_a_sentence_and_agrees_with_itself(study: SmallStudy) -> None:
    page = (study.out / "report.html").read_text(encoding="utf-8")
    checked = CliRunner().invoke(app, ["report", "check", str(study.out)])

    for said in WITHHELD.values():
        assert said.replace("'", "&#39;") in page
    assert "disclosure rule no result" not in page
    assert 0 == checked.exit_code, checked.output


def test_a_model_that_the_committee_cannot_go_on_with_ends_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: object) -> None:
        raise EstimationError("The variance is too large.")

    monkeypatch.setattr(hazard, "_require_small", too_large)
    with_hazard = (
        f"{{id: hazard, kind: cox, endpoint: OS, terms: [{SEX}], baseline_hazard: {{at: [600]}}}}"
    )
    study = run_of(tmp_path, with_hazard, ANALYSES[1])
    [said] = analysis(study, "hazard")["warnings"]

    assert said.startswith("The committee ended the computation of the model")
    assert 96 == analysis(study, "blind")["n"]
