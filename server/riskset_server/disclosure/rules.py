"""What of an exact result may be released: cells, curves and models under the plan's disclosure rules.

Secure sums keep one site's numbers from the centre; they do not make the sum itself safe to show. With `release: rounded`, the
default, every result passes these rules before it is written anywhere. A value that a rule holds back becomes
`{"withheld": rule}`, never null or zero, so that a reader sees that it exists. With `release: exact` (public or synthetic data, and
only where every site's own policy agrees) results pass unchanged.

The rules look at one analysis at a time. What two analyses of one plan show together, or two plans, they do not see.
"""

from __future__ import annotations

from typing import assert_never

from riskset_common.results.composed import LandmarkResult, UnivariateResult
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.flow import FlowResult
from riskset_common.results.follow_up import FollowUpResult
from riskset_common.results.heterogeneity import HeterogeneityResult
from riskset_common.results.incidence import CumulativeIncidenceResult
from riskset_common.results.regression import CoxResult, FineGrayResult
from riskset_common.results.tables import BaselineResult, EventTableResult
from riskset_common.results.whole_file import AnalysisResult, ReleasedResult
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.axis import RoundTimes, with_numbers_at_risk
from riskset_server.disclosure.characteristics import released_baseline, released_event_table
from riskset_server.disclosure.composed import released_landmark, released_univariate
from riskset_server.disclosure.flow import released_flow
from riskset_server.disclosure.follow_up import released_follow_up
from riskset_server.disclosure.heterogeneity import released_heterogeneity
from riskset_server.disclosure.incidence import released_cumulative_incidence
from riskset_server.disclosure.model import released_cox, released_fine_gray
from riskset_server.disclosure.survival import released_kaplan_meier
from riskset_server.disclosure.withheld import Found, Rule, where_enough


def release(
    result: AnalysisResult, disclosure: Disclosure, axis: RoundTimes | None = None
) -> ReleasedResult:
    """One analysis' exact result under the plan's disclosure rules; with the numbers at risk at the round times of its axis."""
    return released(result, _by_kind, disclosure, axis)


def released(
    result: Found, rule: Rule[Found], disclosure: Disclosure, axis: RoundTimes | None = None
) -> ReleasedResult:
    """One analysis' exact result under the rule of its kind, as `release` has it."""
    if disclosure.release == "exact":
        return result
    shown = where_enough(result, rule, disclosure)
    return shown if axis is None else with_numbers_at_risk(result, shown, axis, disclosure)


def _by_kind(result: AnalysisResult, disclosure: Disclosure) -> ReleasedResult:  # noqa: C901  # a line a kind
    """A result under the rule of its kind."""
    match result:
        case KaplanMeierResult():
            return released_kaplan_meier(result, disclosure)
        case CumulativeIncidenceResult():
            return released_cumulative_incidence(result, disclosure)
        case FollowUpResult():
            return released_follow_up(result, disclosure)
        case BaselineResult():
            return released_baseline(result, disclosure)
        case EventTableResult():
            return released_event_table(result, disclosure)
        case FlowResult():
            return released_flow(result, disclosure)
        case CoxResult():
            return released_cox(result, disclosure)
        case FineGrayResult():
            return released_fine_gray(result, disclosure)
        case UnivariateResult():
            return released_univariate(result, disclosure)
        case LandmarkResult():
            return released_landmark(result, disclosure)
        case HeterogeneityResult():
            return released_heterogeneity(result, disclosure)
        case _:
            assert_never(result)
