"""What is wrong with a file, in words: where, as the person who wrote it sees it, and the near name for an unknown one."""

from __future__ import annotations

from typing import Any

import pytest
from tests.common.study.infant_trial import codebook_yaml, plan_yaml

from riskset_common.errors import CodebookError, InputError, PlanError, did_you_mean
from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_common.formats.strict_yaml import validate
from riskset_common.planning.read import plan_of
from riskset_common.study.codebook import Codebook


def plan_problems(plan: dict[str, Any]) -> list[str]:
    with pytest.raises(PlanError) as refused:
        plan_of(plan, "plan.yaml")
    return str(refused.value).splitlines()


def codebook_problems(codebook: dict[str, Any]) -> list[str]:
    with pytest.raises(CodebookError) as refused:
        validate(Codebook, codebook, "codebook.yaml", CodebookError)
    return str(refused.value).splitlines()


def renamed(mapping: dict[str, Any], key: str, to: str) -> None:
    mapping[to] = mapping.pop(key)


def analysis(plan: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in plan["analyses"] if each["id"] == name)


@pytest.mark.parametrize(
    ("path", "key", "wrong", "where"),
    [
        ((), "title", "titel", "titel"),
        (("time",), "grid_days", "grid_day", "time.grid_day"),
        (("quorum",), "sites", "site", "quorum.site"),
        (("populations", "kmt2a_r"), "where", "were", "populations.kmt2a_r.were"),
        (("endpoints", "EFS"), "censor", "censored", "endpoints.EFS.censored"),
        (
            ("endpoints", "EFS", "first_of", "relapse"),
            "date",
            "dates",
            "endpoints.EFS.first_of.relapse.dates",
        ),
        (("disclosure",), "minimum_cell", "minimum_cel", "disclosure.minimum_cel"),
    ],
)
def test_an_unknown_key_is_placed_and_the_near_one_is_named(
    path: tuple[str, ...], key: str, wrong: str, where: str
) -> None:
    plan = plan_yaml()
    inside = plan
    for part in path:
        inside = inside[part]
    renamed(inside, key, wrong)

    assert f"plan.yaml: {where}: unknown key. Did you mean {key!r}?" in plan_problems(plan)


@pytest.mark.parametrize(
    ("name", "key", "wrong"),
    [
        ("dfs_arm", "endpoint", "endpont"),
        ("table1", "rows", "row"),
        ("cox_all", "terms", "term"),
        ("followup", "method", "methode"),
        ("events", "by", "bye"),
    ],
)
def test_an_analysis_is_placed_by_its_id_and_suggested_its_own_keys(
    name: str, key: str, wrong: str
) -> None:
    plan = plan_yaml()
    renamed(analysis(plan, name), key, wrong)
    said = f"plan.yaml: analyses.{name}.{wrong}: unknown key. Did you mean {key!r}?"

    assert said in plan_problems(plan)


def test_keys_of_other_kinds_are_not_suggested() -> None:
    plan = plan_yaml()
    analysis(plan, "followup")["strata"] = ["sex"]
    [problem] = plan_problems(plan)

    assert problem.startswith("plan.yaml: analyses.followup.strata: unknown key. Known: ")
    assert problem.endswith(
        "completeness, endpoint, id, kind, level, method, planned, population, primary, range, title, where."
    )


def test_a_key_within_a_term_is_placed_by_its_number() -> None:
    plan = plan_yaml()
    renamed(analysis(plan, "cox_all")["terms"][2], "reference", "referenc")

    assert [
        "plan.yaml: analyses.cox_all.terms.2.referenc: unknown key. Did you mean 'reference'?"
    ] == plan_problems(plan)


def test_an_analysis_without_an_id_is_placed_by_its_number() -> None:
    plan = plan_yaml()
    del plan["analyses"][1]["id"]

    assert "plan.yaml: analyses.1.id: this key is required and missing." in plan_problems(plan)


def test_a_variable_with_the_name_of_a_kind_is_no_trouble() -> None:
    codebook = codebook_yaml()
    codebook["variables"]["date"] = {"kind": "category", "label": "Day", "levls": {"a": "A"}}

    assert [
        "codebook.yaml: variables.date.levels: this key is required and missing.",
        "codebook.yaml: variables.date.levls: unknown key. Did you mean 'levels'?",
    ] == codebook_problems(codebook)


@pytest.mark.parametrize(
    ("section", "name", "key", "wrong", "near"),
    [
        ("variables", "age", "range", "rang", "range"),
        ("variables", "kmt2a", "levels", "level", "levels"),
        ("variables", "date_death", "label", "labell", "label"),
        ("derived", "age_6", "cut", "cuts", "cut"),
        ("derived", "cd10", "from", "form", "from"),
    ],
)
def test_the_codebook_names_the_near_key_of_the_kind(
    section: str, name: str, key: str, wrong: str, near: str
) -> None:
    codebook = codebook_yaml()
    renamed(codebook[section][name], key, wrong)
    said = f"codebook.yaml: {section}.{name}.{wrong}: unknown key. Did you mean {near!r}?"

    assert said in codebook_problems(codebook)


def test_a_kind_that_this_release_lacks_is_told_with_those_it_has() -> None:
    plan = plan_yaml()
    plan["analyses"].append({"id": "who", "kind": "guess", "endpoint": "EFS"})
    known = ", ".join(sorted(each.kind for each in ESTIMATORS))

    assert [
        f"plan.yaml: analyses.who: this release has no kind 'guess'. Known: {known}."
    ] == plan_problems(plan)


