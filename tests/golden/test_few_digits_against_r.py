"""Cox models of which few digits are opened print R's coefficients and standard errors, digit by digit, on the references."""

from __future__ import annotations

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import (
    Cohort,
    fit_on_shares,
    hidden_model_of,
    within_sites_model_of,
)
from tests.golden.conftest import SHIPPED, references
from tests.golden.test_blind_cox_against_r import N_SITES, split, unscaled
from tests.golden.test_cox_against_r import patients_of

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.secure.blind.cox.bounds import CoxModel
from riskset_common.survival.regression.printed_digits import (
    digits_of_coefficients,
    rounded_to,
    significant,
)

IN_THE_GATE = (
    "lung/cox_single",
    "lung/cox_strat_sex",
    "edge_missing/cox_strat_site",
    "rossi/cox_efron",
    "rossi/cox_breslow",
    "edge_left_trunc/cox_breslow",
)
REFUSED = {
    "edge_huge_ties/cox_efron": "Choose a finer grid",
    "edge_huge_ties/cox_breslow": "Choose a finer grid",
    "edge_huge_ties/cox_site_factor": "Choose a finer grid",
    "lung/cox_strat_inst": "merge rare levels",
}
"""Hundreds of deaths on one day, and a level that one patient has."""
MODELS = [
    each
    for each in references()
    if each.analysis["kind"] == "cox"
    and each.folder == SHIPPED
    and each.spec["cluster"] is None
    and not each.result["monotone_likelihood"]
]
ASKED = [
    pytest.param(
        each,
        id=each.analysis["id"],
        marks=() if each.analysis["id"] in IN_THE_GATE else pytest.mark.slow,
    )
    for each in MODELS
    if each.analysis["id"] not in REFUSED
]


def printed(coef: np.ndarray, std_err: np.ndarray) -> tuple[list[float], list[float]]:
    """Coefficients and standard errors as they are released."""
    units = digits_of_coefficients(coef, std_err).tolist()
    shown = [rounded_to(value, unit) for value, unit in zip(coef.tolist(), units, strict=True)]
    return shown, [significant(value) for value in std_err.tolist()]


def fitted(asked, design):
    """A reference on shares. Strata of hospitals are sites, each of which sums up its own patients; all others are pooled."""
    (time, event, entry, stratum), columns = patients_of(asked, design)
    cohort = Cohort(time, event.astype(bool), columns.x, entry, stratum)
    n_sites, site = N_SITES, split(len(time))
    model: CoxModel
    if asked.spec["strata"] in (["inst"], ["site"]):
        n_sites, site = int(stratum.max()) + 1, stratum
        model = within_sites_model_of(cohort, asked.spec["ties"])
    else:
        model = hidden_model_of(cohort, asked.spec["ties"])
    return unscaled(model, fit_on_shares(model, cohort, site, n_sites).fit)


@pytest.mark.parametrize("asked", ASKED)
def test_a_model_of_few_digits_prints_rs_digits(asked, design, as_numbers):
    fit = fitted(asked, design)

    expected = printed(as_numbers(asked.result["coef"]), as_numbers(asked.result["se"]))
    assert expected == printed(fit.coef, fit.std_err)


@pytest.mark.parametrize(
    "asked",
    [each for each in MODELS if each.analysis["id"] in REFUSED],
    ids=lambda each: each.analysis["id"],
)
def test_what_few_digits_cannot_tell_is_refused(asked, design):
    with pytest.raises((EstimationError, ProtocolRefusal), match=REFUSED[asked.analysis["id"]]):
        fitted(asked, design)
