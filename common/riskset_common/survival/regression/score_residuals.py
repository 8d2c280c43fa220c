"""Score residuals: the contribution of each row of a Cox design to the score, and the robust variance from them.

In the notation of `cox`, with m_l the mean of x over the risk set when the l-th of the d tied deaths is taken out of it, and s_l the
weight that is left then, a row that is at risk at some event times and dies at one of them contributes

    x [died] - (mean of m_l) [died] - w sum over times and l of (1 - f_l [died here]) (x - m_l) / s_l

These add up to the score. Summed over the rows of a patient, and squared over the patients, they are the middle of the robust variance.

References
----------
Lin DY, Wei LJ (1989), J Am Stat Assoc 84:1074. Therneau TM, Grambsch PM (2000), Modeling Survival Data, section 7.2 (Efron's ties).
"""

from __future__ import annotations

import numpy as np

from riskset_common.survival.arrays.shapes import FloatArray
from riskset_common.survival.regression.cox import CoxDesign, weighted_rows


def score_residuals(design: CoxDesign, beta: FloatArray) -> FloatArray:
    """Contribution of every row to the score at the coefficients β, shape (p, n_rows)."""
    if len(design.deaths) == 0:
        return np.zeros_like(design.x)
    _, weighted = weighted_rows(design, beta)
    w, deaths, d = weighted[0], design.deaths, design.deaths_per_slot
    sums = design.risk_sets.over_risk_sets(weighted)
    died = np.add.reduceat(weighted[:, deaths], design.slot_deaths, axis=1)
    f = np.zeros(len(deaths)) if design.fraction is None else design.fraction
    # At each death: the weight s that is left of the risk set, and the mean m over it.
    left = np.repeat(sums, d, axis=1) - f * np.repeat(died, d, axis=1)
    s, m = left[0], left[1:] / left[0]

    def by_slot(values: FloatArray) -> FloatArray:
        added: FloatArray = np.add.reduceat(values, design.slot_deaths, axis=-1)
        return added

    def at_risk(values: FloatArray) -> FloatArray:
        added: FloatArray = design.risk_sets.over_time_at_risk(by_slot(values))
        return added

    residuals: FloatArray = -design.x * (w * at_risk(1 / s))
    for index, mean in enumerate(m):
        residuals[index] += w * at_risk(mean / s)
    middle = np.repeat(by_slot(m) / d, d, axis=1)
    spared = design.x[:, deaths] * np.repeat(by_slot(f / s), d) - np.repeat(
        by_slot(f * m / s), d, axis=1
    )
    residuals[:, deaths] += design.x[:, deaths] - middle + w[deaths] * spared
    return residuals


def residual_products(design: CoxDesign, beta: FloatArray) -> FloatArray:
    """Sum over the patients of the product of their contribution to the score with itself, shape (p, p)."""
    residuals = score_residuals(design, beta)
    by_patient = np.zeros((len(residuals), int(design.rows.max(initial=-1)) + 1))
    np.add.at(by_patient.T, design.rows, residuals.T)
    products: FloatArray = by_patient @ by_patient.T
    return products
