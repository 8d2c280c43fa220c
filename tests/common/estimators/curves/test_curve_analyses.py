"""Curves, log-rank tests and follow-up as analyses: groups, conventions, what is missing, and grids that are too long."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import Cohort, nobody, random_cohort, study_of
from tests.common.estimators.pooling import pool, result_of

from riskset_common.errors import EstimationError
from riskset_common.release.curves.emptied import GOES_ON, INCIDENCE_STAYS, STAYS_0

CURVE = {"kind": "kaplan_meier", "endpoint": "EFS"}
BY_ARM = CURVE | {"by": "arm", "test": "log_rank"}


def cohort(time: list[int], event: list[int], **columns: Any) -> Cohort:
    """Patients who differ in time and event, and in what is given."""
    zeros = np.zeros(len(time), dtype=np.int64)
    made = Cohort(
        np.array(time), np.array(event), zeros, zeros, zeros, zeros * 1.0, zeros * 1.0, zeros
    )
    return made.with_values(**columns)


def test_the_curve_of_six_patients_by_hand() -> None:
    # At risk 6 5 4 2: S = 5/6, 5/6 * 3/5, then two censored at 3, then 1/2 * 1/2.
    six = cohort([1, 2, 2, 3, 3, 4], [1, 2, 1, 0, 0, 1])
    [group] = result_of(CURVE | {"at": [0, 2, 3.5, 9], "quantiles": [0.25]}, six, 1)["groups"]
    curve = group["curve"]

    assert [1, 2, 3, 4] == curve["time"]
    assert [6, 5, 3, 1] == curve["at_risk"]
    assert [1, 2, 0, 1] == curve["events"]
    assert [0, 0, 2, 0] == curve["censored"]
    assert [5 / 6, 1 / 2, 1 / 2, 0] == pytest.approx(curve["survival"])
    assert [1, 1 / 2, 1 / 2, 0] == pytest.approx([each["survival"] for each in group["at"]])
    assert [6, 5, 1, 0] == [each["at_risk"] for each in group["at"]]
    assert [0, 3, 3, 4] == [each["events_to"] for each in group["at"]]
    # S is one half from 2 to 4.
    assert 3 == group["median"]["estimate"]
    assert [(0.25, 2)] == [(each["p"], each["estimate"]) for each in group["quantiles"]]


def test_several_kinds_of_event_are_one_to_a_curve() -> None:
    mixed = random_cohort(1)
    alike = mixed.with_values(event=np.minimum(mixed.event, 1))

    assert result_of(BY_ARM, alike, 1) == result_of(BY_ARM, mixed, 1)


def test_who_comes_late_is_at_risk_from_then_on() -> None:
    late = cohort([5, 6, 7], [1, 1, 1], entry=[0, 5, 4])
    [group] = result_of({"kind": "kaplan_meier", "endpoint": "LATE"}, late, 1)["groups"]

    # Entry at 5 is after the event at 5.
    assert [2, 2, 1] == group["curve"]["at_risk"]


def test_groups_without_patients_are_left_out_and_said() -> None:
    without_b = random_cohort(2)
    without_b = without_b.with_values(arm=np.where(without_b.arm == 1, 0, without_b.arm))
    result = result_of(BY_ARM, without_b, 1)

    assert [{"arm": "A"}, {"arm": "C"}] == [group["level"] for group in result["groups"]]
    assert ["No patients in B."] == result["warnings"]
    assert 1 == result["test"]["df"]
    assert 2 == len(result["test"]["observed"]) == len(result["test"]["covariance"])


def test_the_test_sums_up_to_nothing() -> None:
    test = result_of(BY_ARM, random_cohort(3), 1)["test"]

    assert sum(test["observed"]) == pytest.approx(sum(test["expected"]))
    assert [0, 0, 0] == pytest.approx(np.sum(test["covariance"], axis=0), abs=1e-12)
    assert "log-rank" == test["name"]
    assert 2 == test["df"]


@pytest.mark.parametrize(
    "group", [{"by": "one_level"}, {"by": "arm", "where": {"arm": ["B"]}}], ids=["level", "where"]
)
def test_one_group_alone_leaves_nothing_to_test(group: dict[str, Any]) -> None:
    result = result_of(CURVE | {"test": "log_rank"} | group, random_cohort(4), 1)

    assert (0.0, 0, 1.0) == tuple(result["test"][key] for key in ("statistic", "df", "p_value"))


def test_without_an_event_there_is_no_median_and_no_difference() -> None:
    result = result_of(BY_ARM, cohort([2, 3, 4], [0, 0, 0], arm=[0, 0, 1]), 1)

    assert 0 == result["events"]
    assert [None, None] == [group["median"]["estimate"] for group in result["groups"]]
    assert 0 == result["test"]["df"]


def test_patients_with_a_missing_group_stratum_or_time_are_counted_as_missing() -> None:
    five = cohort([2, 3, 4, -1, 6], [1, 1, 0, -1, 1], arm=[0, -1, 1, 0, 1], sex=[0, 0, -1, 0, 1])
    stratified = result_of(BY_ARM | {"strata": "sex"}, five, 1)

    assert (2, 3) == (stratified["n"], stratified["missing"])
    assert (3, 2) == tuple(result_of(BY_ARM, five, 1)[key] for key in ("n", "missing"))
    assert (4, 1) == tuple(result_of(CURVE, five, 1)[key] for key in ("n", "missing"))


def test_who_is_not_in_the_population_is_not_missing() -> None:
    five = cohort([2, 3, 4, -1, 6], [1, 1, 0, -1, 1], arm=[0, 0, 1, 0, 1], sex=[1, 1, -1, 0, 1])
    women = CURVE | {"population": "women", "where": {"arm": ["A"]}}

    assert (2, 0) == tuple(result_of(women, five, 1)[key] for key in ("n", "missing"))


@pytest.mark.parametrize(
    ("conventions", "named", "expected"),
    [("r", None, "log"), ("sas", None, "log-log"), ("r", "plain", "plain"), ("sas", "log", "log")],
)
def test_the_interval_is_that_of_the_conventions_unless_named(
    conventions: str, named: str | None, expected: str
) -> None:
    asked = CURVE | ({} if named is None else {"ci": named})

    assert expected == result_of(asked, random_cohort(5), 1, conventions=conventions)["ci"]


def test_what_was_not_asked_for_is_not_written() -> None:
    result = result_of(CURVE, random_cohort(6), 1)

    assert "test" not in result
    assert "rmean" not in result["groups"][0]


def test_times_are_written_in_the_unit_of_the_plan() -> None:
    years = {"unit": "years", "grid_days": 36.525}
    [group] = result_of(CURVE, cohort([6, 10], [1, 1]), 1, time=years)["groups"]

    assert [0.6, 1.0] == group["curve"]["time"]


def test_follow_up_is_the_median_time_to_censoring() -> None:
    # Reverse: the censorings at 3 and 5 are the events; at 3 of four at risk one, at 5 of two one.
    four = cohort([1, 3, 4, 5, 6], [1, 0, 1, 0, 1])
    result = result_of({"kind": "follow_up", "endpoint": "EFS"}, four, 1)

    assert (5, 3, 0) == (result["n"], result["events"], result["missing"])
    assert 5 == result["median"]


def test_follow_up_that_is_not_reached_is_null() -> None:
    for patients in (nobody(), cohort([1, 2], [1, 1])):
        result = result_of({"kind": "follow_up", "endpoint": "EFS"}, patients, 1)

        assert [None, None, None] == [result[key] for key in ("median", "lower", "upper")]


@pytest.mark.parametrize("last", [0, 1, 2, 3, 4, 7, 8, 1000])
def test_the_grid_is_the_shortest_power_of_two_that_holds_the_last_step(last: int) -> None:
    study = study_of(CURVE, 1)
    [_, counted] = pool(study, cohort([0, last], [1, 1]).patients(study)).questions
    n_steps = counted["n_steps"]

    assert last < n_steps <= max(2 * last, 1)
    assert math.log2(n_steps).is_integer()


@pytest.mark.parametrize("last", [2**26, 2**47, 2**62])
def test_a_follow_up_of_too_many_steps_is_refused_with_advice(last: int) -> None:
    with pytest.raises(EstimationError, match=r"coarser time\.grid_days"):
        result_of(CURVE, cohort([last], [1]), 1)


def test_too_many_groups_are_refused_with_advice() -> None:
    with pytest.raises(EstimationError, match="fewer groups"):
        result_of(CURVE | {"by": ["arm", "sex", "hospital"]}, cohort([2**22], [1]), 1)


BEYOND = {"at": [2, 5], "rmean": 5, "contrast": ["survival", "rmean"], "by": "sex"}


def test_nothing_is_estimated_beyond_the_follow_up_of_a_group() -> None:
    """Men are followed to 9, women to 3; R's summary(survfit(..), times = 5) leaves the women out, and survRM2 refuses tau = 5."""
    some = cohort([1, 3, 5, 9, 2, 3, 3], [1, 0, 1, 0, 1, 0, 0], sex=np.array([0] * 4 + [1] * 3))
    result = result_of(CURVE | BEYOND, some, 1)
    men, women = result["groups"]

    assert [False, False] == [each["survival"] is None for each in men["at"]]
    assert [False, True] == [each["survival"] is None for each in women["at"]]
    assert [None] * 4 == [
        women["at"][1][name] for name in ("survival", "std_err", "lower", "upper")
    ]
    assert (0, 1) == (women["at"][1]["at_risk"], women["at"][1]["events_to"])
    assert None is women["rmean"]["estimate"] is women["rmean"]["std_err"]
    assert men["rmean"]["estimate"] is not None
    assert [False, True, True] == [each["estimate"] is None for each in result["contrasts"]]


