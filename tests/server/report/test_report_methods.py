"""The methods section."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from types import ModuleType
from typing import Any

import pytest

from riskset_common import __version__
from riskset_common.estimators.read_back import results_from_json
from riskset_common.estimators.regression.fine_gray import FineGraySpec
from riskset_server.kinds.kinds import words_of
from riskset_server.report import methods as section
from riskset_server.report.blocks import blocks, parts_of
from riskset_server.report.methods import methods, server_version


def text_of(trial: ModuleType, plan: Any, results: Any = None) -> str:
    found = results_from_json(results or trial.study_results())
    return "\n".join(methods(found, parts_of(found, plan), words_of(plan, trial.study_codebook())))


def test_methods_are_those_of_plan_and_results(trial: ModuleType) -> None:
    text = text_of(trial, trial.study_plan())

    for sentence in (
        "The statistical analysis plan infant-all-main (version 1.0.0) was carried out over 3 sites.",
        "Times are counted in whole steps of 1 day and shown in years of 365.25 days.",
        "Event-free survival (EFS) is the time from diagnosis to the first of relapse, death in CR, and second malignancy;",
        "patients without are censored at the date of last contact or death.",
        "95% confidence intervals are pointwise and log-log transformed.",
        "Groups are compared by the log-rank test (efs_risk, efs_kmt2a).",
        "Groups are compared by the log-rank test stratified by sex (dfs_arm).",
        "Median follow-up is estimated by the reverse Kaplan–Meier method.",
        "Tied event times are handled by Breslow's method.",
        "The model cox_arm is stratified by study group.",
        "Characteristics are compared between groups by the chi-square test on patients in whom they are known.",
        "Primary: dfs_arm.",
        "Post hoc: efs_kmt2a, cox_arm.",
        "Results are released rounded. A number below 5, but above 0, and what rests on fewer than 10 patients are held back",
        f"Computed with riskset-server {server_version()}.",
    ):  # fmt: skip
        assert sentence in text


def test_a_time_dependent_exposure_is_named(trial: ModuleType) -> None:
    plan = trial.study_plan(
        "  - {id: cox_smn, kind: cox, endpoint: OS, terms: [{exposure: date_smn}], strata: [site]}"
    )
    results = trial.study_results()
    results["analyses"]["cox_smn"] = results["analyses"]["cox_arm"]

    assert (
        "In cox_smn the exposure (second malignant neoplasm) is time-dependent: patients count as not exposed until that day and as "
        "exposed afterwards."
    ) in text_of(trial, plan, results)


def test_conventions_and_release_are_those_of_the_plan(trial: ModuleType) -> None:
    text = text_of(trial, trial.study_plan(conventions="r", disclosure={"release": "exact"}))

    assert "conventions are those of R (Efron ties, log intervals)" in text
    assert "Results are released at full precision." in text


def test_ready_made_times_are_described_by_their_columns(trial: ModuleType) -> None:
    endpoint = {
        "label": "Overall survival",
        "time": {"variable": "age", "unit": "months"},
        "status": {"variable": "sex", "events": {"death": ["male"]}},
    }
    plan = trial.study_plan()
    endpoints = plan.model_dump(by_alias=True, exclude_none=True)["endpoints"] | {"OS": endpoint}
    text = text_of(trial, trial.study_plan(endpoints=endpoints))

    assert (
        "Overall survival (OS) is read from the column age at diagnosis; its events: death." in text
    )


def test_late_entry_and_other_ends_of_observation_are_said(trial: ModuleType) -> None:
    plan = trial.study_plan()
    endpoints = plan.model_dump(by_alias=True, exclude_none=True)["endpoints"]
    endpoints["OS"] |= {"entry": "date_remission", "censored_at": ["date_smn"]}
    ready = {
        "label": "Survival",
        "time": {"variable": "age", "unit": "months"},
        "status": {"variable": "sex", "events": {"death": ["male"]}},
        "entry": {"variable": "age", "unit": "months"},
    }
    text = text_of(trial, trial.study_plan(endpoints=endpoints | {"EFS": ready}))

    assert (
        "Patients without an event until then are censored at second malignant neoplasm as well. Entry is late: patients are at risk "
        "only after complete remission."
    ) in text
    assert (
        "its events: death. Entry is late: patients are at risk only after age at diagnosis."
        in text
    )


def test_a_horizon_and_a_cutoff_that_censors_are_said(trial: ModuleType) -> None:
    plan = trial.study_plan()
    endpoints = plan.model_dump(by_alias=True, exclude_none=True)["endpoints"]
    endpoints["OS"] |= {"horizon": 5}
    text = text_of(trial, trial.study_plan(endpoints=endpoints, censor_at_cutoff=True))

    assert (
        "It is cut at 5 years: later events do not count, and patients followed longer are censored there."
        in text
    )
    assert (
        "Data were cut off on 2017-12-31: patients are censored on that day, and later events do not count."
        in text
    )


@pytest.mark.parametrize(
    ("approximate", "unknown", "said"),
    [
        (12, 0, ["month was not known for 12 of 651 dates of complete remission and was set"]),
        ({"withheld": "minimum_cell"}, 0, ["not known for withheld dates of complete remission"]),
        (0, 12, ["is unknown for 12 of 651 dates of complete remission; patients whose endpoint"]),
        (0, 0, []),
    ],
)
def test_days_that_are_not_known_are_named_where_a_table_counts_some(
    trial: ModuleType, approximate: object, unknown: object, said: list[str]
) -> None:
    name = "date_remission.day"
    plan = trial.study_plan(f"  - {{id: days, kind: baseline, rows: [{name}]}}")
    results = trial.study_results()
    baseline = next(each for each in results["analyses"].values() if each["kind"] == "baseline")
    rows = [
        {
            "variable": name,
            "level": level,
            "counts": [n],
            "percent": [1.0],
            "total": n,
            "total_percent": 1.0,
        }
        for level, n in (("known", 639), ("approximate", approximate), ("unknown", unknown))
    ]
    changed: dict[str, Any] = {
        "by": None,
        "columns": ["all"],
        "column_n": [700],
        "rows": rows,
        "tests": {},
    }
    results["analyses"]["days"] = (
        baseline | changed | {"missing_values": {name: {"counts": [0], "total": 0}}, "numbers": []}
    )

    text = text_of(trial, plan, results)
    assert len(said) == text.count("The day ")
    assert all(each in text for each in said)


def test_a_horizon_is_noted_below_each_display_of_its_endpoint(trial: ModuleType) -> None:
    plan = trial.study_plan()
    endpoints = plan.model_dump(by_alias=True, exclude_none=True)["endpoints"]
    endpoints["EFS"] |= {"horizon": 5}
    plan, found = trial.study_plan(endpoints=endpoints), results_from_json(trial.study_results())
    noted = {
        part.spec.endpoint_name(): any(
            note == "EFS is cut at 5 years: patients followed longer are censored."
            for made in (block.table, block.drawing)
            if made is not None
            for note in made.notes
        )
        for block in blocks(parts_of(found, plan), words_of(plan, trial.study_codebook()))
        for part in block.parts
    }

    assert noted["EFS"]
    assert not any(said for name, said in noted.items() if name != "EFS")


def test_models_on_shares_are_named_once_and_as_in_the_plan(trial: ModuleType) -> None:
    results = trial.study_results()
    results["secure"]["blind"] = {
        "committee": ["aieop", "dcog", "pinda"],
        "threshold": 1,
        "evaluations": {"cox_arm": 6, "uni/model.sex": 7, "uni/model.arm": 7},
    }
    text = text_of(trial, trial.study_plan(disclosure={"release": "exact"}), results)

    assert 1 == text.lower().count("seen by nobody")
    assert "Risk sets of cox_arm and uni reach across sites." in text
    assert "by a committee of aieop, dcog, and pinda, of which any single one" in text


ON_SHARES = {
    "committee": ["aieop", "dcog", "pinda"],
    "threshold": 1,
    "evaluations": {},
    "lost": [],
    "openings": 131,
    "days": {"date_diagnosis": {"steps": 415, "n_steps": 8192, "told": True}},
}


def test_a_rounded_release_says_who_computed_and_what_was_opened(trial: ModuleType) -> None:
    results = trial.study_results()
    results["secure"]["blind"] = ON_SHARES
    text = text_of(trial, trial.study_plan(), results)

    assert (
        "Each site sent its counts as random shares to a committee of aieop, dcog, and pinda, of which any single one could read nothing "
        "from theirs. Estimates, tests, and which of them may be shown were computed by the committee on shares; what was opened is what "
        "this report and its results hold, rounded, and on which days after diagnosis there is any event, without the number of events "
        "or what they are."
    ) in text
    assert not any(word in text for word in ("totals", "Each sum", "iteration", "Lost"))


def test_what_else_is_public_of_a_computation_on_shares_is_said(trial: ModuleType) -> None:
    results = trial.study_results()
    days = {"time age": {"steps": 256, "n_steps": 256, "told": False}}
    more = {"evaluations": {"cox_all": 5, "cox_arm": 6}, "lost": ["pinda"], "days": days}
    results["secure"]["blind"] = ON_SHARES | more | {"threshold": 2, "unchecked_from": 57}
    text = text_of(trial, trial.study_plan(), results)

    assert "of which any two together could read nothing" in text
    assert "this report and its results hold, rounded." in text
    assert "Of cox_all and cox_arm log-likelihood, score and information of the whole model" in text
    assert "Lost while the committee computed: pinda; the others went on." in text
    assert "From opening 57 of 131 on a wrong share would not have been noticed." in text


def test_models_that_were_computed_on_shares_have_four_digits(trial: ModuleType) -> None:
    results = trial.study_results()
    results["analyses"]["cox_all"]["convergence"] = "digits"

    assert "at the maximum of the partial likelihood, to four significant digits." in text_of(
        trial, trial.study_plan(), results
    )


def test_what_was_not_done_is_not_described(trial: ModuleType) -> None:
    plan = trial.study_plan(
        analyses=[{"id": "events", "kind": "event_table", "endpoint": "EFS", "by": "risk_group"}]
    )
    text = text_of(trial, plan)

    assert "Kaplan" not in text
    assert "Hazard" not in text
    assert "chi-square" not in text


def test_withheld_results_leave_the_methods_readable(trial: ModuleType) -> None:
    results = trial.study_results()
    for found in results["analyses"].values():
        for key in [key for key in found if key not in ("kind", "warnings")]:
            found[key] = {"withheld": "minimum_at_risk 10"}
    text = text_of(trial, trial.study_plan(), results)

    assert "95% confidence intervals are pointwise." in text
    assert "{" not in text


def test_a_convergence_rule_of_r_is_said(trial: ModuleType) -> None:
    results = trial.study_results()
    results["analyses"]["cox_arm"]["convergence"] = "r"

    assert "Iterations stop by the default rule of R's coxph" in text_of(
        trial, trial.study_plan(), results
    )


def test_a_test_of_proportional_hazards_is_said(trial: ModuleType) -> None:
    results = trial.study_results()
    chi_square = {"statistic": 1.0, "df": 1, "p_value": 0.3}
    results["analyses"]["cox_arm"]["ph_test"] = {
        "transform": "km",
        "terms": {},
        "global_test": chi_square,
    }
    results["analyses"]["cox_arm"]["penalty"] = "firth"
    text = text_of(trial, trial.study_plan(), results)

    assert "Firth's penalty keeps the estimates of cox_arm finite." in text
    assert "the score test of Grambsch and Therneau (cox_arm)." in text


@pytest.mark.parametrize("withheld", [False, True])
@pytest.mark.parametrize(
    ("censoring", "of"), [("pooled", "all patients"), ("strata", "each stratum")]
)
def test_a_fine_gray_model_is_said_as_the_plan_has_it_also_if_it_is_withheld(
    trial: ModuleType, censoring: str, of: str, withheld: bool
) -> None:
    plan, results = trial.study_plan(), trial.study_results()
    found = plan.analysis("cox_arm")
    fitted = FineGraySpec.model_validate(
        {"id": "fg", "kind": "fine_gray", "endpoint": "EFS", "cause": "relapse"}
        | {"terms": [term.model_dump() for term in found.terms], "strata": ["study_group"]}
        | {"censoring": censoring}
    )
    own = {"kind": "fine_gray", "competing": 12, "censoring": censoring}
    shown = results["analyses"]["cox_arm"] | own
    held = {"kind": "fine_gray", "warnings": [], "n": {"withheld": "minimum_at_risk 10"}}
    results["analyses"]["fg"] = held if withheld else shown
    text = text_of(trial, plan.model_copy(update={"analyses": (*plan.analyses, fitted)}), results)

    assert (
        "The model fg is of the subdistribution hazard of relapse (Fine and Gray), stratified by study group, with the censoring "
        f"distribution of {of} and robust standard errors."
    ) in text


def test_the_version_of_a_checkout_that_is_not_installed_is_that_of_its_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(section, "version", absent)

    assert __version__ == server_version()


def test_the_version_of_an_installation_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(section, "version", {"riskset-server": "9.8.7"}.__getitem__)

    assert "9.8.7" == server_version()
