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
CURVES = "{id: curves, kind: kaplan_meier, endpoint: OS, by: sex, at: [200, 400], test: log_rank}"
BLIND = f"{{id: blind, kind: cox, endpoint: OS, terms: [{SEX}]}}"
ROUNDED = (
    CURVES,
    BLIND,
    f"{{id: monotone, kind: cox, endpoint: OS, terms: [{SEX}, {{number: score}}]}}",
    f"{{id: rare, kind: cox, endpoint: OS, terms: [{SEX}, {MARKER}]}}",
    "{id: empty, kind: cox, endpoint: OS, terms: [{factor: same, reference: one}]}",
    "{id: factors, kind: univariate, endpoint: OS, factors: [sex, marker], hazard_ratios: true}",
    f"{{id: within, kind: cox, endpoint: OS, terms: [{SEX}], strata: [site]}}",
)
EXACT = (
    CURVES,
    BLIND,
    "{id: often, kind: cox, endpoint: OS, terms: [{number: age}], baseline_hazard: {at: [30, 35], numbers: {age: 50}}}",
    f"{{id: within, kind: cox, endpoint: OS, terms: [{SEX}], strata: [site]}}",
)
HELD = {
    "rare": "marker",
    "empty": "events_outside_largest_level 40",
}
"""Models that rest on too little, and what is in the rule."""
WITHHELD = {
    "monotone": "weights of patients could differ by a factor of e^",
    "often": "Between two times of a baseline hazard",
}


@pytest.fixture(scope="module")
def rounded(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """A rounded run; in `score` whoever dies first has most, and few have the marker."""
    return run_of(tmp_path_factory.mktemp("rounded"), "rounded", *ROUNDED)


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """An exact run."""
    return run_of(tmp_path_factory.mktemp("exact"), "exact", *EXACT)


def run_of(folder: Path, release: str, *analyses: str) -> SmallStudy:
    """A finished run of a plan with these analyses."""
    study = write_small_study(folder, patients=48)
    study.codebook.write_text(CODEBOOK, encoding="utf-8")
    plan = plan_of(*analyses) + f"disclosure: {{release: {release}}}\n"
    study.plan.write_text(plan, encoding="utf-8")
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
        lines.append(f"{row},{1000 - time},{'present' if number % 24 == 0 else 'absent'},one")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def analysis(study: SmallStudy, name: str) -> Any:
    return study.results()["analyses"][name]


@pytest.mark.parametrize("name", WITHHELD)
def test_an_analysis_without_a_result_says_why(
    rounded: SmallStudy, exact: SmallStudy, name: str
) -> None:
    found = analysis(exact if name == "often" else rounded, name)
    [said] = found["warnings"]
    marks = {repr(each) for key, each in found.items() if key not in ("kind", "warnings")}

    assert WITHHELD[name] in said
    assert 1 == len(marks)


@pytest.mark.parametrize("name", HELD)
def test_a_model_that_rests_on_too_little_names_the_rule(rounded: SmallStudy, name: str) -> None:
    found = analysis(rounded, name)
    [mark] = {each["withheld"] for key, each in found.items() if key not in ("kind", "warnings")}

    assert HELD[name] in mark


@pytest.mark.parametrize("name", ["curves", "blind", "within"])
def test_the_others_have_theirs(rounded: SmallStudy, exact: SmallStudy, name: str) -> None:
    assert [192, 192] == [analysis(study, name)["n"] for study in (rounded, exact)]


def test_a_factor_without_a_model_takes_no_other_factor_down(rounded: SmallStudy) -> None:
    sex, marker = analysis(rounded, "factors")["factors"]

    assert analysis(rounded, "blind")["terms"][0]["coef"] == sex["model"]["terms"][0]["coef"]
    assert "marker" in marker["model"]["terms"]["withheld"]


def test_models_that_began_are_counted_and_no_other(rounded: SmallStudy) -> None:
    begun = rounded.results()["secure"]["blind"]["evaluations"]

    assert ["blind", "factors/model.sex", "monotone", "within"] == sorted(begun)


@pytest.mark.parametrize("release", ["rounded", "exact"])
def test_the_report_says_it_in_a_sentence_and_agrees_with_itself(
    rounded: SmallStudy, exact: SmallStudy, release: str
) -> None:
    study = {"rounded": rounded, "exact": exact}[release]
    page = (study.out / "report.html").read_text(encoding="utf-8")
    checked = CliRunner().invoke(app, ["report", "check", str(study.out)])
    said = {"rounded": "monotone", "exact": "often"}[release]

    assert WITHHELD[said].replace("'", "&#39;") in page
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
    study = run_of(tmp_path, "exact", with_hazard, BLIND)
    [said] = analysis(study, "hazard")["warnings"]

    assert said.startswith("The committee ended the computation of the model")
    assert 192 == analysis(study, "blind")["n"]
