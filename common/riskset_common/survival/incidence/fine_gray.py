"""The subdistribution hazard of one kind of event: a Cox design whose risk sets keep the patients with a competing event.

A patient with a competing event at T stays at risk at all later event times t of the stratum, by the probability of still being
under observation, given that the patient was at T:

    G(t-) / G(T-),    G the Kaplan-Meier estimate of the time to censoring

where events at a time leave before the censorings at that time. The weight factorises, so that one further row a patient does:
its values are divided by G(T-), and the sum over such rows at an event time is multiplied by G(t-). Patients have the weight 1
otherwise, so that ties are treated as in a Cox model.

References
----------
Fine JP, Gray RJ (1999), J Am Stat Assoc 94:496, section 3. Geskus RB (2011), Biometrics 67:39, equation 4 (the weights).
Zhou B, Latouche A, Rocha V, Fine J (2011), Biometrics 67:661 (strata).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray, same_length
from riskset_common.survival.regression.cox import CoxDesign, Ties, prepare
from riskset_common.survival.regression.risk_sets import SumsOverRiskSets


@dataclass(frozen=True, eq=False)
class CensoringCurve:
    """The probability G of not being censored, a step function.

    Attributes
    ----------
    steps
        Ascending times at which it falls, shape (n_steps,).
    after
        Its value from each of them on, shape (n_steps,); it is 1 before the first.
    """

    steps: IntArray
    after: FloatArray

    def before(self, time: IntArray) -> FloatArray:
        """G(t-), shape (n,)."""
        values: FloatArray = np.append(1.0, self.after)[np.searchsorted(self.steps, time)]
        return values


def censoring_curve(steps: IntArray, events: IntArray, censored: IntArray) -> CensoringCurve:
    """Estimate G from the patients who leave at ascending steps: with an event of any kind, and censored, shape (n,) each."""
    leaving = events + censored
    left = leaving.sum() - (np.cumsum(leaving) - leaving) - events
    falls = np.flatnonzero(censored)
    return CensoringCurve(steps[falls], np.cumprod(1 - censored[falls] / left[falls]))


def own_censoring_curves(
    time: IntArray, kind: IntArray, stratum: IntArray
) -> Mapping[int, CensoringCurve]:
    """G of each stratum by itself, from its own patients; `kind` is 0 for the censored, shape (n,) each."""
    curves = {}
    for each in np.unique(stratum).tolist():
        inside = stratum == each
        steps, row = np.unique(time[inside], return_inverse=True)
        ended = kind[inside] > 0
        events, censored = (
            np.bincount(row[chosen], minlength=len(steps)) for chosen in (ended, ~ended)
        )
        curves[int(each)] = censoring_curve(steps, events, censored)
    return curves


@dataclass(frozen=True, eq=False)
class KeptRiskSets:
    """Risk sets in which some rows stand for patients after a competing event.

    Attributes
    ----------
    inner
        Who is at risk at which event time, whatever the weight.
    row_weight
        1/G(T-) of the rows after a competing event at T, shape (n_rows,); 0 of the others.
    slot_weight
        G(t-) at each event time, shape (n_slots,).
    """

    inner: SumsOverRiskSets
    row_weight: FloatArray
    slot_weight: FloatArray

    @property
    def is_kept(self) -> BoolArray:
        """Rows after a competing event, shape (n_rows,)."""
        return self.row_weight > 0

    def over_risk_sets(self, values: FloatArray) -> FloatArray:
        """Weighted sum over the risk set of every slot; values of shape (q, n_rows), sums of shape (q, n_slots)."""
        both = np.concatenate([np.where(self.is_kept, 0, values), values * self.row_weight])
        plain, kept = np.split(self.inner.over_risk_sets(both), 2)
        return plain + kept * self.slot_weight

    def over_time_at_risk(self, values: FloatArray) -> FloatArray:
        """Weighted sum over the time at risk of every row; values of shape (n_slots,), sums of shape (n_rows,)."""
        plain = self.inner.over_time_at_risk(values)
        kept = self.inner.over_time_at_risk(values * self.slot_weight) * self.row_weight
        return np.where(self.is_kept, kept, plain)


def prepare_subdistribution(
    time: IntArray,
    kind: IntArray,
    x: FloatArray,
    stratum: IntArray,
    ties: Ties,
    censoring: CensoringCurve | Mapping[int, CensoringCurve],
) -> CoxDesign:
    """Arrange patients for the likelihood of the subdistribution hazard; its `rows` are patients, of whom some have two.

    Parameters
    ----------
    time
        Whole steps of a time grid from the origin, 0 or more, shape (n,).
    kind
        0 censored, 1 the event, 2 and above a competing event, shape (n,).
    x, stratum, ties
        As for `cox.prepare`.
    censoring
        G of all patients, or of each stratum.
    """
    same_length(time=time, kind=kind, x=x, stratum=stratum)
    n, competing = len(time), np.flatnonzero(kind > 1)
    owner = np.concatenate([np.arange(n), competing])
    beyond = int(time.max(initial=0)) + 1
    design = prepare(
        time=np.concatenate([time, np.full(len(competing), beyond)]),
        event=np.concatenate([kind == 1, np.zeros(len(competing), dtype=np.bool_)]),
        entry=np.concatenate([np.full(n, -1), time[competing]]),
        x=x[owner],
        stratum=stratum[owner],
        ties=ties,
    )
    observed = _before(censoring, time[competing], stratum[competing])
    if bool(np.any(observed <= 0)):
        raise EstimationError(
            "The estimated probability of not being censored is 0 before a competing event, although that patient was observed "
            "until then. The patients are not those whose censorings were counted; start a new run."
        )
    weight = np.concatenate([np.zeros(n), 1 / observed])
    slots = design.slot_rows
    return replace(
        design,
        rows=owner[design.rows],
        risk_sets=KeptRiskSets(
            design.risk_sets, weight[design.rows], _before(censoring, time[slots], stratum[slots])
        ),
    )


def _before(
    censoring: CensoringCurve | Mapping[int, CensoringCurve], time: IntArray, stratum: IntArray
) -> FloatArray:
    """G(t-) at some times of some strata, shape (n,)."""
    if isinstance(censoring, CensoringCurve):
        return censoring.before(time)
    values = np.ones(len(time))
    for each in np.unique(stratum).tolist():
        inside = stratum == each
        values[inside] = censoring[int(each)].before(time[inside])
    return values
