"""Assumptions of a comparison of two arms: event-free proportions at a time, error rates, accrual, follow-up and loss.

Survival is exponential where a length of follow-up other than `at` has to be turned into events; the hazard ratio is constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from riskset_common.errors import InputError
from riskset_common.survival.arrays.distributions import normal_quantile


@dataclass(frozen=True)
class Assumptions:
    """A comparison of two arms by a log-rank test.

    Attributes
    ----------
    control, experimental
        Proportions without an event at the time `at`.
    at
        That time, in any unit; `accrual` and `follow_up` are in the same.
    alpha
        Probability of an error of the first kind, over both sides where `two_sided`.
    power
        Probability that a true difference is found.
    two_sided
        Whether the test is two-sided.
    allocation
        Patients of the experimental arm for each patient of the control arm.
    accrual
        How long patients enter, at a constant rate; 0 where all are followed for the same time.
    follow_up
        How long the last patient is followed.
    loss
        Proportion of patients who are lost before they could have an event.
    """

    control: float
    experimental: float
    at: float
    alpha: float = 0.05
    power: float = 0.8
    two_sided: bool = True
    allocation: float = 1.0
    accrual: float = 0.0
    follow_up: float | None = None
    loss: float = 0.0

    def __post_init__(self) -> None:
        for name in ("control", "experimental", "alpha", "power"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise InputError(f"{name} is a proportion between 0 and 1, but is {value:g}.")
        if self.control == self.experimental:
            raise InputError(
                f"Both arms have {self.control:g} without an event; no number of patients finds a difference that is not there."
            )
        for name in ("at", "allocation", "observed"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"{_WORDS.get(name, name)} must be above 0, but is {value:g}.")
        if not (self.accrual >= 0 and math.isfinite(self.accrual)):
            raise InputError(f"accrual must be 0 or more, but is {self.accrual:g}.")
        if not 0 <= self.loss < 1:
            raise InputError(f"loss is a proportion from 0 to below 1, but is {self.loss:g}.")

    @property
    def observed(self) -> float:
        """How long the last patient is followed; `at` where nothing is said."""
        return self.at if self.follow_up is None else self.follow_up

    @property
    def hazard_ratio(self) -> float:
        """Hazard of the experimental arm over that of the control arm, log S_e / log S_c."""
        return math.log(self.experimental) / math.log(self.control)

    @property
    def share(self) -> float:
        """Proportion of patients in the experimental arm."""
        return self.allocation / (1 + self.allocation)

    @property
    def hazards(self) -> tuple[float, float]:
        """Exponential hazards of control and experimental arm, per unit of `at`."""
        return -math.log(self.control) / self.at, -math.log(self.experimental) / self.at

    @property
    def deviates(self) -> tuple[float, float]:
        """Standard normal deviates of the significance level and of the power."""
        tail = self.alpha / 2 if self.two_sided else self.alpha
        return normal_quantile(1 - tail), normal_quantile(self.power)

    @property
    def event_probability(self) -> float:
        """Probability that a patient of the trial, who is not lost, has an event while observed."""
        control, experimental = (
            event_probability(hazard, self.accrual, self.observed) for hazard in self.hazards
        )
        return (1 - self.share) * control + self.share * experimental


_WORDS = {"observed": "follow-up"}


def event_probability(hazard: float, accrual: float, follow_up: float) -> float:
    """Probability of an event under an exponential hazard, for patients who enter uniformly over `accrual`.

    1 - [exp(-h f) - exp(-h (a + f))] / (h a); without accrual 1 - exp(-h f) (Lachin and Foulkes 1986, equation 2.2).
    """
    # The product and not the accrual: it underflows to 0 where the accrual is the least that a float can hold.
    entered = hazard * accrual
    if entered == 0:
        return -math.expm1(-hazard * follow_up)
    spread = -math.expm1(-entered) / entered
    return 1 - math.exp(-hazard * follow_up) * spread
