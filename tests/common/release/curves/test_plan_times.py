"""The times of all curves of a plan: who tells of the same patients is released at times of one analysis."""

from __future__ import annotations

from typing import Any

import pytest
from tests.common.estimators.cohorts import CODEBOOK, PLAN, random_cohort
from tests.common.release.curves.computed import ROUNDED
from tests.common.release.rounded import computation, numbers_of

from riskset_common.formats.strict_yaml import parse_yaml
from riskset_common.planning.read import ReleasePlan
from riskset_common.release.accepted import AcceptedTimes
from riskset_common.release.curves.plan_times import times_program
from riskset_common.release.given import Given
from riskset_common.release.program import in_the_open
from riskset_common.study.study import Site, Study
from riskset_common.survival.arrays.calculator import InTheOpen

COHORT = random_cohort(8, n=700)


def accepted(*analyses: dict[str, Any]) -> dict[str, tuple[float, ...]]:
    """By analysis the times of its curves, where a plan has all of them."""
    written = parse_yaml(PLAN, "plan.yaml") | {
        "analyses": [
            {"id": f"a{number}", "kind": "kaplan_meier", "endpoint": "EFS", **analysis}
            for number, analysis in enumerate(analyses)
        ],
        "disclosure": ROUNDED,
    }
    names = [f"site-{k}" for k in range(5)]
    study = Study(ReleasePlan.model_validate(written), CODEBOOK, tuple(map(Site, names, names)))
    sites = COHORT.with_values(arm=COHORT.arm.clip(0)).patients(study)
    work, facts = computation(study, sites)
    data = numbers_of(work, facts, sites)
    outcome = in_the_open(work.program(facts, data, InTheOpen()))
    given = Given(work.study, facts, data, InTheOpen(), outcome.verdicts.cells)
    found: AcceptedTimes = in_the_open(times_program(work.curves(facts), given))
    return {
        spec.id: found[wanted.counted].times[""]
        for spec, wanted in zip(study.plan.analyses, work.curves(facts), strict=True)
    }


@pytest.mark.parametrize("order", [1, -1])
def test_groups_are_released_at_times_of_everybody_in_whatever_order_the_plan_is(order) -> None:
    analyses: list[dict[str, Any]] = [{"at": [21]}, {"by": "sex", "at": [18, 9]}, {"by": "arm"}]
    everybody, sex, arm = list(accepted(*analyses[::order]).values())[::order]

    assert min(len(sex), len(arm)) > 0
    assert set(sex) < set(everybody)
    assert set(arm) < set(everybody)


def test_a_group_is_released_at_times_of_the_population_that_it_is() -> None:
    women, sex = accepted({"population": "women", "at": [17]}, {"by": "sex", "at": [14]}).values()

    assert set(sex) <= set(women)
    assert len(women) > len(sex) > 0


def test_who_has_nothing_in_common_has_times_of_its_own() -> None:
    women, men = accepted(
        {"population": "women", "at": [17]}, {"where": {"sex": ["male"]}, "at": [12]}
    ).values()

    assert 17 in women
    assert 12 in men
    assert not set(men) <= set(women)


@pytest.mark.parametrize("by", ["sex", []], ids=str)
def test_analyses_of_the_same_groups_have_the_same_times(by) -> None:
    one, other = accepted({"by": by, "at": [15]}, {"by": by, "at": [22, 9]}).values()

    assert one == other
    assert 15 in one
