"""The estimators of this release. To add one: a module with a spec, a state and an estimator, and a line here."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.composed.landmark import Landmark
from riskset_common.estimators.composed.univariate import Univariate
from riskset_common.estimators.curves.cumulative_incidence import CumulativeIncidence
from riskset_common.estimators.curves.follow_up import FollowUp
from riskset_common.estimators.curves.kaplan_meier import KaplanMeier
from riskset_common.estimators.curves.two_rounds import TwoRounds
from riskset_common.estimators.estimator import Estimator, Request
from riskset_common.estimators.heterogeneity.heterogeneity import Heterogeneity
from riskset_common.estimators.regression.blind import Fits
from riskset_common.estimators.regression.cox import AskCox, Cox
from riskset_common.estimators.regression.fine_gray import FineGray
from riskset_common.estimators.tables.baseline import Baseline
from riskset_common.estimators.tables.event_table import EventTable
from riskset_common.estimators.tables.flow import Flow
from riskset_common.study.patients import Patients

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


def parts_of(request: Request[Any, Any]) -> Mapping[str, Request[Any, Any]]:
    """The requests of the analyses that an analysis is made of; its own where it is one by itself."""
    estimator = estimator_of(request.spec.kind)
    if isinstance(estimator, (Univariate, Landmark)):
        return estimator.parts(request)
    return {"": request}


def counted_by(request: Request[Any, Any]) -> Hashable | None:
    """What the counts of a curve depend on, equal for those that count the same patients in the same way; None of what is no curve."""
    estimator = estimator_of(request.spec.kind)
    return estimator.counted(request) if isinstance(estimator, TwoRounds) else None


def waits(request: Request[Any, Any]) -> bool:
    """Whether all that is unfinished of an analysis waits to be computed on shares, so that no round can ask anything of it."""
    return all(
        isinstance(part.state, AskCox) and part.state.waits for part in parts_of(request).values()
    )


def patients_of_parts(patients: Patients, request: Request[Any, Any]) -> Patients:
    """Those of a site's patients of whom the parts of an analysis are. Run by a site."""
    estimator = estimator_of(request.spec.kind)
    return estimator.followed(patients, request) if isinstance(estimator, Landmark) else patients


def fitted(request: Request[Any, Any], fits: Fits) -> Any:
    """The result of an analysis that waits, from its fits on shares. Run by the centre."""
    estimator = estimator_of(request.spec.kind)
    if not isinstance(estimator, (Cox, Univariate, Landmark)):
        raise ProtocolRefusal(f"Analysis {request.spec.id} has no model to compute on shares.")
    return estimator.fitted(request, fits)
