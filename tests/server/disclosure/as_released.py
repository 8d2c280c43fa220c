"""Results as results.json has them, before and after the disclosure rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskset_common.estimators.read_back import analysis_from_json
from riskset_common.results.as_json import as_json
from riskset_common.results.curves import GroupCurve
from riskset_common.results.from_json import from_json
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure import curve
from riskset_server.disclosure.axis import RoundTimes
from riskset_server.kinds import release as kinds_release


def release(
    result: Mapping[str, Any], disclosure: Disclosure, axis: RoundTimes | None = None
) -> dict[str, Any]:
    """An exact result as it is released, or an analysis without one."""
    read = analysis_from_json(dict(result))
    found: dict[str, Any] = as_json(kinds_release.release(read, disclosure, axis))
    return found


def released_curve(group: Mapping[str, Any], disclosure: Disclosure) -> dict[str, Any]:
    """A group's exact curve as it is released."""
    found: dict[str, Any] = as_json(
        curve.released_curve(from_json(GroupCurve, dict(group)), disclosure)
    )
    return found


def is_withheld(value: object) -> bool:
    """Whether a value is the mark of one that a rule withholds."""
    return isinstance(value, Mapping) and set(value) == {"withheld"}
