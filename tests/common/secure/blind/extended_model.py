"""What a blind model gives besides its fit, computed in the open and by definition.

For the test of proportional hazards the model is extended by x g(t): patients are parted at the event times, so that g is a covariate
like any other. For the hazard the risk sets are taken one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tests.common.secure.blind.blind_parties import Cohort

from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.survival.regression.cox import Ties, cox_sums, prepare
from riskset_common.survival.regression.proportionality import TimeScores


def time_scores(
    model: BlindModel, cohort: Cohort, g: Sequence[float], beta: np.ndarray, ties: Ties
) -> TimeScores:
    """The blocks of score and information of the extended model at (β, 0), in standardised covariates; `g` of each slot."""
    x = model.standardised(cohort.x)
    values = dict(zip(model.slot_times, g, strict=True))
    times = np.array(sorted(values))
    began = np.full(len(cohort.time), -1.0) if cohort.entry is None else cohort.entry
    before = np.concatenate([[-1.0], times[:-1]])
    patient, part = np.nonzero((began[:, None] < times) & (cohort.time[:, None] > before))
    until = np.minimum(cohort.time[patient], times[part])
    design = prepare(
        until,
        cohort.event[patient] & (until == cohort.time[patient]),
        np.maximum(began[patient], before[part]),
        np.hstack([x[patient], x[patient] * np.array([values[t] for t in times])[part, None]]),
        cohort.strata[patient],
        ties,
    )
    p = len(beta)
    sums = cox_sums(design, np.concatenate([beta, np.zeros(p)]))
    return TimeScores(sums.score[p:], sums.information[:p, p:], sums.information[p:, p:])


def hazards(
    model: BlindModel, cohort: Cohort, beta: np.ndarray, information: np.ndarray, ties: Ties
) -> tuple[list[float], list[float]]:
    """Cumulative hazards and standard errors of every stratum and time that the model asks for."""
    assert model.hazard is not None
    x = model.standardised(cohort.x) - model.hazard_at
    weight = np.exp(x @ beta)
    began = np.full(len(cohort.time), -1.0) if cohort.entry is None else cohort.entry
    cumulative, std_err = [], []
    for stratum in sorted(set(model.slot_strata)):
        inside = cohort.strata == stratum
        for until in model.hazard.times:
            H, V, q = 0.0, 0.0, np.zeros(len(beta))
            for t in np.unique(cohort.time[inside & cohort.event & (cohort.time <= until)]):
                at_risk = inside & (cohort.time >= t) & (began < t)
                dead = inside & cohort.event & (cohort.time == t)
                d = int(dead.sum())
                for l in range(d):
                    share = np.where(dead, 1 - l / d, 1.0) if ties == "efron" else 1.0
                    w = weight * share * at_risk
                    H += 1 / w.sum()
                    V += 1 / w.sum() ** 2
                    q += w @ x / w.sum() ** 2
            cumulative.append(H)
            std_err.append(float(np.sqrt(V + q @ np.linalg.solve(information, q))))
    return cumulative, std_err
