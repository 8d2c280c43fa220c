"""Cumulative incidence from counts on given days, in formulas that both arithmetics take: where the counts are hidden, and in the open.

They are those of `cumulative_incidence`, whose order of operations, and so whose last digits, stay as they are; a test holds them together.

References
----------
Aalen OO, Johansen S (1978), Scand J Stat 5:141. Aalen O (1978), Ann Stat 6:534 (variance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.survival.arrays.calculator import Calculator, Numbers


@dataclass(frozen=True, eq=False)
class DayIncidence:
    """The cumulative incidence of one kind of event and Aalen's variance of it after each day, shape (n_groups, n_days) each."""

    incidence: Numbers
    variance: Numbers


def day_incidences(
    calculator: Calculator, events: Numbers, at_risk: Numbers, kinds: int, largest: int
) -> list[DayIncidence]:
    """Estimate the cumulative incidences of the first kinds of event.

    Parameters
    ----------
    events
        By kind, shape (n_kinds, n_groups, n_days).
    at_risk
        Shape (n_groups, n_days).
    kinds
        Of how many kinds the incidence is wanted.
    largest
        No group has more patients.
    """
    n, d = at_risk, events.total(axis=0)
    # 1 where a last patient is left, whose event keeps its variance; and where nobody is left behind.
    last, none = calculator.at_most(n, 1), calculator.at_most(n - d, 0)
    per_patient = calculator.reciprocal(n, largest)
    shared = _Shared(
        calculator,
        n,
        d,
        last,
        per_patient,
        per_other=calculator.fraction(
            calculator.reciprocal(n - 1 + 2 * last, largest + 1), "1 by at least one patient"
        ),
        per_left=calculator.fraction(
            calculator.reciprocal(n - d + none, largest), "1 by at least one patient"
        ),
        free=_before(calculator, _free(calculator, d, per_patient), 1.0),
        largest=largest,
    )
    return [shared.incidence(events[kind]) for kind in range(kinds)]


def _free(calculator: Calculator, d: Numbers, per_patient: Numbers) -> Numbers:
    """Kaplan-Meier estimate of being free of any event."""
    hazard = calculator.fraction(d * per_patient, "no more have an event than are at risk")
    return calculator.running_product(
        calculator.fraction(1 - hazard, "no more have an event than are at risk")
    )


@dataclass(frozen=True, eq=False)
class _Shared:
    """What the incidences of all kinds have in common: n, d, [n <= 1], 1/n, 1/max(n - 1, 1), 1/max(n - d, 1), S(t-)."""

    calculator: Calculator
    n: Numbers
    d: Numbers
    last: Numbers
    per_patient: Numbers
    per_other: Numbers
    per_left: Numbers
    free: Numbers
    largest: int

    def incidence(self, of_kind: Numbers) -> DayIncidence:
        """F, and with the steps of F and the letters of `cumulative_incidence` sum w (F - F(u))² - 2 sum c (F - F(u)) + sum S² v_1."""
        calculator, free = self.calculator, self.free
        hazard = calculator.fraction(
            of_kind * self.per_patient, "no more have the event than are at risk"
        )
        step = calculator.fraction(free * hazard, "a part of a probability")
        ties = self._ties(of_kind)
        v_1 = hazard * ties * self.per_patient
        left = calculator.bounded(
            (of_kind * ties + (self.d - of_kind) * self._ties(self.d - of_kind)) * self.per_left,
            2 * self.largest,
            "at most 2 d of at least one who is left",
        )
        weight = _before(calculator, (left * self.per_left).running_total(), 0.0)
        weighted = calculator.bounded(
            step * weight,
            of_kind.shape[1],
            "S is at most (n - d)/n from each day on, so that none adds more than d/(n(n - d))",
        )
        first = _before(calculator, weighted.running_total(), 0.0)
        second = (step * (2 * first + weighted)).running_total()
        cross = (
            step
            * _before(calculator, (free * (hazard * ties * self.per_left)).running_total(), 0.0)
        ).running_total()
        own = (free * (free * v_1)).running_total()
        return DayIncidence(
            calculator.fraction(step.running_total(), "a probability"),
            calculator.fraction(second - 2 * cross + own, "the variance of a probability"),
        )

    def _ties(self, of_kind: Numbers) -> Numbers:
        """(n - m)/(n - 1) of m events at a time, and 1 of a last patient's."""
        found = (self.n - of_kind) * self.per_other + self.last
        return self.calculator.bounded(found, 2.0, "n/(n - 1) is at most 2")


def _before(calculator: Calculator, values: Numbers, first: float) -> Numbers:
    """The values before each day."""
    n_rows = values.shape[0]
    return calculator.joined([calculator.real(np.full((n_rows, 1), first)), values])[:, :-1]
