"""What pages ask of results in their types: numbers, rules, and curves of survival and of incidence in one form."""

from __future__ import annotations

import math

import pytest

from riskset_common.results.curves import CurvePoints, Estimate, GroupCurve, Landmark
from riskset_common.results.flow import FlowResult
from riskset_common.results.incidence import (
    CauseIncidence,
    CumulativeIncidenceResult,
    GroupIncidence,
    IncidenceLandmark,
    IncidencePoints,
)
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_server.results.typed import (
    CauseCurve,
    Curve,
    curve_of_cause,
    curves_of,
    distinct,
    estimated_at,
    estimates,
    events_of,
    marks_in,
    missing_of,
    number,
    of_kind,
    probabilities,
    probability,
    withheld_as_a_whole,
)

SMALL, FEW = Withheld("minimum_cell 5"), Withheld("minimum_at_risk 10")
RELAPSE = CauseIncidence(
    events=3,
    at=(IncidenceLandmark(2.0, 20, SMALL, 0.1, 0.05, 0.04, math.nan),),
    curve=IncidencePoints((1.0,), (30,), (3,), (1,), (0,), (0.1,), (0.05,), (0.04,), (math.nan,)),
)


def group_of(causes: dict[str, CauseIncidence] | Withheld) -> GroupIncidence:
    return GroupIncidence({"sex": "male"}, 30, 9, causes, None)


def survival_of(at: tuple[Landmark, ...] | Withheld) -> GroupCurve:
    points = CurvePoints((1.0,), (30,), (3,), (0,), (0.9,), (0.05,), (0.8,), (0.95,))
    return GroupCurve(30, 9, Estimate(1.0, math.nan, FEW), (), at, points, None, {}, None)


@pytest.mark.parametrize("absent", [None, SMALL, math.nan, math.inf])
def test_what_is_no_number_is_nan(absent: float | Withheld | None) -> None:
    assert math.isnan(number(absent))
    assert 3.0 == number(3)


def test_values_that_exist_and_are_shown_are_listed_once() -> None:
    assert [0.95, 0.9] == distinct([0.95, None, SMALL, 0.9, 0.95])


def test_marks_are_found_in_the_order_of_the_fields() -> None:
    group = survival_of((Landmark(2.0, SMALL, FEW, 0.9, 0.05, 0.8, 0.95),))

    assert [FEW, SMALL, FEW] == list(marks_in(group))
    assert [SMALL] == list(marks_in({"n": 3, "names": ["minimum_cell"], "events": SMALL}))


def test_a_cause_has_its_own_numbers_beside_those_of_its_group() -> None:
    curve = curve_of_cause(group_of({"relapse": RELAPSE}), "relapse")

    assert ({"sex": "male"}, 30, 3) == (curve.level, curve.n, curve.events)
    assert RELAPSE.curve is curve.curve
    assert RELAPSE.at == estimates(curve)
    assert curve.numbers_at_risk is None


def test_of_a_withheld_group_every_number_of_its_causes_is_withheld() -> None:
    curve = curve_of_cause(group_of(FEW), "relapse")

    assert (FEW, FEW, FEW) == (curve.events, curve.at, curve.curve)
    assert () == estimates(curve)
    assert FEW == estimated_at(curve, 2.0)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (survival_of((Landmark(2.0, 20, 5, 0.9, 0.05, 0.8, 0.95),)), 0.9),
        (curve_of_cause(group_of({"relapse": RELAPSE}), "relapse"), 0.1),
    ],
)
def test_a_curve_gives_its_probability_whatever_it_is_of(curve: Curve, expected: float) -> None:
    at = estimated_at(curve, 2.0)

    assert estimated_at(curve, 3.0) is None
    assert at is not None
    assert not isinstance(at, Withheld)
    assert expected == probability(at)
    assert not isinstance(curve.curve, Withheld)
    assert (expected,) == probabilities(curve.curve)


def test_what_is_withheld_as_a_whole_is_of_no_kind() -> None:
    withheld = WithheldAnalysis("flow", {"n": FEW, "boxes": FEW})
    shown = FlowResult("flow", 3, 0, (), (), ())

    assert FEW == withheld_as_a_whole(withheld)
    assert shown is of_kind(FlowResult, shown)
    with pytest.raises(TypeError, match="A flow is no FlowResult, or all of it is withheld"):
        of_kind(FlowResult, withheld)


def test_curves_come_by_group_and_cause_and_none_of_what_is_withheld() -> None:
    groups = (group_of({"relapse": RELAPSE, "death": RELAPSE}), group_of(FEW))
    result = CumulativeIncidenceResult(
        "cumulative_incidence",
        "EFS",
        ("relapse", "death"),
        60,
        18,
        2,
        "log",
        0.95,
        groups,
        None,
        (),
    )

    assert [RELAPSE, RELAPSE, FEW, FEW] == [
        curve.cause for curve in curves_of(result) if isinstance(curve, CauseCurve)
    ]
    assert [] == list(curves_of(WithheldAnalysis("kaplan_meier", {"n": FEW})))


def test_missing_patients_and_the_test_of_a_withheld_analysis_are_withheld() -> None:
    tested = WithheldAnalysis("kaplan_meier", {"missing": FEW, "test": FEW})
    by_cause = WithheldAnalysis("cumulative_incidence", {"n": FEW, "events": FEW, "tests": FEW})
    shown = FlowResult("flow", 3, 2, (), (), ())

    assert (2, FEW) == (missing_of(shown), missing_of(tested))
    assert (FEW, None) == (tested.missing, by_cause.missing)
    assert (None, FEW) == (tested.n, by_cause.n)
    assert (None, None, FEW) == (events_of(shown), events_of(tested), events_of(by_cause))
    assert (FEW, FEW) == (tested.test, by_cause.test)
    assert None is WithheldAnalysis("kaplan_meier", {"missing": FEW}).test
