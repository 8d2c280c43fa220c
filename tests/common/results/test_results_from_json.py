"""results.json reads back into the types of results; what these do not name is refused, with its place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from tests.common.estimators.analyses import ALL
from tests.common.estimators.cohorts import random_cohort
from tests.common.estimators.pooling import result_of

from riskset_common.errors import EstimationError, InputError
from riskset_common.estimators.read_back import analysis_from_json, results_from_json
from riskset_common.results.as_json import as_json
from riskset_common.results.curves import Estimate, NumbersAtRisk, RestrictedMean
from riskset_common.results.flow import FlowBox, FlowResult
from riskset_common.results.from_json import from_json
from riskset_common.results.incidence import CauseIncidence, KnownIncidence
from riskset_common.results.shown import Reason, Withheld, WithheldAnalysis, exact
from riskset_common.results.tables import BaselineResult
from riskset_common.results.tests import ExactTest, LogRankResult, NamedTest

RULE = {"withheld": "minimum_cell 5"}
FLOW: dict[str, Any] = {
    "kind": "flow",
    "n": 7,
    "missing": 0,
    "steps": ["arm"],
    "boxes": [
        {"depth": 0, "step": None, "level": None, "path": {}, "n": 7, "percent": 100.0},
        {"depth": 1, "step": "arm", "level": None, "path": {"arm": None}, "n": RULE}
        | {"percent": RULE},
    ],
    "warnings": [],
}
LOG_RANK: dict[str, Any] = {
    "statistic": 1.5,
    "df": 1,
    "p_value": 0.2,
    "name": "log-rank",
    "strata": ["site"],
    "observed": RULE,
    "expected": [1.5, 2.5],
    "covariance": [[1.0, -1.0], [-1.0, 1.0]],
}


def flow_with(**changes: Any) -> dict[str, Any]:
    return FLOW | changes


def test_a_result_has_the_types_of_its_kind() -> None:
    read = analysis_from_json(FLOW)

    assert isinstance(read, FlowResult)
    assert FlowBox(0, None, None, {}, 7, 100.0) == read.boxes[0]
    assert Withheld("minimum_cell 5") == read.boxes[1].n
    assert FLOW == as_json(read)


def test_null_is_nan_where_a_real_is_wanted() -> None:
    read = from_json(Estimate, {"estimate": None, "lower": 1.0, "upper": RULE})

    assert math.isnan(exact(read.estimate))
    assert {"estimate": None, "lower": 1.0, "upper": RULE} == as_json(read)


def test_what_was_not_asked_is_none_and_left_out_again() -> None:
    read = from_json(LogRankResult, LOG_RANK)

    assert read.scores is None
    assert LOG_RANK == as_json(read)
    assert (1, 2) == from_json(LogRankResult, LOG_RANK | {"scores": [1, 2]}).scores


def test_a_whole_time_of_an_axis_stays_without_a_point() -> None:
    written = {"time": [1, 2.5], "at_risk": [10, RULE]}

    assert repr(written["time"]) == repr(as_json(from_json(NumbersAtRisk, written))["time"])


def test_a_test_without_a_statistic_is_an_exact_one() -> None:
    table = {
        "kind": "baseline",
        "n": 0,
        "missing": 0,
        "by": None,
        "columns": [],
        "column_n": [],
        "rows": [],
        "numbers": [],
        "missing_values": {},
        "warnings": [],
        "tests": {
            "sex": {"statistic": None, "df": 1, "p_value": None, "name": "chi-square"},
            "arm": {"p_value": 0.5, "name": "Fisher's exact", "statistic": None, "df": None},
            "age": RULE,
        },
    }
    read = from_json(BaselineResult, table)

    assert [NamedTest, ExactTest, Withheld] == [type(test) for test in read.tests.values()]
    assert table == as_json(read)


def test_an_analysis_of_which_nothing_is_shown_keeps_its_kind_and_its_rules() -> None:
    written = {"kind": "cox", "warnings": [], "n": {"withheld": "a"}, "terms": {"withheld": "b"}}
    read = analysis_from_json(written)

    assert WithheldAnalysis("cox", {"n": Withheld("a"), "terms": Withheld("b")}) == read
    assert list(written) == list(as_json(read))
    assert written == as_json(read)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (flow_with(more=1), "a: more is unknown"),
        ({key: item for key, item in FLOW.items() if key != "steps"}, "a: steps is missing"),
        (flow_with(n=7.0), r"a\.n: 7\.0 does not belong there"),
        (flow_with(n=True), r"a\.n: True does not belong there"),
        (flow_with(n=None), r"a\.n: None does not belong there"),
        (flow_with(steps=RULE), r"a\.steps: \{'withheld'.* does not belong there"),
        (flow_with(n=RULE | {"reason": "dull"}), r"a\.n\.reason: 'dull' does not belong there"),
        (flow_with(n=RULE | {"why": "small"}), r"a\.n: \{'withheld'.* does not belong there"),
        (flow_with(steps="arm"), r"a\.steps: 'arm' does not belong there"),
        (flow_with(steps=[1]), r"a\.steps\[0\]: 1 does not belong there"),
        (
            flow_with(boxes=[FLOW["boxes"][0] | {"path": {"arm": 1}}]),
            r"a\.boxes\[0\]\.path\.arm: 1",
        ),
        ({"kind": "flow", "warnings": []}, "a: n, missing, steps, boxes is missing"),
        ({"kind": "river", "warnings": [], "n": RULE}, "a: .* does not belong there"),
        (flow_with(kind="river"), "a: .* does not belong there"),
        ([], r"a: \[\] does not belong there"),
    ],
)
def test_what_has_no_place_in_a_result_is_refused(written: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        analysis_from_json(written, "a")


def test_a_whole_number_is_no_real() -> None:
    with pytest.raises(InputError, match=r"results\.tau: 5 does not belong there"):
        from_json(RestrictedMean, {"tau": 5, "estimate": 1.0, "std_err": 1.0})


@pytest.mark.parametrize("reason", ["small", "protects"])
def test_a_mark_keeps_its_reason(reason: Reason) -> None:
    written = flow_with(n={"withheld": "minimum_cell 5", "reason": reason})
    read = analysis_from_json(written)

    assert Withheld("minimum_cell 5", reason) == read.n
    assert written == as_json(read)


def test_a_released_curve_is_known_by_its_fields() -> None:
    written: dict[str, Any] = {
        "events": 9,
        "at": [],
        "curve": {
            "time": [0.5, 1.0],
            "at_risk": [20, RULE],
            "events_to": [5, RULE],
            "incidence": [0.2, RULE],
            "std_err": [0.05, RULE],
            "lower": [0.1, RULE],
            "upper": [0.3, RULE],
            "end": None,
        },
    }
    read = from_json(CauseIncidence, written)

    assert isinstance(read.curve, KnownIncidence)
    assert written == as_json(read)
    with pytest.raises(InputError, match=r"results\.curve\.upper: it has 1 entries, and 2 belong"):
        from_json(CauseIncidence, written | {"curve": written["curve"] | {"upper": [0.3]}})


def test_a_withheld_value_is_no_exact_one() -> None:
    assert 3 == exact(3)
    with pytest.raises(EstimationError, match=r"is withheld: .*minimum_cell 5"):
        exact(Withheld("minimum_cell 5"))


def whole_file(**changes: Any) -> dict[str, Any]:
    named = {"id": "trial", "sha256": "0" * 64}
    secure = {"profile": "strict", "minimum_sites": 3, "committee": [], "threshold": 0}
    return {
        "schema": 1,
        "plan": named | {"version": "1.0.0"},
        "codebook": named,
        "sites": ["a", "b", "c"],
        "lost_sites": [],
        "secure": secure | {"blind": None},
        "rounds": 2,
        "analyses": {},
    } | changes


def test_results_of_a_release_that_did_not_say_to_whom_they_are_given_are_read() -> None:
    assert None is results_from_json(whole_file()).released_to


def test_another_version_of_the_contract_is_refused() -> None:
    with pytest.raises(InputError, match="schema is 2, and this release reads 1"):
        results_from_json(whole_file(schema=2))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("log-rank", lambda r: r["groups"][0]["curve"]["survival"].pop(), r"groups\[0\].curve.survival: it has \d+ entries"),
        ("log-rank", lambda r: r["test"]["observed"].pop(), "test"),
        ("cumulative incidence", lambda r: r["groups"][1]["causes"]["death"]["curve"]["events"].append(1), "curve.events"),
        ("cumulative incidence", lambda r: r["groups"][1]["causes"].pop("death"), r"groups\[1\].causes: death is missing"),
        ("univariate", lambda r: r["factors"][0]["curves"]["groups"][0].update(level={}), "level: arm is missing"),
        ("Gehan with all pairs", lambda r: r["tests"]["pairwise"][0]["groups"].pop(), "groups: it has 1 entries, and 2"),
        ("Cox within sites", lambda r: r["covariance"][0].pop(), r"covariance\[0\]: it has"),
        ("Cox within sites", lambda r: r["tests"]["terms"].pop("arm"), "tests.terms: arm is missing"),
        ("baseline", lambda r: r["column_n"].pop(), "column_n: it has 2 entries, and 3"),
        ("baseline", lambda r: r["rows"][0]["percent"].append(1.0), r"rows\[0\].percent"),
        ("baseline", lambda r: r["missing_values"].pop("sex"), "missing_values: sex is missing"),
        ("event table", lambda r: r["censored"]["counts"].pop(), "censored.counts"),
    ],
)  # fmt: skip
def test_lists_and_names_that_do_not_belong_together_are_refused(
    name: str, change: Callable[[Any], object], said: str
) -> None:
    result = result_of(ALL.get(name) or ALL[f"{name} within sites"], random_cohort(7, n=200), 5)
    change(result)

    with pytest.raises(InputError, match=rf"results.*{said}.*Take a results.json"):
        analysis_from_json(result)
