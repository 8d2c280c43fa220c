"""Counts of a cohort on days and marks: numbers at risk at every mark are those of the patients themselves."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.release.times import Cohort, LeavingTimes, at_risk
from riskset_common.study.patients import EndpointTimes, Patients
from riskset_common.study.study import Study
from riskset_common.survival.arrays.calculator import Clear, InTheOpen, clear


class Words:
    """As much of a study as counting asks."""

    def levels(self, name: str) -> tuple[str, ...]:
        return {"sex": ("female", "male")}[name]

    def endpoint(self, name: str) -> Words:
        assert "EFS" == name
        return self

    events = ("relapse", "death")
    time = None
    origin = "diagnosis"

    def chosen(self, patients: Patients, population: str | None, where: object) -> np.ndarray:
        assert (None, {}) == (population, where)
        return np.ones(patients.n, dtype=np.bool_)


@pytest.mark.parametrize("left_truncated", [False, True])
@pytest.mark.parametrize(
    ("kinds", "censors"), [((), False), (("death",), True), (("death",), False)]
)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 60))
def test_at_risk_at_a_mark_are_those_who_came_before_it_and_did_not_leave(
    left_truncated, kinds, censors, seed, n
) -> None:
    rng = np.random.default_rng(seed)
    time, event, sex = rng.integers(1, 30, n), rng.integers(0, 3, n), rng.integers(-1, 2, n)
    entry = rng.integers(0, np.maximum(time, 1)) if left_truncated else None
    patients = Patients(n, {"sex": sex}, endpoints={"EFS": EndpointTimes(time, event, entry)})
    days = tuple(sorted(set(time[event > 0].tolist()) | {4}))
    marks = tuple(sorted({*days, 7, 12, 31}))
    counted = LeavingTimes("EFS", kinds, censors, Cohort(), ("sex",), days, marks, left_truncated)
    study = cast("Study", Words())
    own = counted.of(patients, study)
    found = clear(at_risk(InTheOpen(), {name: Clear(own[name]) for name in own}, counted))

    entered = np.full(n, -1) if entry is None else entry
    expected = [
        [int(((sex == group) & (entered < mark) & (mark <= time)).sum()) for mark in marks]
        for group in (0, 1, -1)
    ]
    assert expected == found.tolist()
    for identity in counted.identities(study):
        sums = [
            sum(own[name].sum(axis=axes) if axes else own[name] for name, axes in side)
            for side in (identity.left, identity.right)
        ]
        assert np.array_equal(sums[0], sums[1])
    for level in counted.levels(study):
        totals = [
            sign
            * np.pad(
                np.cumsum(own[name].sum(axis=axes) if axes else own[name], axis=-1),
                ((0, 0), (1, 0)),
            )[:, until]
            for name, axes, until, sign in (
                (term.array, term.axes, list(term.until), term.sign) for term in level.terms
            )
        ]
        assert np.array_equal(sum(totals), own[level.array])
        assert not n or int(own[level.array].min()) >= 0
    assert {name: each.shape for name, each in own.items()} == {
        name: each.shape for name, each in counted.arrays(study).items()
    }
