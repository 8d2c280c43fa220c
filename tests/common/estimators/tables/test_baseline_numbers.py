"""Numbers in a table of characteristics: exact means from sums, exact quartiles of values that are multiples of the bin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from tests.common.estimators.cohorts import (
    Cohort,
    cohorts,
    each_cohort,
    problems_of,
    random_cohort,
    study_of,
)
from tests.common.estimators.pooling import assert_close, pool, result_of
from tests.common.results.kept_types import keeps_types

from riskset_common.estimators.tables.numbers import MAXIMUM_BINS

TABLE: dict[str, Any] = {
    "kind": "baseline",
    "by": "sex",
    "rows": ["arm", {"number": "age", "bin_width": 0.1}],
}
METHODS: dict[str, Any] = {"r": "linear", "sas": "averaged_inverted_cdf"}
QUARTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}


@given(cohort=cohorts())
def test_numbers_do_not_depend_on_the_split(cohort: Cohort) -> None:
    pooled, split = (result_of(TABLE, cohort, n) for n in (1, 5))

    assert_close(pooled, split)
    keeps_types(split)


@pytest.mark.parametrize("cohort", each_cohort().values(), ids=list(each_cohort()))
def test_there_is_a_result_whoever_the_patients_are(cohort: Cohort) -> None:
    keeps_types(result_of(TABLE, cohort, 5))


@pytest.mark.parametrize("conventions", ["r", "sas"])
def test_numbers_are_those_of_the_patients(conventions: str) -> None:
    cohort = random_cohort(1)
    [found] = result_of(TABLE, cohort, 5, conventions=conventions)["numbers"]
    known = ~np.isnan(cohort.age) & (cohort.sex >= 0)
    for index, of in enumerate((cohort.sex == 0, cohort.sex == 1, cohort.sex >= 0)):
        age = cohort.age[known & of]

        assert len(age) == found["n"][index]
        assert age.mean() == pytest.approx(found["mean"][index], rel=1e-12)
        assert age.std(ddof=1) == pytest.approx(found["std_dev"][index], rel=1e-12)
        for name, p in QUARTILES.items():
            expected = np.quantile(age, p, method=METHODS[conventions])

            assert expected == pytest.approx(found[name][index], rel=1e-12), name


def test_without_a_bin_width_there_is_no_median() -> None:
    [found] = result_of(TABLE | {"rows": {"number": "age"}}, random_cohort(2), 5)["numbers"]

    assert ["variable", "n", "mean", "std_dev"] == list(found)


def test_a_wide_bin_is_half_its_width_off_at_most() -> None:
    cohort = random_cohort(3)
    exact, wide = (
        result_of(TABLE | {"rows": [{"number": "age", "bin_width": width}]}, cohort, 5)["numbers"][
            0
        ]
        for width in (0.1, 4)
    )

    assert exact["median"] == pytest.approx(wide["median"], abs=2)
    assert exact["mean"] == wide["mean"]
    assert {0.0} == {value % 2 for value in wide["median"]}


def test_patients_in_whom_the_number_is_not_known_are_counted() -> None:
    cohort = random_cohort(4)
    result = result_of(TABLE, cohort, 5)
    missing = result["missing_values"]["age"]

    assert int((np.isnan(cohort.age) & (cohort.sex >= 0)).sum()) == missing["total"]
    assert np.add(missing["counts"], result["numbers"][0]["n"][:-1]).tolist() == result["column_n"]


def test_a_quartile_outside_the_range_is_not_known() -> None:
    cohort = random_cohort(5)
    old = cohort.with_values(age=np.where(cohort.sex == 0, 250.0, 60.0))
    [found] = result_of(TABLE, old, 5)["numbers"]

    assert [None, 60.0] == found["median"][:2]
    assert 250.0 == pytest.approx(found["mean"][0])


def test_what_leaves_has_the_shape_of_the_range_alone() -> None:
    study = study_of(TABLE, 5)
    few, many = (pool(study, random_cohort(1, n).patients(study)) for n in (2, 200))

    assert few.questions == many.questions
    assert 1 == len(few.questions)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"number": "dose"}, "rows: dose has no range in the codebook"),
        ({"number": "age", "bin_width": 0.001}, "rows: bin_width 0.001 makes 100,003 bins"),
    ],
)
def test_a_number_that_cannot_be_counted_is_refused(row: dict[str, Any], said: str) -> None:
    study = study_of(TABLE | {"rows": [row]}, 5)
    [spec] = study.plan.analyses
    [problem] = problems_of(spec, study)

    assert problem.startswith(said)
    assert MAXIMUM_BINS == 10_000


def test_an_exact_test_has_no_statistic_and_the_p_of_its_table() -> None:
    asked = {"kind": "baseline", "by": "sex", "rows": ["one_level", "arm"], "test": "fisher"}
    tests = result_of(asked, random_cohort(6, n=60), 5)["tests"]

    assert {"p_value": 1.0, "name": "Fisher's exact", "statistic": None, "df": None} == tests[
        "one_level"
    ]
    assert 0 < tests["arm"]["p_value"] <= 1


def test_an_exact_test_of_too_large_a_table_says_so_and_the_rest_stands() -> None:
    asked = {"kind": "baseline", "by": "arm", "rows": ["hospital", "sex"], "test": "fisher"}
    result = result_of(asked, random_cohort(7, n=400), 5)

    assert result["tests"]["hospital"]["p_value"] is None
    assert result["tests"]["sex"]["p_value"] is not None
    [said] = result["warnings"]
    assert said.startswith("hospital: Fisher's exact test of a table of 5 by 3")
