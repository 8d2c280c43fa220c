"""Cox models as analyses: columns, conventions, what has no estimate, and when a fit stops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import (
    CODEBOOK,
    Cohort,
    censored,
    nobody,
    random_cohort,
    study_of,
)
from tests.common.estimators.pooling import assert_close, pool, result_of

from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.terms import columns, design

COX: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"factor": "arm"}, {"number": "age"}],
    "strata": ["site"],
}


def by_name(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{term['term']}={term['level']}": term for term in result["terms"]}


def test_there_is_a_column_for_each_level_but_the_reference() -> None:
    result = result_of(COX | {"terms": [{"factor": "arm", "reference": "B"}]}, random_cohort(1), 5)

    assert [("arm", "A", "B"), ("arm", "C", "B")] == [
        (term["term"], term["level"], term["reference"]) for term in result["terms"]
    ]


def test_the_first_level_is_the_reference_where_none_is_named() -> None:
    result = result_of(COX, random_cohort(1), 5)

    assert ["arm=B", "arm=C", "age=None"] == list(by_name(result))


def test_another_reference_turns_the_coefficients_round() -> None:
    first = by_name(result_of(COX, random_cohort(2), 5))
    turned = COX | {"terms": [{"factor": "arm", "reference": "B"}, {"number": "age"}]}
    second = by_name(result_of(turned, random_cohort(2), 5))

    assert -first["arm=B"]["coef"] == pytest.approx(second["arm=A"]["coef"], rel=1e-9)
    assert first["arm=C"]["coef"] - first["arm=B"]["coef"] == pytest.approx(
        second["arm=C"]["coef"], rel=1e-8
    )
    assert first["age=None"]["coef"] == pytest.approx(second["age=None"]["coef"], rel=1e-9)


def test_interactions_have_a_column_for_each_pair_of_levels_the_first_varying_fastest() -> None:
    asked = COX | {"terms": [{"factor": "arm"}, {"factor": "sex"}], "interaction": ["arm", "sex"]}
    study = study_of(asked, 1)
    [spec] = study.plan.analyses
    assert isinstance(spec, CoxSpec)
    found = columns(spec.terms, spec.interaction, study)
    [patients] = random_cohort(3).patients(study)
    x = design(found, patients, study)

    assert ["arm B", "arm C", "sex female", "arm:sex B:female", "arm:sex C:female"] == [
        f"{column.term} {column.level}" for column in found
    ]
    np.testing.assert_array_equal(x[:, 3], x[:, 0] * x[:, 2])
    np.testing.assert_array_equal(x[:, 4], x[:, 1] * x[:, 2])


def test_an_interaction_with_a_number_is_their_product() -> None:
    asked = COX | {"terms": [{"number": "age"}, {"number": "dose"}], "interaction": ["age", "dose"]}
    study = study_of(asked, 1)
    [spec] = study.plan.analyses
    assert isinstance(spec, CoxSpec)
    [patients] = random_cohort(3).patients(study)
    x = design(columns(spec.terms, spec.interaction, study), patients, study)

    np.testing.assert_array_equal(x[:, 2], x[:, 0] * x[:, 1])


def test_intervals_and_tests_belong_to_the_coefficients() -> None:
    result = result_of(COX | {"level": 0.9}, random_cohort(4), 5)
    for index, term in enumerate(result["terms"]):
        assert term["hazard_ratio"] == pytest.approx(np.exp(term["coef"]))
        assert term["z"] == pytest.approx(term["coef"] / term["std_err"])
        assert term["std_err"] ** 2 == pytest.approx(result["covariance"][index][index])
        assert [-1.6448536269514722, 1.6448536269514722] == pytest.approx(
            [(np.log(term[end]) - term["coef"]) / term["std_err"] for end in ("lower", "upper")]
        )
    by_term = result["tests"]["terms"]

    assert {"arm": 2, "age": 1} == {name: test["df"] for name, test in by_term.items()}
    assert result["terms"][2]["z"] ** 2 == pytest.approx(by_term["age"]["statistic"])
    fitted, null = (result["log_likelihood"][key] for key in ("fitted", "null"))
    assert 2 * (fitted - null) == pytest.approx(result["tests"]["likelihood_ratio"]["statistic"])


@pytest.mark.parametrize("power", [-60, -20, 3, 20])
def test_a_unit_of_a_power_of_two_changes_the_coefficient_by_just_that(power: int) -> None:
    cohort = random_cohort(5)
    scaled = cohort.with_values(age=np.ldexp(cohort.age, power))
    plain = by_name(result_of(COX, cohort, 5))
    other = by_name(result_of(COX, scaled, 5))

    assert plain["age=None"]["coef"] == np.ldexp(other["age=None"]["coef"], power)
    assert plain["arm=B"] == other["arm=B"]


def test_an_offset_of_a_covariate_changes_nothing() -> None:
    cohort = random_cohort(6)
    shifted = cohort.with_values(age=cohort.age + 2.0**20)
    plain, other = result_of(COX, cohort, 5), result_of(COX, shifted, 5)

    assert_close(plain["log_likelihood"], other["log_likelihood"], 1e-8)
    assert_close(by_name(plain)["arm=B"], by_name(other)["arm=B"], 1e-6)


@pytest.mark.parametrize(
    ("conventions", "named", "expected"),
    [("r", None, "efron"), ("sas", None, "breslow"), ("r", "breslow", "breslow")],
)
def test_ties_are_those_of_the_conventions_unless_named(
    conventions: str, named: str | None, expected: str
) -> None:
    asked = COX | {"terms": [{"number": "age"}]} | ({} if named is None else {"ties": named})

    assert expected == result_of(asked, random_cohort(1), 5, conventions=conventions)["ties"]


def constant_within_sites(cohort: Cohort) -> Cohort:
    # 0.1 + k is no exact number: its mean over a site may differ from it in the last digit.
    return cohort.with_values(age=cohort.site + 0.1)


def test_a_column_that_is_constant_within_every_site_has_no_estimate() -> None:
    result = result_of(COX, constant_within_sites(random_cohort(7)), 5)
    age = by_name(result)["age=None"]
    without = result_of(COX | {"terms": [{"factor": "arm"}]}, random_cohort(7), 5)

    assert age["aliased"]
    assert {None} == {age[key] for key in ("coef", "std_err", "hazard_ratio", "z", "p_value")}
    assert [None] * 3 == result["covariance"][2]
    assert 2 == result["tests"]["wald"]["df"]
    assert 0 == result["tests"]["terms"]["age"]["df"]
    assert any("No coefficient for age:" in warning for warning in result["warnings"])
    assert "arm" in without["tests"]["terms"]


def test_a_column_spanned_by_earlier_ones_has_no_estimate() -> None:
    cohort = random_cohort(8)
    result = result_of(
        COX | {"terms": [{"number": "age"}, {"number": "dose"}]},
        cohort.with_values(dose=2 * cohort.age + 3),
        5,
    )

    assert [False, True] == [term["aliased"] for term in result["terms"]]


def test_a_level_that_nobody_has_has_no_estimate_and_no_patients() -> None:
    cohort = random_cohort(9)
    result = result_of(COX, cohort.with_values(arm=np.minimum(cohort.arm, 1)), 5)

    assert by_name(result)["arm=C"]["aliased"]
    assert [0, 0] == [
        level[key] for level in result["levels"] if level["level"] == "C" for key in ("n", "events")
    ]


def test_a_level_without_events_is_said_to_run_to_infinity() -> None:
    cohort = random_cohort(10)
    result = result_of(COX, cohort.with_values(event=np.where(cohort.arm == 2, 0, cohort.event)), 5)

    assert [False, True, False] == [term["monotone"] for term in result["terms"]]
    assert not any(term["aliased"] for term in result["terms"])
    assert any("monotone in arm = C:" in warning for warning in result["warnings"])
    assert result["converged"]


@pytest.mark.parametrize(
    "cohort", [nobody(), censored(random_cohort(11))], ids=["nobody", "no event"]
)
def test_without_events_there_is_no_estimate_and_the_reason_is_said(cohort: Cohort) -> None:
    result = result_of(COX, cohort, 5)

    assert all(term["aliased"] for term in result["terms"])
    assert ["There is no event, so that no coefficient can be estimated."] == result["warnings"]
    assert 1.0 == result["tests"]["wald"]["p_value"]


def test_levels_count_patients_and_events_of_the_complete_cases() -> None:
    cohort = random_cohort(12)
    used = (cohort.arm >= 0) & ~np.isnan(cohort.age)
    result = result_of(COX, cohort, 5)
    levels = CODEBOOK.levels("arm") or ()

    assert int(used.sum()) == result["n"]
    assert int((~used).sum()) == result["missing"]
    assert int((cohort.event[used] > 0).sum()) == result["events"]
    assert [
        (
            level,
            int((cohort.arm[used] == code).sum()),
            int((cohort.event[used & (cohort.arm == code)] > 0).sum()),
        )
        for code, level in enumerate(levels)
    ] == [(level["level"], level["n"], level["events"]) for level in result["levels"]]


def test_the_likelihood_at_zero_is_that_of_the_risk_sets_within_the_sites() -> None:
    cohort = random_cohort(16)
    asked = COX | {"endpoint": "LATE", "ties": "breslow", "terms": [{"factor": "sex"}]}
    by_definition = 0.0
    for site in range(5):
        here = cohort.site == site
        for t in np.unique(cohort.time[here & (cohort.event > 0)]):
            at_risk = here & (cohort.entry < t) & (t <= cohort.time)
            died = here & (cohort.time == t) & (cohort.event > 0)
            by_definition -= died.sum() * np.log(at_risk.sum())

    assert by_definition == pytest.approx(
        result_of(asked, cohort, 5)["log_likelihood"]["null"], rel=1e-12
    )


def test_the_scale_brings_the_widest_site_just_below_one() -> None:
    cohort = random_cohort(17)
    study = study_of(COX | {"terms": [{"number": "dose"}]}, 5)
    [_, first, *_] = pool(study, cohort.patients(study)).questions
    spreads = [np.ptp(cohort.dose[cohort.site == site]) for site in range(5)]

    assert 0.5 <= np.ldexp(max(spreads), -first["exponent"][0]) < 1


def test_the_rule_of_r_stops_earlier_and_near() -> None:
    tight = result_of(COX, random_cohort(13), 5)
    stopped = result_of(COX | {"convergence": "r"}, random_cohort(13), 5)

    assert stopped["iterations"] <= tight["iterations"]
    assert "r" == stopped["convergence"]
    assert stopped["converged"]
    assert_close(tight["terms"], stopped["terms"], 1e-4)


def test_a_fit_that_uses_up_its_iterations_says_so() -> None:
    study = study_of(COX | {"max_iterations": 1}, 5)
    pooled = pool(study, random_cohort(14).patients(study))

    assert not pooled.result["converged"]
    assert 1 == pooled.result["iterations"]
    assert any("did not converge in 1 iterations" in said for said in pooled.result["warnings"])
    # The survey, the likelihood at 0, and one step.
    assert 3 == len(pooled.questions)


def test_every_round_asks_at_other_coefficients_on_one_scale() -> None:
    study = study_of(COX, 5)
    survey, *rounds = pool(study, random_cohort(15).patients(study)).questions

    assert not any(survey.values())
    assert 1 == len({tuple(asked["exponent"]) for asked in rounds})
    assert len(rounds) == len({tuple(asked["beta"]) for asked in rounds})
    assert [0, 0, 0] == rounds[0]["beta"]
