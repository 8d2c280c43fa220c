"""Blind Cox fits equal R's coxph on the pooled patients, split among sites that see no sum.

Here are the references that come with riskset, and those that no whole run asks; `test_a_run_equals_r` has all that a plan can ask.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import Cohort, fit_blind
from tests.golden.conftest import SHIPPED, references
from tests.golden.test_cox_against_r import check_fit, patients_of
from tests.system.end_to_end.reference_study import why_not

N_SITES = 5
ASKED = [
    each
    for each in references()
    if each.analysis["kind"] == "cox"
    and (each.folder == SHIPPED or why_not(each.analysis) is not None)
]


def unscaled(model, fit):
    """The fit in the columns' own units."""
    scale = np.ldexp(1.0, -model.exponent)
    return dataclasses.replace(
        fit,
        coef=fit.coef * scale,
        std_err=fit.std_err * scale,
        covariance=fit.covariance * np.outer(scale, scale),
    )


def split(n):
    """Unequal sites, the last of them one patient."""
    site = np.random.default_rng(n).choice(N_SITES - 1, n, p=(0.55, 0.25, 0.15, 0.05))
    site[0] = N_SITES - 1
    return site


@pytest.mark.parametrize("asked", ASKED, ids=[each.analysis["id"] for each in ASKED])
def test_the_blind_fit_is_rs_maximum(asked, design, as_numbers):
    (time, event, entry, stratum), columns = patients_of(asked, design)
    cohort = Cohort(time, event.astype(bool), columns.x, entry, stratum)
    model, outcome = fit_blind(
        cohort, split(len(time)), N_SITES, ties=asked.spec["ties"], max_iterations=60
    )

    check_fit(asked.result, unscaled(model, outcome.fit), columns, as_numbers)


@pytest.mark.parametrize("preset", [(5, 2), (5, 1)])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_committees_of_five_find_rs_maximum_for_lung(shipped, design, as_numbers, preset, ties):
    (lung,) = [each for each in shipped if each.analysis["id"] == f"lung/cox_{ties}"]
    (time, event, entry, stratum), columns = patients_of(lung, design)
    cohort = Cohort(time, event.astype(bool), columns.x, entry, stratum)
    model, outcome = fit_blind(cohort, split(len(time)), N_SITES, ties=ties, preset=preset)

    check_fit(lung.result, unscaled(model, outcome.fit), columns, as_numbers)