def test_a_curve_that_has_fallen_to_0_stays_there() -> None:
    [group] = result_of(CURVE | {"at": [9], "rmean": 9}, cohort([1, 2], [1, 1]), 1)["groups"]

    assert 0 == group["at"][0]["survival"]
    assert 1.5 == group["rmean"]["estimate"]


def test_the_last_time_at_which_somebody_was_followed_is_no_time_beyond() -> None:
    [group] = result_of(CURVE | {"at": [4, 5], "rmean": 4}, cohort([1, 4], [1, 0]), 1)["groups"]

    assert [0.5, None] == [each["survival"] for each in group["at"]]
    assert 2.5 == group["rmean"]["estimate"]


LATE = {"kind": "kaplan_meier", "endpoint": "LATE"}


def test_a_risk_set_that_is_empty_before_others_come_is_told() -> None:
    late = cohort([1, 2, 8, 9], [1, 1, 1, 0], entry=[0, 0, 4, 5])
    two = cohort([1, 2, 8, 9], [1, 0, 1, 0], entry=[0, 0, 2, 5])
    [fallen] = result_of(LATE, late, 1)["warnings"]
    [open_ended] = result_of(LATE, two, 1)["warnings"]

    assert (
        "Nobody was at risk from 2 to 5 days, and 2 more came under observation later: " in fallen
    )
    assert fallen.endswith(f"{STAYS_0}.")
    assert "from 2 to 3 days, and 2 more" in open_ended
    assert open_ended.endswith(f"{GOES_ON}.")


def test_who_comes_before_the_last_has_left_leaves_nothing_to_tell() -> None:
    late = cohort([1, 3, 8, 9], [1, 1, 1, 0], entry=[0, 0, 2, 5])

    assert [] == result_of(LATE, late, 1)["warnings"]
    assert [] == result_of(CURVE, cohort([1, 2], [1, 1]), 1)["warnings"]


def test_the_groups_whose_risk_sets_are_empty_are_named_also_in_analyses_made_of_curves() -> None:
    late = cohort([1, 2, 8, 9], [1, 1, 1, 0], entry=[0, 0, 4, 5], sex=np.array([0, 1, 0, 0]))
    warnings = result_of(LATE | {"by": "sex"}, late, 1)["warnings"]
    univariate = {"kind": "univariate", "endpoint": "LATE", "factors": ["sex"]}
    incidence = {"kind": "cumulative_incidence", "endpoint": "LATE"}

    assert ["Nobody of male was at risk from 1 to 5 days"] == [each[:43] for each in warnings]
    assert any(
        each.startswith("sex: Nobody of male")
        for each in result_of(univariate, late, 1)["warnings"]
    )
    assert INCIDENCE_STAYS in result_of(incidence, late, 1)["warnings"][0]
