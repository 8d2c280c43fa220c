"""What of an analysis is released: what the rule of its kind shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.axis import RoundTimes
from riskset_server.disclosure.rules import released
from riskset_server.disclosure.withheld import Result
from riskset_server.kinds.kinds import kind_of


def release(
    result: Mapping[str, Any], disclosure: Disclosure, axis: RoundTimes | None = None
) -> Result:
    """One analysis' result, as JSON, under the plan's disclosure rules; with the numbers at risk at the round times of its axis."""
    return released(result, kind_of(result["kind"]).rule, disclosure, axis)
