"""What one analysis withholds cannot be solved from it: whole-number programming over all that its released JSON says.

The rule that is tested: of every count of patients that plan, codebook and pages define within an analysis (`known`), and that is
in truth from 1 to `minimum_cell` - 1, what is shown leaves an interval which reaches `minimum_cell`, or holds each of 1 to
`minimum_cell` - 1. A number at risk is released rounded and says how many have left by then, to within 2: so counts of events up to and
after a time are protected from everything but these numbers, and all other counts from these too. Survival and other reals
are no counts; docs/disclosure.md says what they show.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.analyses import COUNTED, OF_SITES, STRATIFIED
from tests.common.estimators.cohorts import Cohort, random_cohort
from tests.common.estimators.pooling import result_of
from tests.examples import examples
from tests.runs import results_of
from tests.server.disclosure.as_released import release
from tests.server.disclosure.known import solved

from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.axis import RoundTimes

ANALYSES = COUNTED | {f"{name} within sites": each for name, each in STRATIFIED.items()} | OF_SITES


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    """Up to 200 patients, of whom few have an event, or hardly any none; some levels are rare, and some are not known."""
    n = draw(st.integers(10, 200))
    cohort = random_cohort(draw(st.integers(0, 10_000)), n=n)
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))

    def some(share: float) -> np.ndarray:
        return np.asarray(rng.random(n) < share)

    rare, unknown = (draw(st.sampled_from([0, 0.02, 0.1])) for _ in range(2))
    few = draw(st.sampled_from([0, 0.3, 0.9, 0.98]))
    arm = np.where(some(1 - rare), np.minimum(cohort.arm, 1), 2)
    event = np.where(some(few), draw(st.sampled_from([0, 1])), cohort.event)
    return cohort.with_values(
        arm=np.where(some(unknown), -1, arm),
        sex=np.where(some(unknown), -1, cohort.sex),
        event=np.where(some(draw(st.sampled_from([0, 0.02]))), -1, event),
        time=np.minimum(cohort.time, draw(st.sampled_from([9, 60]))),
        entry=np.minimum(cohort.entry, np.minimum(cohort.time, 9) - 1),
        dose=np.where(some(0.5), 1.0, 20.0),
    )


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")  # of hardly any patients
@examples(8)
@pytest.mark.parametrize("analysis", ANALYSES.values(), ids=list(ANALYSES))
@given(cohort=cohorts(), smallest=st.sampled_from([3, 5]))
def test_no_small_count_of_an_analysis_can_be_solved(
    analysis: dict[str, Any], cohort: Cohort, smallest: int
) -> None:
    exact = result_of(analysis, cohort, 5)
    disclosure = Disclosure(minimum_cell=smallest, minimum_at_risk=10)
    released = release(exact, disclosure, RoundTimes("days"))

    assert [] == list(solved(exact, released, smallest, entry=analysis.get("endpoint") == "LATE"))


@pytest.mark.parametrize("smallest", [3, 5, 10])
def test_no_small_count_of_the_lung_study_can_be_solved(smallest: int) -> None:
    disclosure = Disclosure(minimum_cell=smallest, minimum_at_risk=10)
    found = {
        name: list(
            solved(exact, release(exact, disclosure, RoundTimes("days")), smallest, entry=False)
        )
        for name, exact in results_of("lung")["analyses"].items()
    }

    assert {} == {name: each for name, each in found.items() if each}


def test_what_one_subtraction_gives_is_found() -> None:
    """All patients less the group whose events are shown, as results of univariate analyses once were released."""
    cohort = random_cohort(5, n=60)
    few = (cohort.sex == 0) | (np.cumsum(cohort.sex) <= 3)
    asked = COUNTED["univariate"] | {"factors": ["sex"]}
    exact = result_of(asked, cohort.with_values(event=np.where(few, 1, 0)), 5)
    released = json.loads(json.dumps(exact))
    female = next(
        group
        for group in released["factors"][0]["curves"]["groups"]
        if group["level"] == {"sex": "female"}
    )
    female |= {name: {"withheld": "minimum_cell 5"} for name in ("events", "at", "curve")}
    found = list(solved(exact, released, 5, entry=False))

    assert "sex female events is 3, and 3 to 3 follows" in found
