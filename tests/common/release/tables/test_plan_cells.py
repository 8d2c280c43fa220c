"""Counts by what they count: which are the same, which add up, and which lie within which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.release.tables.plan_tables import counted, interfant

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.release.cells import UNKNOWN, Counts, missing_cell, patients_cell
from riskset_common.release.tables.plan_cells import merged
from riskset_common.release.tables.relations import null_space, signed
from riskset_common.release.times import Cohort
from riskset_common.study.study import Study

TRIAL = Cohort("trial")


def place(study: Study, cells: Any, *levels: Any) -> object:
    """The place of a count of the trial's patients."""
    return cells.system(study).place[patients_cell(study, TRIAL, None, levels)]


@pytest.fixture(scope="module")
def trial() -> Any:
    return counted(*interfant(5, 10))


def test_conditions_that_the_codebook_proves_equal_are_one_count(trial: Any) -> None:
    low_risk = place(trial.study, trial.cells, ("track", ("Low risk",)))

    assert low_risk == place(trial.study, trial.cells, ("risk", ("LR",)))
    # Each of three steps of the flow follows from the levels before it, so that nobody can be there.
    assert (
        trial.cells.system(trial.study).place[
            patients_cell(
                trial.study,
                TRIAL,
                None,
                (
                    ("track", ("Low risk",)),
                    ("randomisation", ("Recruited after closure",)),
                    ("arm", ("IB",)),
                    ("follow_up", ("Lost to follow-up",)),
                ),
            )
        ]
        is None
    )


def test_an_endpoint_and_the_first_of_the_same_dates_are_two_counts(trial: Any) -> None:
    """They are the same in plausible records, but a horizon of a site's own reading could part them."""
    system = trial.cells.system(trial.study)
    relapsed = patients_cell(trial.study, Cohort("relapsed"), None, ())
    by_date = system.place[relapsed]
    by_endpoint = {
        system.place[cell]
        for cell in system.place
        if cell.followed == "EFS" and cell.events == ("relapse",)
    }

    assert by_date is not None
    assert by_date not in by_endpoint


def test_all_sums_that_are_said_to_be_0_are_0_in_the_records(trial: Any) -> None:
    system = trial.cells.system(trial.study)

    for whole, parts in system.parts:
        assert trial.truth[whole] == trial.truth[list(parts)].sum()
    factors = signed(system.relations)
    assert not np.any(factors @ trial.truth)
    assert len(factors) > len(system.parts)


def test_what_lies_within_a_count_is_never_more(trial: Any) -> None:
    around = trial.cells.system(trial.study).around

    for inner, outer in enumerate(around):
        assert all(trial.truth[inner] <= trial.truth[each] for each in outer)
    assert max(map(len, around)) > 5


def test_who_is_missing_and_who_is_complete_are_all() -> None:
    study = study_of({"kind": "baseline", "by": "arm", "rows": ["sex"]}, 5)
    cohort = random_cohort(4, n=90)
    found = counted(study, cohort.patients(study))
    system = found.cells.system(study)
    missing = system.place[missing_cell(study, Cohort(), None, ("arm",))]
    known = system.place[patients_cell(study, Cohort(), None, (("arm", ("A", "B", "C")),))]
    unknown_sex = [cell for cell in system.place if ("sex", (UNKNOWN,)) in cell.conditions]

    assert cohort.n == found.truth[missing] + found.truth[known]
    assert 4 == len(unknown_sex)


def test_without_variables_nobody_is_missing() -> None:
    study = study_of({"kind": "baseline", "rows": ["sex"]}, 5)
    found = counted(study, random_cohort(4).patients(study))

    assert 0 == found.verdicts.cells[missing_cell(study, Cohort(), None, ())]


def test_a_count_that_is_named_twice_takes_the_higher_floor() -> None:
    study = study_of({"kind": "event_table", "endpoint": "EFS"}, 5)
    cell = patients_cell(study, Cohort())
    twice = [Counts(cell), Counts(cell, "minimum_at_risk"), Counts(cell)]

    assert (Counts(cell, "minimum_at_risk"),) == merged(twice)


def test_the_null_space_of_rows_is_all_of_it() -> None:
    rows = np.array([[1, 2, 3], [2, 4, 6], [0, 1, 1], [1, 3, 4]], dtype=np.int64)
    found = signed(null_space(rows))

    assert 2 == np.linalg.matrix_rank(found)
    assert not np.any(found @ rows)


@pytest.mark.parametrize("kind", ["baseline", "event_table", "flow", "kaplan_meier"])
def test_every_kind_names_its_counts(kind: str) -> None:
    study, _ = interfant(5, 10)
    of_kind = [spec for spec in study.plan.analyses if spec.kind == kind]

    assert of_kind
    for spec in of_kind:
        assert list(estimator_of(kind).cells(spec, study))