def test_an_analysis_or_a_variable_without_a_kind_is_told_so() -> None:
    plan, codebook = plan_yaml(), codebook_yaml()
    del analysis(plan, "efs")["kind"]
    del codebook["variables"]["sex"]["kind"]

    assert ["plan.yaml: analyses.efs: the key 'kind' is required and missing."] == plan_problems(
        plan
    )
    assert [
        "codebook.yaml: variables.sex: the key 'kind' is required and missing."
    ] == codebook_problems(codebook)


def test_the_member_of_a_union_that_was_tried_is_not_shown() -> None:
    plan = plan_yaml()
    plan["endpoints"]["ready"] = {
        "label": "Ready-made",
        "time": {"variable": "age"},
        "status": {"variable": "sex", "events": {"death": ["male"]}},
        "entry": {"variabel": "age"},
    }
    said = plan_problems(plan)

    assert (
        "plan.yaml: endpoints.ready.entry.variabel: unknown key. Did you mean 'variable'?" in said
    )
    assert not [line for line in said if "TimeColumn" in line or ".str" in line]


def test_every_problem_is_told_at_once() -> None:
    plan = plan_yaml()
    renamed(plan["time"], "unit", "unti")
    plan["conventions"] = "stata"
    analysis(plan, "efs")["at"] = ["six"]
    analysis(plan, "os")["level"] = 1.5
    analysis(plan, "cox_all")["terms"] = []
    plan["endpoints"]["OS"].pop("censor")

    assert [
        "plan.yaml: time.unit: this key is required and missing.",
        "plan.yaml: time.unti: unknown key. Did you mean 'unit'?",
        "plan.yaml: conventions: 'stata' may not stand here. Known: r, sas.",
        "plan.yaml: endpoints.OS: origin, first_of, censor belong together; censor is missing.",
        "plan.yaml: endpoints.OS_randomised: origin, first_of, censor belong together; censor is missing.",
        "plan.yaml: analyses.efs.at.0: a number was expected, and here stands 'six'. Write one such as 0.5.",
        "plan.yaml: analyses.os.level: a number smaller than 1 was expected, and here stands 1.5. Write a number smaller than 1.",
        "plan.yaml: analyses.cox_all.terms: at least 1 entry is needed, and here stands none. Write at least 1 entry.",
    ] == plan_problems(plan)


def test_a_file_that_is_wrong_as_a_whole_is_told_without_a_place() -> None:
    codebook = codebook_yaml()
    codebook["variables"]["site"] = codebook["variables"]["sex"]
    codebook["derived"]["sex"] = codebook["derived"]["age_6"]

    assert [
        "codebook.yaml: variables.site: built in (who holds the record), and cannot be defined again.",
        "codebook.yaml: derived.sex: a variable has this name too. Give one of them another.",
    ] == codebook_problems(codebook)


def test_the_error_is_of_the_class_that_the_file_asks_for() -> None:
    with pytest.raises(InputError) as refused:
        validate(Codebook, {}, "x", InputError)

    assert type(refused.value) is InputError


def test_what_each_form_of_a_setting_expected_is_one_line() -> None:
    plan = plan_yaml()
    analysis(plan, "efs")["at"] = 5
    analysis(plan, "dfs_arm")["by"] = 5
    plan["conventions"] = "SAS"
    plan["time"] = [1]

    assert [
        "plan.yaml: time: 'key: value' lines were expected, and here stands a list. Known keys: days_per_unit, grid_days, unit.",
        "plan.yaml: conventions: 'SAS' may not stand here. Did you mean 'sas'?",
        "plan.yaml: analyses.efs.at: a list was expected, and here stands 5. Write [5].",
        "plan.yaml: analyses.dfs_arm.by: a list was expected, and here stands 5. Write [5].",
    ] == plan_problems(plan)


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("PFS", ["DFS", "OS"], "Known: DFS, OS."),
        ("pfs", ["PFS", "DFS"], "Did you mean 'PFS'?"),
        ("SOS", ["OSS"], "Did you mean 'OSS'?"),
        ("visit2", ["visit1"], "Known: visit1."),
        ("kaplan-meier", ["kaplan_meier", "cox"], "Did you mean 'kaplan_meier'?"),
        ("logrank", ["log_rank"], "Did you mean 'log_rank'?"),
        ("weigth", ["weight", "height"], "Did you mean 'weight'?"),
    ],
)
def test_no_other_code_is_suggested_for_a_code(name: str, known: list[str], said: str) -> None:
    assert said == did_you_mean(name, known)


@pytest.mark.parametrize("cutoff", [20171231, 0, True, 5.5])
def test_a_number_is_no_date(cutoff: object) -> None:
    said = plan_problems(plan_yaml() | {"data_cutoff": cutoff})

    assert any("data_cutoff: a date was expected, and here stands" in line for line in said)


def test_true_is_no_number() -> None:
    plan = plan_yaml()
    plan["time"]["grid_days"] = True
    analysis(plan, "efs")["at"] = [1, True]

    assert [
        "plan.yaml: time: grid_days: a number was expected, and here stands true. Write one such as 5.",
        "plan.yaml: analyses.efs: at: a number was expected, and here stands true. Write one such as 5.",
    ] == plan_problems(plan)
