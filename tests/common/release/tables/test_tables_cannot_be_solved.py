"""What a plan withholds cannot be solved: from all of its tables, curves and models together, with every bit that was opened."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.release.tables.plan_tables import Counted, counted, interfant
from tests.common.release.tables.solver import Solver
from tests.examples import examples

from riskset_common.release.tables.verdicts import implied_by_verdicts
from riskset_common.results.shown import Withheld
from riskset_common.study.study import Study


def assert_verdicts_are_implied(found: Counted) -> None:
    """Everything that was opened follows from the verdicts."""
    implied = implied_by_verdicts(found.cells, found.study, found.verdicts)

    assert found.opened.keys() == implied.keys()
    for name, values in found.opened.items():
        assert np.array_equal(values, implied[name]), name


@pytest.mark.parametrize(
    ("smallest", "fewest"), [(5, 10), pytest.param(3, 5, marks=pytest.mark.slow)]
)
def test_nothing_that_interfant_withholds_is_solved(
    smallest: int, fewest: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each analysis by itself withheld 74 of 482 counts at floors of 5 and 10, and 52 of these were solved from the others."""
    found = counted(*interfant(smallest, fewest))
    solved = Solver(found).solved()
    with capsys.disabled():
        print(
            f"\nfloors {smallest} and {fewest}: {len(found.truth) - len(found.held)} of {len(found.truth)} counts are shown, "
            f"{len(found.held)} are held, of which {len(solved)} are solved (before: 408 of 482 shown, 52 of 74 solved)"
        )

    assert [] == solved
    assert 30 < len(found.held) < 100
    assert_verdicts_are_implied(found)


def plan_of_tables(smallest: int) -> Study:
    """Tables that share rows, columns and populations."""
    analyses = [
        {"id": "by_arm", "kind": "baseline", "by": "arm", "rows": ["sex"]},
        {
            "id": "women",
            "kind": "baseline",
            "by": "arm",
            "rows": ["hospital"],
            "population": "women",
        },
        {"id": "events", "kind": "event_table", "endpoint": "EFS", "by": "arm"},
    ]
    disclosure = {"release": "rounded", "minimum_cell": smallest, "minimum_at_risk": smallest}
    return study_of({}, 5, analyses=analyses, disclosure=disclosure)


def tables(seed: int, smallest: int) -> Counted:
    """The verdicts of up to 90 patients, some levels of whom are rare or unknown."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 90))
    rare, unknown = rng.choice([0, 0.03, 0.1], 2)
    cohort = random_cohort(seed, n=n)
    arm = np.where(rng.random(n) < 1 - rare, np.minimum(cohort.arm, 1), 2)
    cohort = cohort.with_values(
        arm=np.where(rng.random(n) < unknown, -1, arm),
        sex=np.where(rng.random(n) < unknown, -1, cohort.sex),
    )
    study = plan_of_tables(smallest)
    return counted(study, cohort.patients(study))


@examples(8)
@given(seed=st.integers(0, 10_000), smallest=st.sampled_from([3, 5]))
def test_no_count_that_is_held_follows_from_what_is_shown(seed: int, smallest: int) -> None:
    found = tables(seed, smallest)

    assert [] == Solver(found, nested=False, bits=False).solved()
    assert_verdicts_are_implied(found)


@examples(4)
@given(seed=st.integers(0, 10_000))
def test_no_small_count_follows_from_all_that_was_opened(seed: int) -> None:
    found = tables(seed, 5)
    small = [place for place, why in found.held.items() if why == "small"]
    solver = Solver(found, nested=False)

    assert [] == [place for place in small if solver.is_solved(place)]


def test_a_plan_for_one_patient_opens_nothing_but_that_it_is_withheld() -> None:
    """An adversary writes a population that only one patient meets."""
    cohort = random_cohort(2, n=80)
    alone = np.full(cohort.n, 0)
    alone[7] = 2
    analyses = [
        {"id": "b", "kind": "baseline", "population": "p", "rows": ["sex", {"number": "age"}]},
        {"id": "k", "kind": "event_table", "endpoint": "EFS", "population": "p"},
    ]
    study = study_of(
        {},
        5,
        analyses=analyses,
        populations={"p": {"label": "P", "where": {"arm": ["C"]}}},
        disclosure={"release": "rounded"},
    )
    found = counted(study, cohort.with_values(arm=alone).patients(study))

    assert all(
        isinstance(verdict, Withheld) or verdict == 0 for verdict in found.verdicts.cells.values()
    )
    assert "counts that are shown" not in found.opened
    assert {"counts that are small"} == found.opened.keys()
    assert found.opened["counts that are small"].all()
