"""Tests of the log-rank family, of pairs of groups, and differences: as R has them, and what a plan may not ask."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import Cohort, problems_of, random_cohort, study_of
from tests.common.estimators.pooling import assert_close, result_of

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
BY_ARM = {"kind": "kaplan_meier", "endpoint": "EFS", "by": "arm"}
EVERY_TEST = [
    "log_rank",
    {"log_rank": {"rho": 1, "gamma": 0.5}},
    "gehan",
    "tarone_ware",
    "peto",
    "modified_peto",
]


def lung() -> Cohort:
    """The lung trial: `arm` is the ECOG status 0 to 2, `site` the institution."""
    with (GOLDEN / "data" / "lung.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["ph_ecog"] in {"0", "1", "2"}]
    rows = [row for row in rows if row["inst"]]
    names = sorted({row["inst"] for row in rows})
    zeros = np.zeros(len(rows), dtype=np.int64)
    return Cohort(
        time=np.array([int(row["time"]) for row in rows]),
        event=np.array([int(row["status"]) - 1 for row in rows]),
        entry=zeros,
        arm=np.array([int(row["ph_ecog"]) for row in rows]),
        sex=np.array([int(row["sex"]) - 1 for row in rows]),
        age=zeros * 1.0,
        dose=zeros * 1.0,
        site=np.array([names.index(row["inst"]) for row in rows]),
    )


def test_all_pairs_stratified_by_site_are_those_of_r() -> None:
    # d <- subset(lung, ph.ecog <= 2); pairs <- combn(0:2, 2)
    # apply(pairs, 2, function(two) survdiff(Surv(time, status == 2) ~ ph.ecog + strata(inst), data = subset(d, ph.ecog %in% two)))
    # p.adjust(.., "holm")
    cohort = lung()
    result = result_of(
        BY_ARM | {"test": "log_rank", "pairwise": True, "strata": ["site"]},
        cohort,
        int(cohort.site.max()) + 1,
    )
    pairs = result["tests"]["pairwise"]

    assert [["A", "B"], ["A", "C"], ["B", "C"]] == [
        [level["arm"] for level in pair["groups"]] for pair in pairs
    ]
    assert [3.5585036754199479, 19.034559097904676, 11.339259495533716] == pytest.approx(
        [pair["statistic"] for pair in pairs], rel=1e-9
    )
    assert [5.9241118424360382e-02, 3.8511693167211358e-05, 1.5177115409817663e-03] == (
        pytest.approx([pair["p_holm"] for pair in pairs], rel=1e-8)
    )


@pytest.mark.parametrize("strata", [[], ["sex"], ["site"]], ids=str)
@pytest.mark.parametrize("test", EVERY_TEST, ids=str)
def test_a_pair_is_tested_as_if_there_were_no_other_group(test: Any, strata: list[str]) -> None:
    asked = BY_ARM | {"test": test, "strata": strata}
    cohort = random_cohort(11)
    pairs = result_of(asked | {"pairwise": True}, cohort, 5)["tests"]["pairwise"]

    assert 3 == len(pairs)
    for pair in pairs:
        levels = [level["arm"] for level in pair["groups"]]
        alone = result_of(asked | {"where": {"arm": levels}}, cohort, 5)["test"]

        assert_close([alone["statistic"], alone["df"]], [pair["statistic"], pair["df"]])


def test_gehan_s_test_of_many_patients_at_a_site_keeps_within_the_secure_sum() -> None:
    # 2^47 is the range of a sum of reals over two sites with 80 binary digits after the point.
    many = random_cohort(3, n=20_000, n_sites=2)
    plain = result_of(BY_ARM | {"test": "gehan", "strata": ["site"]}, many, 2)["test"]

    assert 2**20 * 2.0**47 > max(map(max, plain["covariance"]))
    assert "Gehan" == plain["name"]


def test_a_trend_has_the_places_of_the_groups_that_hold_patients() -> None:
    without_b = random_cohort(2)
    without_b = without_b.with_values(arm=np.where(without_b.arm == 1, 0, without_b.arm))
    trend = result_of(BY_ARM | {"test": "trend"}, without_b, 3)["test"]
    two_groups = result_of(BY_ARM | {"test": "log_rank"}, without_b, 3)["test"]

    assert [1, 2] == trend["scores"]
    assert "log-rank test for trend" == trend["name"]
    assert_close(two_groups["statistic"], trend["statistic"])


def test_a_group_without_patients_has_no_pair() -> None:
    without_b = random_cohort(2)
    without_b = without_b.with_values(arm=np.where(without_b.arm == 1, 0, without_b.arm))
    found = result_of(BY_ARM | {"test": "peto", "pairwise": True}, without_b, 3)["tests"]

    assert [["A", "C"]] == [
        [level["arm"] for level in pair["groups"]] for pair in found["pairwise"]
    ]


def test_a_pair_that_never_meets_is_no_part_of_holm_s_number() -> None:
    zeros = np.zeros(6, dtype=np.int64)
    cohort = random_cohort(1, n=6).with_values(
        time=np.array([1, 2, 3, 4, 5, 6]),
        event=np.array([1, 1, 1, 1, 0, 0]),
        arm=np.array([0, 1, 0, 1, 2, 2]),
        sex=np.array([0, 0, 0, 0, 1, 1]),
        entry=zeros,
    )
    pairs = result_of(BY_ARM | {"test": "log_rank", "pairwise": True, "strata": "sex"}, cohort, 1)[
        "tests"
    ]["pairwise"]

    assert [1, 0, 0] == [pair["df"] for pair in pairs]
    assert pairs[0]["p_value"] == pairs[0]["p_holm"]
    assert [1, 1] == [pair["p_holm"] for pair in pairs[1:]]


def test_differences_are_of_every_group_from_the_first() -> None:
    result = result_of(
        BY_ARM | {"at": [5, 20], "rmean": 30, "contrast": ["survival", "rmean"]},
        random_cohort(4),
        4,
    )
    a, b, c = result["groups"]
    at_20 = result["contrasts"][3]
    mean = result["contrasts"][4]

    assert [("survival", 5), ("survival", 20)] * 2 + [("rmean", 30)] * 2 == [
        (each["of"], each["time"]) for each in result["contrasts"]
    ]
    assert ({"arm": "C"}, {"arm": "A"}) == (at_20["group"], at_20["reference"])
    assert c["at"][1]["survival"] - a["at"][1]["survival"] == pytest.approx(at_20["estimate"])
    assert math.hypot(c["at"][1]["std_err"], a["at"][1]["std_err"]) == pytest.approx(
        at_20["std_err"]
    )
    assert b["rmean"]["estimate"] - a["rmean"]["estimate"] == pytest.approx(mean["estimate"])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": [], "contrast": "survival", "at": [1]}, "contrast compares groups, but `by`"),
        ({"contrast": "survival"}, "contrast: survival needs a time, but `at` is missing"),
        ({"contrast": "rmean"}, "contrast: rmean needs a time, but `rmean` is missing"),
        ({"pairwise": True}, "pairwise repeats the test"),
        ({"pairwise": True, "test": "trend"}, "a trend runs over all groups"),
        ({"at": [1], "contrast": ["survival", "survival"]}, "contrast: survival stands there 2"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_said(asked: dict[str, Any], said: str) -> None:
    study = study_of(BY_ARM | asked, 2)
    [spec] = study.plan.analyses

    assert any(said in problem for problem in problems_of(spec, study))
