"""The first test of every estimator: pooled over any split of the patients it equals one pool."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.analyses import ALL, COUNTED, STRATIFIED
from tests.common.estimators.cohorts import (
    Cohort,
    cohorts,
    each_cohort,
    random_cohort,
    study_of,
    uneven_cohort,
)
from tests.common.estimators.pooling import assert_close, pool, result_of
from tests.common.results.kept_types import keeps_types
from tests.examples import examples

N_SITES = 5

some_seed = st.integers(0, 2**32 - 1)


def pooled_with_strata(analysis: dict[str, Any], cohort: Cohort) -> dict[str, Any]:
    """The same strata in one pool, where a variable names the site of each patient; for a test by itself they are then counted there."""
    strata = ["hospital" if name == "site" else name for name in analysis["strata"]]
    if analysis["kind"] not in ("kaplan_meier", "cumulative_incidence"):
        strata.append("site")
    return result_of(analysis | {"strata": strata}, cohort, 1)


def without_names_of_strata(result: Any) -> Any:
    """A result, or a part of one, that does not say what its strata are called."""
    if isinstance(result, dict):
        return {
            key: without_names_of_strata(item) for key, item in result.items() if key != "strata"
        }
    return (
        [without_names_of_strata(item) for item in result] if isinstance(result, list) else result
    )


@pytest.mark.parametrize("analysis", COUNTED.values(), ids=list(COUNTED))
@given(cohort=cohorts(N_SITES))
def test_counts_do_not_depend_on_the_split(analysis: dict[str, Any], cohort: Cohort) -> None:
    pooled = result_of(analysis, cohort, 1)
    split = result_of(analysis, cohort, N_SITES)

    assert pooled == split
    keeps_types(split)


@pytest.mark.parametrize("analysis", STRATIFIED.values(), ids=list(STRATIFIED))
@given(seed=some_seed)
@examples(15)
def test_sites_that_are_strata_equal_one_pool_with_these_strata(
    analysis: dict[str, Any], seed: int
) -> None:
    cohort = random_cohort(seed, n_sites=N_SITES)
    pooled = pooled_with_strata(analysis, cohort)
    split = result_of(analysis, cohort, N_SITES)

    assert_close(without_names_of_strata(pooled), without_names_of_strata(split))
    keeps_types(split)


@pytest.mark.parametrize("analysis", STRATIFIED.values(), ids=list(STRATIFIED))
@given(seed=some_seed)
@examples(10)
def test_sites_of_one_patient_of_none_and_without_events_are_no_trouble(
    analysis: dict[str, Any], seed: int
) -> None:
    cohort = uneven_cohort(seed)
    pooled = pooled_with_strata(analysis, cohort)
    split = result_of(analysis, cohort, N_SITES)

    assert_close(without_names_of_strata(pooled), without_names_of_strata(split))


@given(cohort=cohorts(N_SITES))
def test_a_log_rank_test_within_sites_equals_the_pool_however_few_they_are(cohort: Cohort) -> None:
    analysis = STRATIFIED["log-rank within sites and sexes under left truncation"]
    pooled = pooled_with_strata(analysis, cohort)
    split = result_of(analysis, cohort, N_SITES)

    assert_close(without_names_of_strata(pooled), without_names_of_strata(split))


@pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))
@pytest.mark.parametrize(
    "cohort", list(each_cohort()), ids=["nobody", "one patient", "uneven", "no event"]
)
def test_there_is_a_result_whoever_the_patients_are(
    analysis: dict[str, Any], cohort: Cohort
) -> None:
    keeps_types(result_of(analysis, cohort, N_SITES))


@pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))
def test_the_order_of_the_sites_does_not_matter(analysis: dict[str, Any]) -> None:
    study = study_of(analysis, N_SITES)
    sites = random_cohort(4).patients(study)

    assert_close(pool(study, sites).result, pool(study, sites[::-1]).result)


@pytest.mark.parametrize("kind", ["log-rank", "Cox"])
def test_a_study_group_of_one_site_is_as_good_a_stratum_as_the_site(kind: str) -> None:
    cohort = random_cohort(5)
    by_site = result_of(STRATIFIED[kind], cohort, N_SITES)
    by_group = result_of(STRATIFIED[kind] | {"strata": "study_group"}, cohort, N_SITES)

    assert_close(without_names_of_strata(by_site), without_names_of_strata(by_group))


def test_strata_that_span_sites_are_counted_in_the_pool() -> None:
    analysis = STRATIFIED["log-rank"] | {"strata": ["study_group"]}
    cohort = random_cohort(6)
    halves = cohort.with_values(site=(cohort.site > 1).astype(int))
    over_sites = result_of(analysis, cohort, N_SITES, groups=["a", "a", "b", "b", "b"])
    over_halves = result_of(analysis, halves, 2)

    assert_close(over_halves, over_sites)
