"""The disclosure rules of whole results: what is withheld, what else would give it away, and what passes unchanged."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.disclosure.as_released import is_withheld, release

from riskset_common.results.shown import Withheld
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.axis import RoundTimes
from riskset_server.disclosure.withheld import too_few_patients

ROUNDED = Disclosure()
EXACT = Disclosure(release="exact")
CELL = {"withheld": "minimum_cell 5"}


def curves(*groups: tuple[int, int], **more: Any) -> dict[str, Any]:
    """A result of Kaplan-Meier with groups of (patients, events)."""
    n, events = (sum(part) for part in zip(*groups, strict=True))
    empty: dict[str, list] = {name: [] for name in ("time", "at_risk", "events", "censored")}
    return {
        "kind": "kaplan_meier",
        "endpoint": "OS",
        "n": n,
        "events": events,
        "missing": 0,
        "ci": "log",
        "level": 0.95,
        "groups": [
            {
                "level": {"arm": str(index)},
                "n": patients,
                "events": died,
                "median": {"estimate": None, "lower": None, "upper": None},
                "quantiles": [],
                "at": [],
                "curve": empty | {"survival": [], "std_err": [], "lower": [], "upper": []},
            }
            for index, (patients, died) in enumerate(groups)
        ],
        "test": {
            "name": "log-rank",
            "statistic": 4.123456789012,
            "df": 1,
            "p_value": 0.0423456789012,
            "strata": [],
            "observed": [float(died) for _, died in groups],
            "expected": [1.0 for _ in groups],
            "covariance": [[1.0 for _ in groups] for _ in groups],
        },
        "warnings": [],
    } | more


TERM: dict[str, Any] = {
    "term": "arm",
    "level": "B",
    "reference": "A",
    "coef": 0.123456789012,
    "std_err": None,
    **dict.fromkeys(("hazard_ratio", "lower", "upper", "z", "p_value")),
    "aliased": False,
    "monotone": False,
}
EFFECT = dict.fromkeys(("coef", "std_err", "hazard_ratio", "lower", "upper", "p_value"), 0.5)
TEST = {"statistic": 33.123456789, "df": 1, "p_value": 1.23456789012e-06}


def model(*levels: tuple[int, int], terms: int = 1, **more: Any) -> dict[str, Any]:
    """A Cox model with one factor whose levels have (patients, events)."""
    n, events = (sum(part) for part in zip(*levels, strict=True))
    return {
        "kind": "cox",
        "endpoint": "OS",
        "n": n,
        "events": events,
        "missing": 0,
        "ties": "efron",
        "strata": [],
        "level": 0.95,
        "iterations": 4,
        "convergence": "tight",
        "converged": True,
        "terms": [TERM] * terms,
        "levels": [
            {"term": "arm", "level": str(index), "n": patients, "events": died}
            for index, (patients, died) in enumerate(levels)
        ],
        "covariance": [[0.0212345678901] * terms] * terms,
        "log_likelihood": {"null": -210.5, "fitted": -200.25},
        "tests": dict.fromkeys(("wald", "score", "likelihood_ratio"), TEST)
        | {"terms": {"arm": TEST}},
        "warnings": ["a sentence"],
    } | more


def follow_up(n: int, events: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "follow_up",
        "endpoint": "OS",
        "method": "reverse_kaplan_meier",
        "ci": "log",
        "level": 0.95,
        "n": n,
        "events": events,
        "missing": 0,
        "median": 588.0,
        "lower": 511.0,
        "upper": 965.0,
        "at": {
            "median": {"at_risk": 52, "ended": 31},
            "lower": {"at_risk": 71, "ended": 18},
            "upper": {"at_risk": 9, "ended": 55},
        },
        "warnings": [],
    } | more


def baseline(*column_n: int) -> dict[str, Any]:
    return {
        "kind": "baseline",
        "n": sum(column_n),
        "missing": 0,
        "by": "arm",
        "columns": [str(n) for n in column_n],
        "column_n": list(column_n),
        "rows": [],
        "numbers": [],
        "missing_values": {},
        "tests": {},
        "warnings": [],
    }


def everything(value: Any) -> list[Any]:
    if isinstance(value, dict) and not is_withheld(value):
        return [leaf for item in value.values() for leaf in everything(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in everything(item)]
    return [value]


@pytest.mark.parametrize(
    "result",
    [curves((3, 1), (90, 50)), model((2, 1), (90, 50)), follow_up(3, 1), baseline(1, 2)],
    ids=lambda result: result["kind"],
)
def test_an_exact_release_changes_nothing(result: dict[str, Any]) -> None:
    assert result == release(result, EXACT)


@pytest.mark.parametrize(
    "result",
    [curves((4, 1), (5, 4)), model((4, 4), (5, 5)), follow_up(9, 5), baseline(4, 5)],
    ids=lambda result: result["kind"],
)
def test_of_a_result_on_few_patients_nothing_but_its_kind_is_shown(result: dict[str, Any]) -> None:
    released = release(result, ROUNDED)
    rest = {name: value for name, value in released.items() if name not in ("kind", "warnings")}

    assert result.keys() == released.keys()
    assert result["kind"] == released["kind"]
    assert [] == released["warnings"]
    assert all(value == {"withheld": "minimum_at_risk 10"} for value in rest.values())


@given(
    st.lists(
        st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["kaplan_meier", "cox", "follow_up"]),
)
def test_what_is_withheld_is_marked_and_never_null(
    groups: list[tuple[int, int]], kind: str
) -> None:
    made = {"kaplan_meier": curves, "cox": model, "follow_up": lambda *g: follow_up(*g[0])}
    result = made[kind](*groups)
    released = release(result, ROUNDED)

    assert result.keys() == released.keys()
    assert everything(result).count(None) >= everything(released).count(None)
    marks = [leaf for leaf in everything(released) if isinstance(leaf, dict)]
    assert all(leaf["withheld"].startswith(("minimum_cell", "minimum_at_risk")) for leaf in marks)


def test_a_few_left_out_patients_are_not_counted() -> None:
    assert CELL == release(curves((50, 20), (60, 30), missing=1), ROUNDED)["missing"]
    assert 5 == release(curves((50, 20), (60, 30), missing=5), ROUNDED)["missing"]
    assert CELL == release(model((50, 20), (60, 30), missing=4), ROUNDED)["missing"]


def test_the_threshold_that_decided_is_named() -> None:
    assert Withheld("minimum_cell 12") == too_few_patients(Disclosure(minimum_cell=12))
    assert is_withheld(release(follow_up(11, 11), Disclosure(minimum_cell=12))["n"])


def test_events_of_a_small_group_cannot_be_had_from_the_total() -> None:
    released = release(curves((9, 4), (60, 30)), ROUNDED)

    assert [True, False] == [is_withheld(group["n"]) for group in released["groups"]]
    assert 69 == released["n"]
    assert 30 == released["groups"][1]["events"]
    assert CELL == released["events"]


def test_patients_of_a_tiny_group_cannot_be_had_from_the_total() -> None:
    released = release(curves((3, 1), (60, 30), (90, 40)), ROUNDED)

    assert [True, True, False] == [is_withheld(group["n"]) for group in released["groups"]]
    assert {"arm": "1"} == released["groups"][1]["level"]
    assert CELL == released["groups"][1]["curve"]
    assert CELL == released["test"]


@pytest.mark.parametrize("events", [3, 48], ids=["few events", "few without"])
def test_events_of_a_group_are_withheld_where_few_had_one_or_few_had_none(events: int) -> None:
    released = release(curves((50, events), (60, 30)), ROUNDED)

    assert [CELL, 30] == [group["events"] for group in released["groups"]]
    assert [50, 60] == [group["n"] for group in released["groups"]]
    assert CELL == released["events"]
    assert [CELL] * 3 == [released["test"][name] for name in ("observed", "expected", "covariance")]
    assert 4.123457 == released["test"]["statistic"]


def test_curves_without_a_test_have_none_after_release() -> None:
    result = curves((50, 20), (60, 30))
    del result["test"]

    assert "test" not in release(result, ROUNDED)


def test_a_test_of_large_groups_keeps_all_in_seven_digits() -> None:
    test = release(curves((50, 20), (60, 30)), ROUNDED)["test"]

    assert {"statistic": 4.123457, "df": 1, "p_value": 0.04234568} == {
        name: test[name] for name in ("statistic", "df", "p_value")
    }
    assert [20.0, 30.0] == test["observed"]


def heterogeneity(died: int, events: int, **more: Any) -> dict[str, Any]:
    """The heterogeneity of an effect, with two levels of 60 patients of whom so many died."""
    levels = [{"term": "arm", "level": name, "n": 60, "events": died} for name in "AB"]
    return {
        "kind": "heterogeneity",
        "endpoint": "OS",
        "effect": "arm",
        "of_level": "B",
        "reference": "A",
        "n": 120,
        "events": events,
        "missing": 0,
        "ties": "efron",
        "strata": ["site"],
        "level": 0.95,
        "coefficients": 2,
        "levels": levels,
        "sites": 6,
        "fixed": EFFECT,
        "random": EFFECT,
        "test": TEST,
        "i_squared": 0.123456789,
        "tau_squared": 0.01,
        "warnings": [],
    } | more


@pytest.mark.parametrize(
    ("died", "events", "rule"),
    [
        (20, 50, None),
        (4, 50, "minimum_cell 5 events: arm"),
        (20, 9, "minimum_cell 5 events for each of 2"),
    ],
)
def test_heterogeneity_is_released_as_a_model_is(died: int, events: int, rule: str | None) -> None:
    shown = release(heterogeneity(died, events), ROUNDED)["i_squared"]

    assert 0.1234568 == shown if rule is None else shown["withheld"].startswith(rule)


def test_groups_of_sites_have_no_numbers_at_risk() -> None:
    groups = [{"level": "A", "sites": 6, "effect": EFFECT}]
    found = heterogeneity(20, 50, by="region", groups=groups)

    assert groups == release(found, ROUNDED, RoundTimes("years"))["groups"]


def test_follow_up_is_shown_while_enough_are_followed_and_to_two_digits() -> None:
    released = release(follow_up(227, 164), ROUNDED)
    few = {"withheld": "minimum_at_risk 10"}

    assert [590.0, 510.0, few] == [released[name] for name in ("median", "lower", "upper")]
    assert 164 == released["events"]
    assert {
        "median": {"at_risk": 50, "ended": 30},
        "lower": {"at_risk": 70, "ended": 20},
        "upper": {"at_risk": few, "ended": few},
    } == released["at"]


def test_a_limit_of_follow_up_by_which_few_had_left_is_withheld() -> None:
    points = dict(follow_up(227, 164)["at"]) | {"lower": {"at_risk": 220, "ended": 4}}
    released = release(follow_up(227, 164, at=points), ROUNDED)

    assert CELL == released["lower"] == released["at"]["lower"]["ended"]
    assert 590.0 == released["median"]


def test_follow_up_that_is_not_reached_stays_null() -> None:
    names = ("median", "lower", "upper")
    nothing = dict.fromkeys(names)
    released = release(follow_up(227, 225, at=nothing, **nothing), ROUNDED)

    assert [None] * 3 == [released[name] for name in names]
    assert nothing == released["at"]
    assert CELL == released["events"]


def test_the_range_of_follow_up_is_never_shown() -> None:
    span = {"shortest": 5.0, "longest": 1022.0}

    assert dict.fromkeys(span, CELL) == release(follow_up(227, 164, range=span), ROUNDED)["range"]


@pytest.mark.parametrize(
    ("events", "incomplete", "is_shown"),
    [(164, 40, True), (164, 0, True), (164, 4, False), (164, 60, False), (225, 0, False)],
)
def test_completeness_is_shown_unless_few_were_or_were_not_followed(
    events: int, incomplete: int, is_shown: bool
) -> None:
    found = {
        "observed": 69_123.0,
        "potential": 72_456.0,
        "ratio": 0.953999668,
        "incomplete": incomplete,
    }
    released = release(follow_up(227, events, completeness=found), ROUNDED)["completeness"]
    shown = {"observed": 69_120.0, "potential": 72_460.0, "ratio": 0.954, "incomplete": incomplete}

    assert (shown if is_shown else dict.fromkeys(found, CELL)) == released


def test_coefficients_have_seven_digits_and_counts_are_exact() -> None:
    released = release(model((50, 20), (60, 30)), ROUNDED)

    assert TERM | {"coef": 0.1234568} == released["terms"][0]
    assert [[0.02123457]] == released["covariance"]
    assert 1.234568e-06 == released["tests"]["wald"]["p_value"]
    assert (110, 50, 0.95, ["a sentence"]) == tuple(
        released[name] for name in ("n", "events", "level", "warnings")
    )


@pytest.mark.parametrize(
    ("result", "rule"),
    [
        (model((9, 6), (90, 50)), "minimum_at_risk 10: arm"),
        (model((20, 4), (90, 50)), "minimum_cell 5 events: arm"),
        (model((20, 0), (90, 50)), "minimum_cell 5 events: arm"),
        (model((50, 9), (60, 10), terms=4), "minimum_cell 5 events for each of 4 coefficients"),
    ],
    ids=["patients of a level", "events of a level", "a level without events", "events a term"],
)
def test_a_model_with_little_behind_it_is_withheld_as_a_whole(
    result: dict[str, Any], rule: str
) -> None:
    released = release(result, ROUNDED)
    rest = {name: value for name, value in released.items() if name not in ("kind", "warnings")}

    assert all(value == {"withheld": rule} for value in rest.values())


def test_an_empty_level_does_not_withhold_a_model() -> None:
    assert 50 == release(model((50, 20), (60, 30), (0, 0)), ROUNDED)["events"]


def test_a_test_of_proportional_hazards_is_withheld_or_shortened_with_its_model() -> None:
    test = {"statistic": 1.23456789012, "df": 1, "p_value": 0.266}
    tested: dict[str, Any] = {
        "ph_test": {"transform": "km", "terms": {"arm": test}, "global_test": test}
    }
    shown = release(model((40, 20), (40, 20), **tested), Disclosure())
    held = release(model((40, 20), (9, 5), **tested), Disclosure())

    assert 1.234568 == shown["ph_test"]["global_test"]["statistic"]
    assert "withheld" in held["ph_test"]


@pytest.mark.parametrize(
    ("competing", "is_held"), [(0, False), (20, False), (3, True), (38, True), (40, False)]
)
def test_few_patients_with_or_without_a_competing_event_are_not_told_by_a_model(
    competing: int, is_held: bool
) -> None:
    fitted = model((40, 20), (40, 20), kind="fine_gray", competing=competing, censoring="pooled")
    shown = release(fitted, Disclosure())

    assert [is_held] * 4 == [
        is_withheld(found)
        for found in (
            shown["events"],
            shown["competing"],
            *(each["events"] for each in shown["levels"]),
        )
    ]
    assert 0.1234568 == shown["terms"][0]["coef"]


def test_a_fine_gray_model_with_little_behind_it_is_withheld_as_a_whole() -> None:
    fitted = model((40, 20), (9, 5), kind="fine_gray", competing=10, censoring="pooled")
    shown = release(fitted, Disclosure())

    assert is_withheld(shown["competing"])
    assert is_withheld(shown["terms"])


def test_few_patients_without_an_event_are_not_told_by_a_model() -> None:
    one = release(model((50, 48), (60, 30)), ROUNDED)
    all_of_them = release(model((50, 48), (60, 59)), ROUNDED)

    assert [CELL, CELL] == [level["events"] for level in one["levels"]]
    assert 78 == one["events"]
    assert CELL == all_of_them["events"]
