"""The estimators of this release. To add one: a module with a spec, a state and an estimator, and a line here."""

from __future__ import annotations

from typing import Any, Final

from riskset_common.estimators.composed.landmark import Landmark
from riskset_common.estimators.composed.univariate import Univariate
from riskset_common.estimators.curves.cumulative_incidence import CumulativeIncidence
from riskset_common.estimators.curves.follow_up import FollowUp
from riskset_common.estimators.curves.kaplan_meier import KaplanMeier
from riskset_common.estimators.estimator import Estimator
from riskset_common.estimators.heterogeneity.heterogeneity import Heterogeneity
from riskset_common.estimators.regression.cox import Cox
from riskset_common.estimators.regression.fine_gray import FineGray
from riskset_common.estimators.tables.baseline import Baseline
from riskset_common.estimators.tables.event_table import EventTable
from riskset_common.estimators.tables.flow import Flow

ESTIMATORS: Final[tuple[Estimator[Any, Any, Any], ...]] = (
    KaplanMeier(),
    FollowUp(),
    CumulativeIncidence(),
    Cox(),
    Baseline(),
    EventTable(),
    Flow(),
    Univariate(),
    Landmark(),
    Heterogeneity(),
    FineGray(),
)


def estimator_of(kind: str) -> Estimator[Any, Any, Any]:
    """The estimator of a kind of analysis. A plan that was read names only kinds that exist."""
    return next(estimator for estimator in ESTIMATORS if estimator.kind == kind)
