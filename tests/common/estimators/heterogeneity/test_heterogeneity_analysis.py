"""Heterogeneity as an analysis: which sites count, what is not asked of few, and what a plan cannot ask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import CODEBOOK, random_cohort, study_of
from tests.common.estimators.pooling import pool, result_of, summary_of

from riskset_common.errors import PlanError, ProtocolRefusal
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.planning.check import check_plan
from riskset_common.study.codebook import Derived
from riskset_common.study.study import Study

ASKED: dict[str, Any] = {
    "kind": "heterogeneity",
    "endpoint": "EFS",
    "terms": [{"factor": "sex"}, {"number": "age"}],
}


def test_the_effects_are_those_of_each_sites_own_model() -> None:
    cohort = random_cohort(51)
    own = [
        result_of(
            ASKED | {"kind": "cox", "strata": ["site"]},
            cohort.with_values(
                time=np.where(cohort.site == site, cohort.time, -1),
                event=np.where(cohort.site == site, cohort.event, -1),
            ),
            5,
        )["terms"][0]
        for site in range(5)
    ]
    b, w = (
        np.array(each) for each in zip(*[(t["coef"], t["std_err"] ** -2) for t in own], strict=True)
    )
    result = result_of(ASKED, cohort, 5)

    assert 5 == result["sites"]
    assert (w * b).sum() / w.sum() == pytest.approx(result["fixed"]["coef"], rel=1e-9)
    assert (w * (b - result["fixed"]["coef"]) ** 2).sum() == pytest.approx(
        result["test"]["statistic"], rel=1e-9
    )


def test_of_fewer_than_five_sites_with_an_estimate_no_sum_is_asked() -> None:
    cohort = random_cohort(52)
    one_without = cohort.with_values(event=np.where(cohort.site == 2, 0, cohort.event))
    study = study_of(ASKED, 5)
    pooled = pool(study, one_without.patients(study))

    assert 1 == len(pooled.questions)
    assert 4 == pooled.result["sites"]
    assert {None} == set(pooled.result["fixed"].values()) | set(pooled.result["random"].values())
    assert None is pooled.result["i_squared"] is pooled.result["tau_squared"]
    assert "Only 4 sites have an estimate of their own." in pooled.result["warnings"][0]
    assert cohort.n - pooled.result["missing"] == pooled.result["n"]


@pytest.mark.parametrize("seed", [53, 54, 55])
def test_a_site_where_another_covariate_leaves_nothing_to_tell_the_effect_by_has_no_estimate(
    seed: int,
) -> None:
    cohort = random_cohort(seed, n=350, n_sites=7)
    # At two of the sites whoever is older dies first.
    separated = cohort.site >= 5
    order = cohort.with_values(
        time=np.where(separated, 1 + np.arange(cohort.n), cohort.time),
        event=np.where(separated, 1, cohort.event),
        age=np.where(separated, 99 - 0.2 * np.arange(cohort.n), cohort.age),
    )
    without = order.with_values(
        event=np.where(separated, 0, order.event), age=np.where(separated, 50.0, order.age)
    )
    found, expected = result_of(ASKED, order, 7), result_of(ASKED, without, 7)

    assert 5 == found["sites"]
    for name in ("fixed", "random", "test", "i_squared", "tau_squared"):
        assert expected[name] == found[name]


@pytest.mark.parametrize(
    ("asks", "told", "said"),
    [
        (
            "sums",
            {},
            "rests on with_estimate and events of analysis asked, but this site was shown no",
        ),
        ("sums", {"with_estimate": [4]}, "fewer than 5 sites have one"),
        ("random", {"with_estimate": [9]}, "rests on effect_sums"),
        ("random", {"with_estimate": [9], "effect_sums": [[9.0, 0.0, 0.0, 9.0]]}, "do not differ"),
    ],
)
def test_a_site_answers_for_few_sites_or_for_no_variance_whatever_it_is_asked(
    asks: str, told: dict[str, Any], said: str
) -> None:
    study = study_of(ASKED, 5)
    site = random_cohort(54).patients(study)[0]
    checked = {name: np.array(values) for name, values in told.items()}
    if told:
        checked["events"] = np.array(99)

    with pytest.raises(ProtocolRefusal, match=said):
        summary_of(site, study, canonical_json({"asked": {"asks": asks}}), {"asked": checked})


def with_regions(analysis: dict[str, Any], **groups: list[str]) -> Study:
    study = study_of(analysis, 12)
    region = Derived.model_validate({"from": "study_group", "label": "Region", "groups": groups})
    codebook = CODEBOOK.model_copy(update={"derived": {"region": region}})
    return Study(study.plan, codebook, study.sites)


@pytest.mark.parametrize(
    ("first", "is_shown"), [(range(6), True), (range(4), False), (range(12), True)]
)
def test_groups_of_sites_are_shown_where_each_has_five_or_none(
    first: range, is_shown: bool
) -> None:
    names = {k: f"site-{k}" for k in range(12)}
    groups = {
        "near": [names[k] for k in first],
        "far": [name for k, name in names.items() if k not in first] or ["nobody"],
    }
    study = with_regions(ASKED | {"by": "region"}, **groups)
    cohort = random_cohort(53, n=900, n_sites=12)
    patients = cohort.patients(study)
    for k, site in enumerate(patients):
        site.categories["region"] = np.full(site.n, int(k not in first))  # type: ignore[index]  # a dict
    result = pool(study, patients).result
    shown = [group for group in result["groups"] if group["effect"]["coef"] is not None]

    assert [12, 12 - len(first)] == [12, result["groups"][1]["sites"]]
    assert is_shown == ("between" in result)
    assert (sum(group["sites"] > 0 for group in result["groups"]) if is_shown else 0) == len(shown)
    assert is_shown != any("A group has fewer than 5 sites" in said for said in result["warnings"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"terms": [{"factor": "arm"}]}, "arm, the effect, has 3 levels; it must have two."),
        ({"terms": [{"number": "age"}]}, "age is a number. Write a factor with two levels"),
        ({"by": "sex"}, "by: sex may differ between patients of one site."),
    ],
)
def test_what_is_no_effect_or_no_group_of_sites_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(PlanError) as refused:
        check_plan(study_of(ASKED | changes, 5))

    assert message in str(refused.value)
