"""The release of an exact result, by the rule of its kind: cells, curves and models under the plan's disclosure rules.

Secure sums keep one site's numbers from the centre; they do not make the sum itself safe to show. With `release: rounded`, the
default, every result passes these rules before it is written anywhere. A value that a rule holds back becomes `Withheld(rule)`,
never null or zero, so that a reader sees that it exists. With `release: exact` (public or synthetic data, and only where every
site's own policy agrees) results pass unchanged.

The rules look at one analysis at a time. What two analyses of one plan show together, or two plans, they do not see.
"""

from __future__ import annotations

from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.axis import RoundTimes, with_numbers_at_risk
from riskset_server.disclosure.withheld import where_enough
from riskset_server.kinds.kinds import kind_of


def release(
    result: ReleasedResult, disclosure: Disclosure, axis: RoundTimes | None = None
) -> ReleasedResult:
    """One analysis' exact result under the plan's disclosure rules, or why it has none; with numbers at risk at the times of its axis."""
    if disclosure.release == "exact" or isinstance(result, WithheldAnalysis):
        return result
    shown = where_enough(result, kind_of(result.kind).rule, disclosure)
    return shown if axis is None else with_numbers_at_risk(result, shown, axis, disclosure)
