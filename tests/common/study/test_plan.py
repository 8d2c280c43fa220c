"""The plan: what it may say, copies written out, every field under its hash, and nothing in it that runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.study.infant_trial import WHOLE_PLAN, plan_yaml

import riskset_common
from riskset_common.errors import PlanError
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.formats.canonical_json import canonical_json, parse_canonical, sha256_hex
from riskset_common.planning.read import ReleasePlan, plan_of, read_plan
from riskset_common.study.plan import Plan


def plan(**changes: Any) -> Plan:
    return plan_of(plan_yaml() | changes, "plan.yaml")


def problems(changed: dict[str, Any]) -> list[str]:
    with pytest.raises(PlanError) as refused:
        plan_of(changed, "p")
    return str(refused.value).splitlines()


def endpoint(**fields: Any) -> dict[str, Any]:
    return plan_yaml() | {"endpoints": {"E": {"label": "E"} | fields}}


def test_the_whole_plan_of_the_trial_is_told_what_this_release_lacks() -> None:
    with pytest.raises(PlanError) as refused:
        read_plan(WHOLE_PLAN)
    known = "unknown key. Known: baseline_hazard, cause, convergence, endpoint, id, interaction, interaction_test, kind"

    assert [
        f"{WHOLE_PLAN}: {line}"
        for line in (
            f"analyses.cox_all.diagnostics: {known}",
            f"analyses.cox_kmt2a_r.diagnostics: {known}",
            "displays.8.subgroups: unknown key. Known: as, at_risk, columns, every",
        )
    ] == [
        line.partition(", level,")[0].partition(", figure,")[0]
        for line in str(refused.value).splitlines()
    ]


def test_the_part_that_this_release_answers_loads_with_its_displays() -> None:
    found = plan()

    assert 17 == len(found.analyses)
    assert ("efs", "os") == next(each.of for each in found.displays if each.figure == "Fig 2A")
    assert ("resistance", "relapse") == found.endpoints["EFS"].events[1:3]
    assert "dfs_arm" == next(each.id for each in found.analyses if each.primary)
    assert (6.0,) == found.analysis("efs").model_dump()["at"]
    assert 365.25 == float(found.time.days_in("years"))


def test_a_copy_of_an_endpoint_differs_in_what_it_says_itself() -> None:
    found = plan().endpoints

    assert "date_randomised" == found["OS_randomised"].origin
    assert found["OS"].first_of == found["OS_randomised"].first_of
    assert "Overall survival from random assignment" == found["OS_randomised"].label


def test_a_copy_of_an_analysis_has_its_own_id() -> None:
    written = plan_yaml()
    written["analyses"].append({"id": "again", "copy": "cox_all", "population": "kmt2a_r"})
    found = plan_of(written, "p")
    original, copied = found.analysis("cox_all"), found.analysis("again")

    assert "kmt2a_r" == copied.population
    assert original == copied.model_copy(update={"id": "cox_all", "population": None})


def test_a_plan_with_copies_is_the_plan_with_the_copies_written_out() -> None:
    written = plan_yaml()
    written["endpoints"]["OS_randomised"] = written["endpoints"]["OS"] | {
        "label": "Overall survival from random assignment",
        "origin": "date_randomised",
    }

    assert sha256_hex(plan()) == sha256_hex(plan_of(written, "p"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"id": "x", "copy": "cox_al"},
            "p: analyses.x: copy names 'cox_al', which is not there. Did you mean 'cox_all'?",
        ),
        ({"id": "x", "copy": "x"}, "p: analyses.x: copy names 'x', which is a copy itself."),
        (
            {"id": "x", "copy": ["efs"]},
            "p: analyses.x: copy names \"['efs']\", which is not there.",
        ),
    ],
)
def test_a_copy_of_nothing_and_of_a_copy_is_refused(entry: dict[str, Any], message: str) -> None:
    written = plan_yaml()
    written["analyses"].append(entry)

    assert problems(written)[0].startswith(message)


def test_a_copy_of_an_endpoint_that_is_not_there_names_the_near_one() -> None:
    assert ["p: endpoints.X: copy names 'OSS', which is not there. Did you mean 'OS'?"] == problems(
        plan_yaml() | {"endpoints": {"OS": {}, "X": {"copy": "OSS"}}}
    )


@pytest.mark.parametrize(
    "shape",
    [
        {"analyses": "all"},
        {"analyses": ["efs"]},
        {"endpoints": ["OS"]},
        {"analyses": [{"id": ["a"], "kind": "cox"}]},
    ],
)
def test_other_shapes_than_a_plan_s_are_refused_in_words(shape: dict[str, Any]) -> None:
    assert problems(plan_yaml() | shape)


READY = {"time": {"variable": "t"}, "status": {"variable": "s", "events": {"death": ["2"]}}}
DATED = {"origin": "d", "first_of": {"death": {"date": "x"}}, "censor": "l"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "endpoints.E: give either origin, first_of and censor"),
        (READY | DATED, "endpoints.E: give either origin, first_of and censor"),
        (
            {"origin": "d"},
            "endpoints.E: origin, first_of, censor belong together; first_of, censor is missing.",
        ),
        (
            {"time": {"variable": "t"}},
            "endpoints.E: time, status belong together; status is missing.",
        ),
        (
            READY | {"censored_at": "d"},
            "endpoints.E: censored_at names dates, and goes with origin, first_of and censor only.",
        ),
        (READY | {"entry": "d"}, "endpoints.E: entry is the name of a date variable beside origin"),
        (DATED | {"entry": {"variable": "t"}}, "endpoints.E: entry is the name of a date variable"),
        (DATED | {"first_of": {}}, "endpoints.E.first_of: at least 1 entry is needed"),
        (
            DATED | {"first_of": {"a": {"date": "x", "before": "y", "after": "z"}}},
            "endpoints.E.first_of.a: give before or after, not both.",
        ),
        (
            READY | {"status": {"variable": "s", "events": {"a": ["1"], "b": [1]}}},
            "endpoints.E: status.events: a level stands under two events.",
        ),
        (
            READY | {"status": {"variable": "s", "events": {}}},
            "endpoints.E.status.events: at least 1 entry is needed",
        ),
        (
            READY | {"time": {"variable": "t", "unit": "hours"}},
            "endpoints.E.time.unit: 'hours' may not stand here.",
        ),
    ],
)
def test_an_endpoint_is_told_in_one_whole_way(fields: dict[str, Any], message: str) -> None:
    assert [f"p: {message}"] == [line[: len(message) + 3] for line in problems(endpoint(**fields))]


@pytest.mark.parametrize(
    "fields", [READY, DATED, READY | {"entry": {"variable": "e"}}, DATED | {"entry": "e"}]
)
def test_an_endpoint_from_dates_or_from_columns_is_read(fields: dict[str, Any]) -> None:
    assert ("death",) == plan_of(endpoint(**fields), "p").endpoints["E"].events


def test_an_event_may_be_one_level_or_many() -> None:
    events = {"a": "1", "b": [2, "3"]}
    found = plan_of(endpoint(**READY | {"status": {"variable": "s", "events": events}}), "p")
    status = found.endpoints["E"].status

    assert status is not None
    assert {"a": ["1"], "b": ["2", "3"]} == status.events


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "1.0"}, "version: '1.0' is no version of a plan"),
        ({"version": 1.0}, "version: '1.0' is no version of a plan"),
        ({"codebook": "interfant-06"}, "codebook: 'interfant-06' names no codebook in one version"),
        ({"analyses": []}, "analyses: at least 1 entry is needed"),
        (
            {"quorum": {"sites": 19, "of": 18}},
            "quorum: a quorum of 19 of 18 sites can never be met.",
        ),
        (
            {"quorum": {"sites": 0, "of": 18}},
            "quorum.sites: a number of at least 1 was expected",
        ),
        (
            {"time": {"unit": "days", "grid_days": 0}},
            "time.grid_days: a number of at least 0.000001 was expected",
        ),
        (
            {"time": {"unit": "years", "days_per_unit": 0}},
            "time.days_per_unit: a number greater than 0 was expected",
        ),
        (
            {"time": {"unit": "days", "days_per_unit": 2}},
            "time: days_per_unit is 2, but days have 1.",
        ),
        (
            {"time": {"unit": "weeks", "days_per_unit": 5}},
            "time: days_per_unit is 5, but weeks have 7.",
        ),
        (
            {"disclosure": {"aggregation": "open"}},
            "disclosure.aggregation: 'open' may not stand here. Known: secure.",
        ),
        (
            {"disclosure": {"minimum_cell": 0}},
            "disclosure.minimum_cell: a number of at least 1 was expected",
        ),
        ({"displays": [{"of": "efs"}]}, "displays.0: a display is either a table or a figure."),
        (
            {"displays": [{"of": "efs", "table": "1", "figure": "1"}]},
            "displays.0: a display is either",
        ),
        (
            {"displays": [{"of": "efs", "table": "1", "until": 0}]},
            "displays.0.until: a number greater than 0 was expected",
        ),
        (
            {"displays": [{"of": "efss", "table": "T 1"}]},
            "display 'T 1' shows 'efss', which is no analysis. Did you mean 'efs'?",
        ),
        ({"data_cutoff": "soon"}, "data_cutoff: a date was expected"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    assert [f"p: {message}"] == [
        line[: len(message) + 3] for line in problems(plan_yaml() | changes)
    ]


def test_two_analyses_of_one_id_and_displays_of_none_are_told_together() -> None:
    written = plan_yaml()
    written["analyses"].append(written["analyses"][0])
    written["displays"] = [{"table": "T", "of": ["nothing", "efss"]}]
    said = problems(written)

    assert "p: 2 analyses have the id 'followup'. Give each its own." == said[0]
    assert "p: display 'T' shows 'nothing', which is no analysis." == said[1].partition(" Known")[0]
    assert said[2].endswith("Did you mean 'efs'?")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"kind": "cox", "terms": [{"factor": "a", "number": "b"}]},
            "analyses.x.terms.0: a term is one of",
        ),
        ({"kind": "cox", "terms": [{}]}, "analyses.x.terms.0: a term is one of"),
        (
            {"kind": "cox", "terms": [{"number": "a", "reference": "b"}]},
            "analyses.x.terms.0: number a has no reference level.",
        ),
        (
            {"kind": "cox", "terms": [{"exposure": "a", "reference": "exposed"}]},
            "analyses.x.terms.0: exposure a is compared with 'not exposed' always. Leave reference out.",
        ),
        (
            {"kind": "cox", "terms": [{"number": "a"}], "interaction": ["a", "b", "c"]},
            "analyses.x.interaction.0: at most 2 entries are needed",
        ),
        (
            {"kind": "cox", "terms": [{"number": "a"}], "max_iterations": 0},
            "analyses.x.max_iterations: a number of at least 1 was expected",
        ),
        (
            {"kind": "kaplan_meier", "test": "wilcoxon"},
            "analyses.x.test: 'wilcoxon' may not stand here. Known: gehan, log_rank",
        ),
        (
            {"kind": "kaplan_meier", "test": {"log_rank": {"rho": -1}}},
            "analyses.x.test.log_rank.rho: a number of at least 0 was expected",
        ),
        (
            {"kind": "kaplan_meier", "test": {"trend": "logrank"}},
            "analyses.x.test.trend: 'logrank' may not stand here. Did you mean 'log_rank'?",
        ),
        (
            {"kind": "kaplan_meier", "test": {"logrank": {}}},
            "analyses.x.test: one of log_rank, gehan, tarone_ware, peto",
        ),
        (
            {"kind": "kaplan_meier", "rmean": -1},
            "analyses.x.rmean: a number greater than 0 was expected",
        ),
        ({"kind": "kaplan_meier", "id": "a b"}, "analyses.a b.id: 'a b' is no name of an analysis"),
        (
            {"kind": "kaplan_meier", "where": {"sex": "male"}},
            "analyses.x.where.sex: a list was expected",
        ),
    ],
)
def test_an_analysis_that_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    written = plan_yaml() | {"displays": []}
    written["analyses"].append({"id": "x", "endpoint": "OS"} | fields)

    assert [f"p: {message}"] == [line[: len(message) + 3] for line in problems(written)]


def test_interactions_may_be_one_pair_or_many() -> None:
    written = plan_yaml()
    cox = {"kind": "cox", "endpoint": "OS", "terms": [{"factor": "sex"}, {"number": "age"}]}
    written["analyses"] += [
        cox | {"id": "one", "interaction": ["sex", "age"]},
        cox | {"id": "many", "interaction": [["sex", "age"]]},
    ]
    found = plan_of(written, "p")

    assert [(("sex", "age"),)] * 2 == [
        spec.interaction
        for spec in found.analyses
        if isinstance(spec, CoxSpec) and spec.interaction and spec.id in {"one", "many"}
    ]


names = st.text("abcdefgh", min_size=1, max_size=6)
plans = st.builds(
    lambda events, states, at, by, where: plan(
        endpoints={
            "D": {
                "label": "D",
                "origin": "d",
                "first_of": {name: {"date": name} for name in events},
                "censor": "l",
            },
            "R": {
                "label": "R",
                "time": {"variable": "t"},
                "status": {"variable": "s", "events": states},
            },
        },
        analyses=[
            {
                "id": "km",
                "kind": "kaplan_meier",
                "endpoint": "D",
                "by": by,
                "at": at,
                "where": where,
            }
        ],
        displays=[],
    ),
    events=st.lists(names, min_size=1, max_size=5, unique=True),
    states=st.lists(names, min_size=1, max_size=5, unique=True).map(
        lambda found: {name: [name] for name in found}
    ),
    at=st.lists(st.floats(0, 1e9)),
    by=st.lists(names),
    where=st.dictionaries(names, st.lists(names, min_size=1), max_size=3),
)


@given(plans)
def test_a_plan_comes_through_canonical_json_with_its_orders(found: Plan) -> None:
    text = canonical_json(found)
    back = ReleasePlan.model_validate(parse_canonical(text))

    assert found == back == ReleasePlan.model_validate_json(text)
    assert text == canonical_json(back)
    assert [each.events for each in found.endpoints.values()] == [
        back.endpoints[name].events for name in found.endpoints
    ]
    assert found.analyses[0].model_dump() == back.analyses[0].model_dump()


def test_the_plan_of_the_trial_comes_through_canonical_json() -> None:
    text = canonical_json(plan())

    assert plan() == ReleasePlan.model_validate(parse_canonical(text))
    assert text == canonical_json(ReleasePlan.model_validate(parse_canonical(text)))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path


OTHERWISE = {
    "unit": "months", "conventions": "r", "kind": None, "aggregation": None, "release": "exact", "planned": "post_hoc",
    "method": None, "se": None, "missing": None, "style": None, "test": None, "ties": "breslow", "convergence": "r",
    "ci": "plain", "version": "9.9.9", "codebook": "other@1", "data_cutoff": "2001-01-01", "of": None, "id": None,
    "as": "curve", "entry": "date_death", "time": None, "status": None, "quantiles": 0.75, "level": 0.5,
}  # fmt: skip
"""Another value for the fields that admit few; None where there is no other that leaves a plan."""


def other(value: Any, field: str) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    return {"where": {"sex": ["male"]}, "registered": {"a": "b"}}.get(
        field, ["sex"] if value == [] else "x"
    )


def test_a_change_of_any_field_is_another_hash() -> None:
    one_of_each = {"followup", "table1", "events", "dfs_arm", "cox_all"}
    some = plan(
        analyses=[each for each in plan_yaml()["analyses"] if each["id"] in one_of_each],
        displays=[{"figure": "Fig 1", "of": "dfs_arm", "until": 8, "at_risk": ["events"]}],
    )
    known = sha256_hex(some)
    changed = 0
    for path in leaves(parse_canonical(canonical_json(some))):
        again: Any = parse_canonical(canonical_json(some))
        *inside, last = path
        here = again
        for part in inside:
            here = here[part]
        field = next(part for part in reversed(path) if isinstance(part, str))
        before = here[last]
        here[last] = OTHERWISE[field] if field in OTHERWISE else other(before, field)
        if here[last] in (None, before):
            continue
        try:
            found = ReleasePlan.model_validate(again)
        except ValueError:
            continue  # two fields that belong together
        changed += 1

        assert known != sha256_hex(found), path
    assert changed > 150


def test_a_key_that_is_left_out_or_written_with_its_default_does_not_travel() -> None:
    written = plan_yaml()
    name = next(iter(written["endpoints"]))
    without = canonical_json(plan_of(written, "p"))
    cut = {**written["endpoints"], name: written["endpoints"][name] | {"horizon": 4}}
    with_default = plan_of(written | {"censor_at_cutoff": False}, "p")

    assert not [key for key in (b'"horizon":', b'"censor_at_cutoff":') if key in without]
    assert sha256_hex(with_default) == sha256_hex(plan_of(written, "p"))
    assert b'"horizon":4' in canonical_json(plan_of(written | {"endpoints": cut}, "p"))
    assert b'"censor_at_cutoff":true' in canonical_json(
        plan_of(written | {"censor_at_cutoff": True, "data_cutoff": "2020-01-01"}, "p")
    )


@pytest.mark.parametrize(
    "text", ["__import__('os').system('ls')", "{{ 7 * 7 }}", "${HOME}", "!!python/name:os"]
)
def test_text_that_looks_like_code_stays_text(text: str) -> None:
    written = plan_yaml() | {"title": text, "purpose": text, "registered": {text: text}}
    written["populations"] = {text: {"label": text, "where": {text: [text]}}}
    found = plan_of(written, "p")

    assert text == found.title == found.purpose == found.registered[text]
    assert {text: [text]} == found.populations[text].where


def test_no_module_of_the_shared_package_runs_text() -> None:
    forbidden = {
        "eval",
        "exec",
        "compile",
        "__import__",
        "import_module",
        "pickle",
        "marshal",
        "shelve",
    }
    package = Path(riskset_common.__file__).parent
    used = {
        (path.name, name)
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _names(node)
        if name in forbidden
    }

    assert set() == used


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    if isinstance(node, ast.Attribute):
        yield node.attr
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.name for alias in node.names)
