"""Cox models whose variances are clustered by site: one more round, and the sandwich of the sites' scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.cohorts import (
    Cohort,
    problems_of,
    random_cohort,
    study_of,
    uneven_cohort,
)
from tests.common.estimators.pooling import assert_close, pool, result_of, summary_of
from tests.common.results.kept_types import keeps_types
from tests.examples import examples

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.rounds.questions import read_questions
from riskset_common.survival.regression.cox import cox_sums, prepare

COX: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"factor": "arm"}, {"number": "age"}],
    "strata": ["site"],
}
ROBUST = COX | {"robust": "site"}


def by_hand(cohort: Cohort, plain: dict[str, Any], n_sites: int) -> np.ndarray:
    """The sandwich from the pooled patients, site by site."""
    used = (cohort.arm >= 0) & ~np.isnan(cohort.age)
    x = np.column_stack([cohort.arm == 1, cohort.arm == 2, cohort.age]).astype(float)
    beta = np.array([term["coef"] for term in plain["terms"]])
    middle = np.zeros((3, 3))
    for site in range(n_sites):
        here = used & (cohort.site == site)
        design = prepare(
            cohort.time[here],
            cohort.event[here] > 0,
            None,
            x[here],
            np.zeros(int(here.sum()), dtype=np.int64),
            "efron",
        )
        score = cox_sums(design, beta).score
        middle += np.outer(score, score)
    bread = np.array(plain["covariance"])
    found: np.ndarray = bread @ middle @ bread
    return found


@given(seed=st.integers(0, 2**32 - 1))
@examples(10)
def test_variances_are_the_sandwich_of_the_sites_scores(seed: int) -> None:
    cohort = random_cohort(seed, n=300)
    plain, robust = (result_of(asked, cohort, 5) for asked in (COX, ROBUST))
    std_err = [term["std_err"] for term in plain["terms"]]
    scale = np.outer(std_err, std_err)

    np.testing.assert_allclose(
        np.array(robust["covariance"]) / scale, by_hand(cohort, plain, 5) / scale, atol=1e-8
    )
    assert [term["coef"] for term in plain["terms"]] == [term["coef"] for term in robust["terms"]]
    assert std_err == robust["robust"]["naive_std_err"]
    assert plain["tests"]["likelihood_ratio"] == robust["tests"]["likelihood_ratio"]
    keeps_types(robust)


def test_z_intervals_and_wald_tests_follow_the_robust_variance() -> None:
    robust = result_of(ROBUST, random_cohort(1, n=300), 5)
    terms, covariance = robust["terms"], np.array(robust["covariance"])
    coef = np.array([term["coef"] for term in terms])

    assert coef @ np.linalg.solve(covariance, coef) == pytest.approx(
        robust["tests"]["wald"]["statistic"]
    )
    assert terms[2]["z"] ** 2 == pytest.approx(robust["tests"]["terms"]["age"]["statistic"])
    assert np.sqrt(covariance[1][1]) == pytest.approx(terms[1]["std_err"])


def test_it_takes_one_round_more() -> None:
    study = study_of(ROBUST, 5)
    cohort = random_cohort(2)
    robust = pool(study, cohort.patients(study)).questions
    plain_study = study_of(COX, 5)
    plain = pool(plain_study, cohort.patients(plain_study)).questions

    assert plain == robust[:-1]
    assert robust[-1]["clusters"]


def test_the_order_of_sites_does_not_matter() -> None:
    study = study_of(ROBUST, 5)
    sites = random_cohort(3).patients(study)

    assert_close(pool(study, sites).result, pool(study, sites[::-1]).result)


def test_sites_of_one_patient_and_aliased_columns_are_no_trouble() -> None:
    cohort = uneven_cohort(4)
    asked = ROBUST | {"strata": ["site"]}
    spread = cohort.with_values(
        site=np.where(cohort.site == 0, np.arange(cohort.n) % 4 + 5, cohort.site)
    )
    keeps_types(result_of(asked, spread, 9))
    constant = random_cohort(5)
    result = result_of(ROBUST, constant.with_values(age=constant.site + 0.1), 5)

    assert [None] * 3 == result["covariance"][2]
    assert 2 == result["tests"]["wald"]["df"]


@pytest.mark.parametrize(("n_sites", "refused"), [(0, False), (4, True), (5, False)])
def test_fewer_than_five_sites_are_refused(n_sites: int, refused: bool) -> None:
    study = study_of(ROBUST, n_sites)
    [spec] = study.plan.analyses

    assert refused == any("at least 5 must take part" in said for said in problems_of(spec, study))


def test_a_site_does_not_give_products_that_its_plan_does_not_ask() -> None:
    study = study_of(COX, 5)
    site = random_cohort(6).patients(study)[0]
    state = {"exponent": [0, 0, 0], "beta": [0.0, 0.0, 0.0], "clusters": True}

    with pytest.raises(ProtocolRefusal, match="whose plan has no `robust`"):
        summary_of(site, study, canonical_json({"asked": state}))


def test_the_spans_of_a_patient_are_one_cluster() -> None:
    cohort = random_cohort(7)
    asked = COX | {"terms": [{"factor": "arm"}, {"exposure": "dose"}], "robust": "patient"}
    exposed_late = cohort.with_values(dose=np.maximum(cohort.time - 1, 1) * 0.5)
    # Of a factor alone the spans change nothing, whatever exposure parts them.
    alone = result_of(COX | {"terms": [{"factor": "arm"}], "robust": "patient"}, cohort, 5)
    never = cohort.with_values(dose=np.full(cohort.n, np.nan))
    parted = result_of(asked, never, 5)
    found = result_of(asked, exposed_late, 5)

    assert_close(alone["terms"], parted["terms"][:2], 1e-8)
    keeps_types(found)


def with_idle_sites(n_sites: int) -> Cohort:
    """Five sites that contribute, one without events, one of a single patient, one where all are alike, and others without anybody."""
    cohort = random_cohort(11, n=400, n_sites=7)
    site = np.where(cohort.site == 6, 7, cohort.site)
    site[np.flatnonzero(site == 7)[0]] = 6
    alike = site == 7
    return cohort.with_values(
        site=site,
        event=np.where(site == 5, 0, np.where(site == 6, 1, cohort.event)),
        arm=np.where(alike, 0, np.maximum(cohort.arm, 0)),
        age=np.where(alike, 50.0, np.nan_to_num(cohort.age, nan=60.0)),
    )


def test_sites_count_that_bear_on_the_coefficients() -> None:
    cohort = with_idle_sites(10)
    without = cohort.with_values(
        event=np.where(cohort.site < 5, cohort.event, 0),
        time=np.where(cohort.site < 5, cohort.time, 1),
    )
    found, expected = result_of(ROBUST, cohort, 10), result_of(ROBUST, without, 10)

    assert 5 == found["robust"]["clusters"]
    assert_close(expected["covariance"], found["covariance"])
    assert any(
        said.startswith("Standard errors are clustered by the 5 sites")
        for said in found["warnings"]
    )


def test_from_fewer_than_five_of_them_nothing_is_asked() -> None:
    cohort = with_idle_sites(10)
    fewer = cohort.with_values(event=np.where(cohort.site == 4, 0, cohort.event))

    with pytest.raises(EstimationError, match="needs 5 sites that bear on the coefficients"):
        result_of(ROBUST, fewer, 10)


def test_twenty_sites_are_enough_not_to_warn() -> None:
    found = result_of(ROBUST, random_cohort(12, n=600, n_sites=20), 20)

    assert 20 == found["robust"]["clusters"]
    assert [] == found["warnings"]


def test_no_wald_test_has_as_many_coefficients_as_sites() -> None:
    terms = [{"factor": "arm"}, {"number": "age"}, {"factor": "sex"}, {"number": "dose"}]
    found = result_of(ROBUST | {"terms": terms}, random_cohort(13, n=400), 5)

    assert (5, None) == (found["tests"]["wald"]["df"], found["tests"]["wald"]["p_value"])
    assert found["tests"]["terms"]["arm"]["p_value"] < 1
    assert found["tests"]["score"]["p_value"] < 1


def test_a_site_answers_for_few_sites_that_bear_on_a_model_whatever_it_is_asked() -> None:
    study = study_of(ROBUST, 5)
    found = pool(study, random_cohort(14).patients(study))
    asked, checked = canonical_json({"asked": found.questions[-1]}), dict(found.verified["asked"])
    few = {**checked, "contributing": np.array(4)}
    without = {name: each for name, each in checked.items() if name != "contributing"}
    for told, said in ((without, "rests on contributing"), (few, "fewer than 5 sites bear")):
        [request] = read_questions(study, asked, {"asked": told}).values()
        with pytest.raises(ProtocolRefusal, match=said):
            estimator_of("cox").require_grounds(request)
