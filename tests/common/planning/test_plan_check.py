"""Does a plan fit its codebook: every name, kind of variable and level, with the near name, all at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.common.study.infant_trial import codebook_yaml, plan_yaml, study

from riskset_common.errors import PlanError
from riskset_common.planning.check import check_plan, variables_read
from riskset_common.study.study import Site


def problems(changed: dict[str, Any]) -> list[str]:
    with pytest.raises(PlanError) as refused:
        check_plan(study(changed), "p")
    return str(refused.value).splitlines()


def with_analysis(**fields: Any) -> dict[str, Any]:
    return plan_yaml() | {"analyses": [{"id": "x"} | fields], "displays": []}


def curve(**fields: Any) -> dict[str, Any]:
    return with_analysis(kind="kaplan_meier", **{"endpoint": "OS"} | fields)


def cox(**fields: Any) -> dict[str, Any]:
    asked = {"endpoint": "OS", "terms": [{"factor": "sex", "reference": "male"}], "strata": "site"}
    return with_analysis(kind="cox", **asked | fields)


def test_the_plan_of_the_trial_fits_its_codebook() -> None:
    check_plan(study())


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (curve(endpoint="OSS"), "endpoint 'OSS' is not defined. Did you mean 'OS'?"),
        (curve(population="randomized"), "population 'randomized' is not defined. Did you mean 'randomised'?"),
        (curve(by="armm"), "'armm' is not in the codebook. Did you mean 'arm'?"),
        (curve(by="age"), "'age' is a number, but a category is needed here. Cut it into levels"),
        (curve(by="date_death"), "'date_death' is a date, but a category is needed here. Known:"),
        (curve(where={"armm": ["IB"]}), "'armm' is not in the codebook. Did you mean 'arm'?"),
        (curve(where={"arm": ["IBB"]}), "where: 'IBB' is not a level of arm. Did you mean 'IB'?"),
        (curve(where={"age_6": ["<6"]}), "where: '<6' is not a level of age_6. Did you mean '< 6'?"),
        (curve(by="arm", strata="riskgroup", test="log_rank"), "'riskgroup' is not in the codebook. Did you mean 'risk_group'?"),
        (curve(test="log_rank"), "test compares groups, but `by` is missing."),
        (curve(by="arm", strata="sex"), "strata act on the test only, but `test` is missing."),
        (curve(by=["sex", "sex"]), "by and strata: sex stands there 2 times. Name it once."),
        (curve(by="sex", strata="sex", test="log_rank"), "by and strata: sex stands there 2 times."),
        (curve(at=[6, -1]), "at holds a negative time: [6.0, -1.0]."),
        (curve(quantiles=[1]), "quantiles lie between 0 and 1; found [1.0]."),
        (
            cox(terms=[{"exposure": "date_remission", "where": {"date_remission.day": ["known"]}}]),
            "exposure date_remission: date_remission.day says how well a day is known, and not whether something happened",
        ),
        (cox(terms=[{"factor": "age", "reference": "x"}]), "'age' is a number, but a category is needed here."),
        (cox(terms=[{"number": "sex"}]), "'sex' is a category, but a number is needed here. Known: age, wbc."),
        (cox(terms=[{"number": "age_6"}]), "'age_6' is a category, but a number is needed here."),
        (cox(terms=[{"number": "agee"}]), "'agee' is not in the codebook. Did you mean 'age'?"),
        (cox(terms=[{"factor": "sex", "reference": "mal"}]), "reference 'mal' is not a level of sex. Did you mean 'male'?"),
        (cox(terms=[{"factor": "sex"}]), "factor sex names no reference level. Under conventions: sas write one"),
        (cox(terms=[{"factor": "sex", "reference": "male"}] * 2), "terms: sex stands there 2 times. Name it once."),
        (cox(interaction=["sex", "age"]), "interaction sex:age needs age among the terms as well."),
        (cox(interaction=["sex", "sex"]), "interaction sex:sex needs two different terms."),
        (
            cox(terms=[{"factor": "sex", "reference": "male"}, {"number": "age"}], interaction=[["sex", "age"], ["age", "sex"]]),
            "interaction: age:sex stands there 2 times. Name it once.",
        ),
        (cox(strata=["site", "site"]), "strata: site stands there 2 times. Name it once."),
        (with_analysis(kind="baseline", rows=["sexx"]), "'sexx' is not in the codebook. Did you mean 'sex'?"),
        (with_analysis(kind="baseline", rows=["sex", "age"]), "'age' is a number, but a category is needed here."),
        (with_analysis(kind="baseline", rows=["sex"], test="chi_square"), "test compares groups, but `by` is missing."),
        (with_analysis(kind="baseline", by="sex", rows=["sex"]), "by and rows: sex stands there 2 times."),
        (with_analysis(kind="event_table", endpoint="EFFS"), "endpoint 'EFFS' is not defined. Did you mean 'EFS'?"),
        (with_analysis(kind="event_table", endpoint="EFS", by=["sex", "sex"]), "by: sex stands there 2 times."),
        (with_analysis(kind="follow_up", endpoint="OSS"), "endpoint 'OSS' is not defined."),
    ],
)  # fmt: skip
def test_an_analysis_that_does_not_fit_is_told_by_its_id(
    plan: dict[str, Any], message: str
) -> None:
    said = f"p: analysis x: {message}"

    assert [said] == [line[: len(said)] for line in problems(plan)]


@pytest.mark.parametrize("strata", [[], ["sex"]])
def test_a_cox_model_whose_risk_sets_cross_sites_fits_where_a_committee_can_compute_it(
    strata: list[str],
) -> None:
    check_plan(study(cox(strata=strata)))


def test_a_number_without_a_range_and_robust_variances_are_no_part_of_a_blind_model() -> None:
    codebook = codebook_yaml()
    del codebook["variables"]["wbc"]["range"]
    plan = cox(strata=[], terms=[{"number": "wbc"}], robust="site")
    plan |= {"disclosure": {"release": "exact"}}
    with pytest.raises(PlanError) as refused:
        check_plan(study(plan, codebook), "p")
    number, robust = str(refused.value).splitlines()

    assert number.startswith("p: analysis x: number wbc has no range in the codebook.")
    assert number.endswith("(range: [0, 110]), or write strata: [site].")
    assert robust.startswith("p: analysis x: robust: site needs each site's own score")


@pytest.mark.parametrize(
    ("blind", "n_sites", "message"),
    [
        ({}, 2, "p: x: secure.blind: 3 sites compute on shares, and 2 take part (s0, s1)."),
        ({"size": 5}, 4, "p: x: secure.blind: 5 sites compute"),
        ({"candidates": ["s0", "s1", "s9"]}, 5, "p: x: secure.blind.candidates: of s0, s1, s9 only s0, s1 is among the sites"),
    ],
)  # fmt: skip
def test_a_blind_model_without_a_committee_is_refused(
    blind: dict[str, Any], n_sites: int, message: str
) -> None:
    asked = study(cox(strata=[]) | {"secure": {"blind": blind}, "disclosure": {"release": "exact"}})
    sites = tuple(Site(f"s{number}", f"group {number % 2}") for number in range(n_sites))
    with pytest.raises(PlanError) as refused:
        check_plan(replace(asked, sites=sites), "p")

    assert message == str(refused.value)[: len(message)]


@pytest.mark.parametrize(
    ("blind", "said"),
    [
        ({"candidates": ["a", "b"]}, "candidates: 2 are named, and 3 sites serve"),
        ({"candidates": ["a", "b", "c", "d"], "size": 5}, "candidates: 4 are named, and 5 sites serve"),
        ({"candidates": ["a", "b", "b"]}, "candidates: each site is named once"),
        ({"candidates": ["a", "b", "c"], "threshold": 2}, "two of three members would learn everything: write size: 5"),
        ({"size": 4}, "secure.blind.size"),
        ({"committee": ["a", "b", "c"]}, "secure.blind.committee: is a setting no longer.* Write candidates"),
    ],
)  # fmt: skip
def test_a_committee_that_could_not_hide_anything_is_refused(
    blind: dict[str, Any], said: str
) -> None:
    with pytest.raises(PlanError, match=said):
        study(cox(strata=[]) | {"secure": {"blind": blind}})


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ({"origin": "date_diagnosi"}, "'date_diagnosi' is not in the codebook. Did you mean 'date_diagnosis'?"),
        ({"origin": "age"}, "'age' is a number, but a date is needed here."),
        ({"censor": "sex"}, "'sex' is a category, but a date is needed here."),
        ({"entry": "date_entry"}, "'date_entry' is not in the codebook."),
        ({"first_of": {"death": {"date": "date_deth"}}}, "'date_deth' is not in the codebook. Did you mean 'date_death'?"),
        ({"first_of": {"death": {"date": "date_death", "after": "remission"}}}, "'remission' is a category, but a date is needed here."),
        (
            {"first_of": {"death": {"date": "date_death", "where": {"remission": ["yess"]}}}},
            "first_of.death: where: 'yess' is not a level of remission. Did you mean 'yes'?",
        ),
        (
            {"first_of": {"death": {"date": "date_death", "where": {"date_death.day": ["known"]}}}},
            "first_of.death: date_death.day says how well a day is known, and not whether something happened",
        ),
    ],
)  # fmt: skip
def test_an_endpoint_from_dates_that_does_not_fit_is_told(
    endpoint: dict[str, Any], message: str
) -> None:
    plan = plan_yaml()
    plan["endpoints"]["OS"] |= endpoint
    plan["endpoints"].pop("OS_randomised")
    plan["analyses"] = [each for each in plan["analyses"] if each["id"] != "os_arm"]
    said = f"p: endpoints.OS: {message}"

    assert [said] == [line[: len(said)] for line in problems(plan)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"time": {"variable": "sex"}}, "'sex' is a category, but a number is needed here."),
        ({"entry": {"variable": "tim"}}, "'tim' is not in the codebook."),
        ({"status": {"variable": "age", "events": {"d": ["1"]}}}, "'age' is a number, but a category is needed here."),
        ({"status": {"variable": "sex", "events": {"d": ["men"]}}}, "status.events: 'men' is not a level of sex."),
    ],
)  # fmt: skip
def test_an_endpoint_from_columns_that_does_not_fit_is_told(
    fields: dict[str, Any], message: str
) -> None:
    ready = {
        "label": "R",
        "time": {"variable": "age"},
        "status": {"variable": "sex", "events": {"d": ["male"]}},
    }
    plan = plan_yaml()
    plan["endpoints"]["R"] = ready | fields
    said = f"p: endpoints.R: {message}"

    assert [said] == [line[: len(said)] for line in problems(plan)]


def test_a_population_that_does_not_fit_is_told() -> None:
    plan = plan_yaml()
    plan["populations"]["odd"] = {"label": "Odd", "where": {"arm": ["A"], "sexx": ["1"]}}

    assert [
        "p: populations.odd: where: 'A' is not a level of arm. Known: ADE_MAE, IB.",
        "p: populations.odd: 'sexx' is not in the codebook. Did you mean 'sex'?",
    ] == problems(plan)


def test_another_codebook_than_the_plan_names_is_refused() -> None:
    [said] = problems(plan_yaml() | {"codebook": "interfant-06@2"})

    assert said.startswith(
        "p: codebook is 'interfant-06@2', but the codebook file is 'interfant-06@3'."
    )


def test_all_problems_of_all_parts_are_told_at_once() -> None:
    plan = plan_yaml()
    plan["populations"]["randomised"]["where"] = {"arm": ["A"]}
    plan["endpoints"]["EFS"]["origin"] = "age"
    plan["analyses"][0]["endpoint"] = "PFS"
    next(each for each in plan["analyses"] if each["id"] == "table1")["rows"] = ["sexx", "kmt2"]

    assert [
        "populations",
        "endpoints",
        "analysis followup",
        "analysis table1",
        "analysis table1",
    ] == [line.split(": ")[1].split(".")[0] for line in problems(plan)]


def test_what_a_plan_reads_is_what_its_analyses_stand_on() -> None:
    read = variables_read(
        study(
            with_analysis(
                kind="kaplan_meier",
                endpoint="EFS",
                by=["age_6", "region"],
                population="kmt2a_r",
                strata="sex",
                test="log_rank",
            )
        )
    )

    # Those of the endpoint with its conditions, the sources of age_6 and kmt2a_rearranged, and sex; region comes from study_group.
    assert {
        *("date_diagnosis", "date_death", "date_remission", "date_end_induction", "date_relapse"),
        *("date_smn", "date_last_contact", "remission", "age", "kmt2a", "sex"),
    } == read


def test_variables_that_no_analysis_uses_are_not_read() -> None:
    read = variables_read(
        study(with_analysis(kind="baseline", rows=["sex"], where={"arm": ["IB"]}))
    )

    assert {"sex", "arm"} == read


def test_ready_made_columns_are_read() -> None:
    plan = with_analysis(kind="follow_up", endpoint="R")
    plan["endpoints"]["R"] = {
        "label": "R",
        "time": {"variable": "age"},
        "entry": {"variable": "wbc"},
        "status": {"variable": "sex", "events": {"d": ["male"]}},
    }

    assert {"age", "wbc", "sex"} == variables_read(study(plan))
