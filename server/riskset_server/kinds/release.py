"""The release of an analysis, by the rule of its kind."""

from __future__ import annotations

from riskset_common.results.whole_file import AnalysisResult, ReleasedResult
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.axis import RoundTimes
from riskset_server.disclosure.rules import released
from riskset_server.kinds.kinds import kind_of


def release(
    result: AnalysisResult, disclosure: Disclosure, axis: RoundTimes | None = None
) -> ReleasedResult:
    """One analysis' exact result under the plan's disclosure rules; with the numbers at risk at the round times of its axis."""
    return released(result, kind_of(result.kind).rule, disclosure, axis)
