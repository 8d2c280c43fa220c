"""The estimators of this release. To add one: a module with a spec, a state and an estimator, and a line here."""

from __future__ import annotations

from typing import Any, Final

from riskset_common.estimators.baseline import Baseline
from riskset_common.estimators.cox import Cox
from riskset_common.estimators.cumulative_incidence import CumulativeIncidence
from riskset_common.estimators.estimator import Estimator
from riskset_common.estimators.event_table import EventTable
from riskset_common.estimators.follow_up import FollowUp
from riskset_common.estimators.kaplan_meier import KaplanMeier

ESTIMATORS: Final[tuple[Estimator[Any, Any, Any], ...]] = (
    KaplanMeier(),
    FollowUp(),
    CumulativeIncidence(),
    Cox(),
    Baseline(),
    EventTable(),
)


def estimator_of(kind: str) -> Estimator[Any, Any, Any]:
    """The estimator of a kind of analysis. A plan that was read names only kinds that exist."""
    return next(estimator for estimator in ESTIMATORS if estimator.kind == kind)
