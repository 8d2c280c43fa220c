"""How much tests may tell: ways are counted right, tests of a factor share one budget, and a small trial keeps 2^20 patterns."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.release.tests.openly import cells_of, facts_of

from riskset_common.release.budget import (
    MARGIN,
    Compared,
    GroupCounts,
    bits,
    decimals,
    enough,
    shares,
    unit,
    ways,
)
from riskset_common.release.foreseen import foreseen
from riskset_common.release.times import Cohort
from riskset_common.survival.tests.weighing import Weighing

TEST = Compared("asked", "EFS", (), Cohort(), ("arm",))


def tables(margins, on_day):
    """Tables of days by groups with these sums, one by one."""
    columns = [
        [each for each in product(range(n + 1), repeat=len(margins)) if sum(each) == n]
        for n in on_day
    ]
    return sum(
        tuple(map(sum, zip(*table, strict=True))) == tuple(margins) for table in product(*columns)
    )


@pytest.mark.parametrize("margins", [(2, 3), (1, 4), (2, 2, 2), (0, 5), (1, 2, 3)])
def test_of_single_events_the_ways_are_all_ways(margins) -> None:
    days = sum(margins)

    assert math.log2(tables(margins, [1] * days)) == pytest.approx(ways([margins], [days]))


@pytest.mark.parametrize(("margins", "days"), [((3, 3), 3), ((3, 4), 4), ((2, 6), 2), ((5, 2), 1)])
def test_events_of_one_day_are_not_told_apart(margins, days) -> None:
    on_a_day = -(-sum(margins) // days)
    full, rest = divmod(sum(margins), on_a_day)
    on_day = [on_a_day] * full + [rest] * bool(rest)

    assert math.log2(tables(margins, on_day)) == pytest.approx(ways([margins], [days]))


def test_ways_of_blocks_multiply() -> None:
    assert ways([(5, 5), (3, 4)], [10, 7]) == pytest.approx(
        math.log2(math.comb(10, 5) * math.comb(7, 3))
    )
    assert 0 == ways([], [])
    assert 0 == ways([(0, 9)], [9])


def test_two_decimals_and_three_above_a_hundred_events_in_the_smaller_group() -> None:
    assert [2, 2, 3] == [decimals(events) for events in ((100, 500), (7, 900), (101, 102))]


def test_units_are_decimals_where_the_largest_weight_is_1() -> None:
    gehan = Weighing("gehan")

    assert (0.01, 0.001) == (float(unit(Weighing(), 651, 2)), float(unit(Weighing(), 651, 3)))
    # Weights up to 651 and their squares, up to 423,801.
    assert [1, 1000] == [float(unit(gehan, 651, 2, squared=each)) for each in (False, True)]
    late = Weighing("fleming_harrington", 1, 1)
    assert (0.001, 0.0001) == (
        float(unit(late, 651, 2)),
        float(unit(late, 651, 2, squared=True)),
    )


def test_bits_are_those_of_the_values_that_could_be_opened() -> None:
    two, three = GroupCounts((60, 60), (40, 40)), GroupCounts((60, 60, 60), (40, 40, 40))

    assert math.log2(8001) + math.log2(2001) == pytest.approx(bits(TEST, two))
    assert 2 * math.log2(12001) + 3 * math.log2(3001) == pytest.approx(bits(TEST, three))
    pairs = Compared("asked", "EFS", (), Cohort(), ("arm",), pairwise=True)
    assert bits(TEST, three) + 3 * bits(TEST, two) == pytest.approx(bits(pairs, three))
    assert 0 == bits(TEST, GroupCounts((60, 60), (0, 0)))


def kaplan_meier(name, **more):
    return {"id": name, "kind": "kaplan_meier", "endpoint": "EFS", "by": ["arm"], **more}


def share_of(analyses, n=2000, minimum_cell=40):
    study = study_of(
        {"kind": "event_table", "endpoint": "EFS"},
        5,
        analyses=analyses,
        disclosure={"release": "rounded", "minimum_cell": minimum_cell},
    )
    sites = random_cohort(3, n=n).patients(study)
    facts = facts_of(study, sites)
    return shares(study, facts, cells_of(study, facts, sites))


def test_tests_of_one_factor_share_a_budget_and_others_do_not() -> None:
    found = share_of(
        [
            kaplan_meier("first", test="log_rank"),
            kaplan_meier("of_women", test="log_rank", population="women"),
            kaplan_meier("by_sex", by=["sex"], test="log_rank"),
            kaplan_meier("no_test"),
        ]
    )

    assert {"first", "of_women", "by_sex"} == found.keys()
    assert found["first"] == found["of_women"] > found["by_sex"]


def test_what_is_too_much_together_goes_to_the_primary_analysis_and_then_in_the_plans_order() -> (
    None
):
    many = [kaplan_meier(f"test{index}", by=["sex"], test="log_rank") for index in range(9)]
    many[7]["primary"] = True
    found = share_of(many, n=900)

    assert 1 < len(found) < 9
    assert {"test7", *(f"test{index}" for index in range(len(found) - 1))} == found.keys()
    assert 1 == len(set(found.values()))


def test_parts_of_a_univariate_analysis_and_small_groups_are_seen() -> None:
    univariate = {
        "id": "factors",
        "kind": "univariate",
        "endpoint": "EFS",
        "factors": ["arm", "sex"],
        "test": "log_rank",
    }

    assert {"factors/curve.arm", "factors/curve.sex"} == share_of([univariate]).keys()
    assert {} == share_of([univariate], minimum_cell=900)


def test_a_plan_is_told_how_many_events_its_tests_need_and_which_share_a_budget() -> None:
    study = study_of(
        {"kind": "event_table", "endpoint": "EFS"},
        5,
        analyses=[
            kaplan_meier("first", by=["sex"], test="log_rank"),
            kaplan_meier("second", by=["sex"], test="log_rank"),
            kaplan_meier("alone", test="log_rank", primary=True),
        ],
        disclosure={"release": "rounded"},
    )
    arms, sexes = foreseen(study)

    assert "test alone: it is shown from about" in arms
    assert "tests first, second: they compare sex by the times in time" in sexes
    assert f"the first alone from {least_events(1)};" in sexes
    assert f"All are shown from about {least_events(2)} events" in sexes
    assert 35 < least_events(1) < least_events(2) < 60


def least_events(n_tests):
    """From how many events in each of two groups so many tests leave 40 bits, if released times part them into tens."""
    for d in range(10, 100):
        n_blocks = d // 10
        parts = [d * (block + 1) // n_blocks - d * block // n_blocks for block in range(n_blocks)]
        h = sum(math.log2(math.comb(2 * part, part)) for part in parts)
        b = n_tests * (math.log2(2 * d * 100 + 1) + math.log2(2 * d * 100 / 4 + 1))
        if h - b >= MARGIN:
            return d
    raise AssertionError("no number is enough")


def sums_of_patterns(labels, n_one, n_all):
    """Observed less expected events of one arm and their variance, for many patterns of single events, nobody being censored."""
    n = n_all - np.arange(labels.shape[1])
    a = (n_one - (np.cumsum(labels, axis=1) - labels)) / n
    return labels.sum(axis=1) - a.sum(axis=1), (a * (1 - a)).sum(axis=1)


@pytest.mark.parametrize(
    ("arm", "events", "in_one"), [(12, 12, 6), (20, 20, 8), (20, 20, 10), (25, 20, 10)]
)
def test_a_trial_of_24_to_50_patients_keeps_a_million_patterns_or_has_no_test(
    arm, events, in_one
) -> None:
    rng = np.random.default_rng(events)
    chosen = np.array(list(combinations(range(events), in_one)))
    labels = np.zeros((len(chosen), events), dtype=np.int8)
    np.put_along_axis(labels, chosen, 1, axis=1)
    difference, variance = sums_of_patterns(labels, arm, 2 * arm)
    true = rng.integers(len(labels))
    fits = np.sum(
        (np.abs(difference - difference[true]) <= 0.005)
        & (np.abs(variance - variance[true]) <= 0.005)
    )
    counts = GroupCounts((arm, arm), (in_one, events - in_one))
    h = ways([counts.events], [events])

    assert h == pytest.approx(math.log2(len(labels)))
    assert fits >= 2**20 or not enough(h, bits(TEST, counts))


@pytest.mark.parametrize("ratio", [1.0, 0.6, 0.4])
def test_a_trial_that_has_a_test_keeps_a_million_patterns(ratio) -> None:
    """Where the patterns are too many to be tried, the share that fits is estimated near what was opened."""
    rng = np.random.default_rng(11)
    arm, events, n_patterns = 80, 100, 50_000
    one, other, pattern = arm, arm, []
    for _ in range(events):
        in_one = rng.random() < one * ratio / (one * ratio + other)
        pattern.append(int(in_one))
        one, other = one - in_one, other - (not in_one)
    in_one = sum(pattern)
    counts = GroupCounts((arm, arm), (in_one, events - in_one))
    h = ways([counts.events], [events])
    labels = rng.permuted(np.tile(np.array(pattern, dtype=np.int8), (n_patterns, 1)), axis=1)
    difference, variance = sums_of_patterns(labels, arm, 2 * arm)
    [u], [v] = sums_of_patterns(np.array([pattern], dtype=np.int8), arm, 2 * arm)
    near = (np.abs(difference - u) < 1) & (np.abs(variance - v) < 0.25)
    share = near.sum() / n_patterns * 0.01**2 / (2 * 0.5)

    assert enough(h, bits(TEST, counts))
    assert near.sum() > 20
    assert h + math.log2(share) > 20
    assert h - bits(TEST, counts) >= MARGIN
