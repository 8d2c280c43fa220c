"""Events and patients that a log-rank test of two arms needs, and the power that given events have.

With θ the hazard ratio, k patients of the experimental arm for each of the control arm, q = k/(1 + k), and z the normal deviates of
level and power:

    Schoenfeld   D = (z_a + z_b)² / (q (1 - q) log² θ)             power Φ(√(D q (1 - q)) |log θ| - z_a)
    Freedman     D = (z_a + z_b)² (1 + kθ)² / (k (1 - θ)²)         power Φ(√(D k) |1 - θ| / (1 + kθ) - z_a)

Patients are D over the probability of an event. Lachin and Foulkes give patients straight from the variances of the exponential
hazards under both hypotheses.

References
----------
Schoenfeld DA (1981), Biometrika 68:316; (1983), Biometrics 39:499. Freedman LS (1982), Stat Med 1:121, equation 9.
Lachin JM, Foulkes MA (1986), Biometrics 42:507, equation 2.1.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from riskset_server.design.assumptions import Assumptions, event_probability

_STANDARD_NORMAL = NormalDist()


def schoenfeld_events(plan: Assumptions) -> float:
    """Events by Schoenfeld's formula."""
    z_a, z_b = plan.deviates
    q = plan.share
    return (z_a + z_b) ** 2 / (q * (1 - q) * math.log(plan.hazard_ratio) ** 2)


def freedman_events(plan: Assumptions) -> float:
    """Events by Freedman's formula."""
    z_a, z_b = plan.deviates
    k, ratio = plan.allocation, plan.hazard_ratio
    return (z_a + z_b) ** 2 * (1 + k * ratio) ** 2 / (k * (1 - ratio) ** 2)


def patients_for(events: float, plan: Assumptions) -> float:
    """Patients among whom so many events are expected, those to be lost added."""
    return events / plan.event_probability / (1 - plan.loss)


def events_among(patients: float, plan: Assumptions) -> float:
    """Events that are expected among so many patients, of whom some are lost."""
    return patients * (1 - plan.loss) * plan.event_probability


def lachin_foulkes_patients(plan: Assumptions) -> float:
    """Patients by the exponential hazards' variances h²/P(event), those to be lost added."""
    z_a, z_b = plan.deviates
    control, experimental = plan.hazards
    q = plan.share
    mean = (1 - q) * control + q * experimental

    def variance(hazard: float) -> float:
        return hazard**2 / event_probability(hazard, plan.accrual, plan.observed)

    under_null = math.sqrt(variance(mean) / (q * (1 - q)))
    otherwise = math.sqrt(variance(control) / (1 - q) + variance(experimental) / q)
    patients = ((z_a * under_null + z_b * otherwise) / (control - experimental)) ** 2
    return patients / (1 - plan.loss)


def schoenfeld_power(events: float, plan: Assumptions) -> float:
    """Power with so many events; two-sided, a significant difference in the wrong direction counts, as it does in the test."""
    q, z_a = plan.share, plan.deviates[0]
    drift = math.sqrt(events * q * (1 - q)) * abs(math.log(plan.hazard_ratio))
    wrong_way = _STANDARD_NORMAL.cdf(-drift - z_a) if plan.two_sided else 0.0
    return _STANDARD_NORMAL.cdf(drift - z_a) + wrong_way


def freedman_power(events: float, plan: Assumptions) -> float:
    """Power with so many events by Freedman's formula."""
    k, ratio = plan.allocation, plan.hazard_ratio
    drift = math.sqrt(events * k) * abs(1 - ratio) / (1 + k * ratio)
    return _STANDARD_NORMAL.cdf(drift - plan.deviates[0])
