"""Pooled cohorts as arrays of times and events, and the estimates that are read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from deploy.studies.interfant06.synthetic.cohort import EVENTS, NO_DAY, YEAR, Cohort
from deploy.studies.interfant06.synthetic.earlier import EarlierCohort

from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray
from riskset_common.survival.curves.kaplan_meier import ReverseTies, kaplan_meier, quantile, reverse
from riskset_common.survival.curves.risk_table import RiskTable, risk_table, rows_until
from riskset_common.survival.incidence.cumulative_incidence import cumulative_incidence
from riskset_common.survival.regression.cox import cox_sums, prepare
from riskset_common.survival.regression.newton import CoxFit, advance, start

DEATH_IN_INDUCTION, RESISTANCE, RELAPSE, DEATH_IN_CR, SMN = range(1, 6)


@dataclass(frozen=True, eq=False)
class Times:
    """Days to the end of observation and the kind of event there, 0 censored, shape (n,)."""

    days: IntArray
    kind: IntArray

    def among(self, rows: BoolArray) -> Times:
        """The times of some."""
        return Times(self.days[rows], self.kind[rows])


@dataclass(frozen=True, eq=False)
class Observed:
    """Infants of one or several cohorts: characteristics by name, and dates as days since diagnosis, shape (n,) each."""

    traits: dict[str, IntArray]
    days: dict[str, IntArray]
    last_contact: IntArray

    @property
    def n(self) -> int:
        """Infants."""
        return self.last_contact.size

    def has(self, event: str) -> BoolArray:
        """Who had this event, shape (n,)."""
        found: BoolArray = self.days[event] != NO_DAY
        return found

    def survival(self, origin: str | None = None) -> Times:
        """Overall survival from diagnosis, or from another date for those who have it."""
        return self._since(origin, self.last_contact, self.has("death").astype(np.int64))

    def event_free(self) -> Times:
        """Event-free survival from diagnosis."""
        in_cr = self.has("remission")
        kinds = {
            DEATH_IN_INDUCTION: np.where(in_cr, NO_DAY, self.days["death"]),
            RESISTANCE: self.days["resistance"],
            RELAPSE: self.days["relapse"],
            DEATH_IN_CR: np.where(in_cr, self.days["death"], NO_DAY),
            SMN: self.days["smn"],
        }
        return _first(kinds, self.last_contact)

    def disease_free(self, origin: str) -> Times:
        """Disease-free survival from randomisation or transplantation, for those who have that date."""
        kinds = {
            RELAPSE: self.days["relapse"],
            DEATH_IN_CR: self.days["death"],
            SMN: self.days["smn"],
        }
        ended = _first(kinds, self.last_contact)
        return self._since(origin, ended.days, ended.kind)

    def _since(self, origin: str | None, end: IntArray, kind: IntArray) -> Times:
        if origin is None:
            return Times(end, kind)
        return Times(np.maximum(end - self.days[origin], 0), kind)


def _first(kinds: dict[int, IntArray], last: IntArray) -> Times:
    days, kind = last.copy(), np.zeros(last.size, dtype=np.int64)
    # A later kind does not replace an earlier one on the same day, but any event comes before the end of observation.
    for code, when in kinds.items():
        sooner = (when != NO_DAY) & ((when < days) | ((when == days) & (kind == 0)))
        days = np.where(sooner, when, days)
        kind = np.where(sooner, code, kind)
    return Times(days, kind)


def observe(cohorts: Sequence[Cohort]) -> Observed:
    """Pool cohorts of Interfant-06."""
    infants = [cohort.infants for cohort in cohorts]
    names = ("group", "region", "risk", "kmt2a", "partner", "age_band", "wbc_band", "response")
    traits = {
        name: np.concatenate([getattr(each, name) for each in infants])
        for name in (*names, "lineage", "cd10", "female", "cns")
    }
    for name in ("randomisation", "arm", "arm_received", "mrd"):
        traits[name] = np.concatenate([getattr(cohort.course, name) for cohort in cohorts])
    for name in ("relapse_site", "death_cause"):
        traits[name] = np.concatenate([getattr(cohort, name) for cohort in cohorts])
    traits["sct_year"] = np.concatenate(
        [
            (1970 + (cohort.diagnosis + cohort.days["transplanted"]) / YEAR).astype(np.int64)
            for cohort in cohorts
        ]
    )
    return Observed(
        traits=traits,
        days={name: np.concatenate([cohort.days[name] for cohort in cohorts]) for name in EVENTS},
        last_contact=np.concatenate([cohort.last_contact for cohort in cohorts]),
    )


def observe_earlier(cohorts: Sequence[EarlierCohort]) -> Observed:
    """Pool comparison cohorts."""
    never = np.full(sum(cohort.group.size for cohort in cohorts), NO_DAY, dtype=np.int64)
    days = dict.fromkeys(EVENTS, never)
    for name in ("remission", "relapse", "death"):
        days[name] = np.concatenate([getattr(cohort, name) for cohort in cohorts])
    return Observed(
        traits={"region": np.concatenate([cohort.region for cohort in cohorts])},
        days=days,
        last_contact=np.concatenate([cohort.last_contact for cohort in cohorts]),
    )


def _table(times: Times) -> RiskTable:
    events, censored = (
        np.bincount(times.days[which], minlength=int(times.days.max()) + 1)
        for which in (times.kind > 0, times.kind == 0)
    )
    return risk_table(np.arange(events.size, dtype=np.float64), events, censored)


def survival_at(times: Times, years: float) -> float:
    """Kaplan-Meier estimate at a time, in percent."""
    curve = kaplan_meier(_table(times))
    row = int(rows_until(curve.time, np.array([years * YEAR]))[0])
    return 100.0 if row == 0 else float(100 * curve.survival[row - 1])


def incidence_at(times: Times, kind: int, years: float) -> float:
    """Cumulative incidence of one kind of event at a time, in percent."""
    table = _table(times)
    of_kind = np.bincount(times.days[times.kind == kind], minlength=int(table.time[-1]) + 1)
    curve = cumulative_incidence(table, of_kind[table.time.astype(np.int64)])
    row = int(rows_until(curve.time, np.array([years * YEAR]))[0])
    return 0.0 if row == 0 else float(100 * curve.incidence[row - 1])


def median_follow_up(times: Times) -> float:
    """Median time under observation by the reverse Kaplan-Meier estimate, in years."""
    curve = kaplan_meier(reverse(_table(times), ReverseTies.COMPLEMENT))
    never = np.full(curve.time.size, np.nan)
    return quantile(curve, never, never, 0.5).estimate / YEAR


def cox(times: Times, x: FloatArray, stratum: IntArray | None = None) -> CoxFit:
    """Cox model of any event with Efron's ties; covariates of shape (n, p)."""
    strata = np.zeros(times.days.size, dtype=np.int64) if stratum is None else stratum
    design = prepare(times.days, times.kind > 0, None, x, strata, "efron")
    state = start(x.shape[1], "tight", 40)
    while True:
        found = advance(state, cox_sums(design, np.array(state.beta)))
        if isinstance(found, CoxFit):
            return found
        state = found
