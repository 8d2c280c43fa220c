"""How a Kaplan-Meier curve is released: in blocks of at least k events, to three decimals, and not to its end.

An exact curve is a list of the days on which patients died. Its steps are merged until a block holds at least `minimum_cell`
events and as many patients who left; the exact survival at the block's end is published, rounded, rather than recomputed from
delayed events, which would bias it. The curve ends where fewer than `minimum_at_risk` remain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from riskset_common.plan import Disclosure

Result = dict[str, Any]
Withheld = Callable[[str], Mapping[str, str]]

DECIMALS = 3
"""Decimals of a released survival probability and its standard error and limits."""
ROUND_TO = 5
"""Released numbers at risk and censored are rounded to this."""

_REALS = ("survival", "std_err", "lower", "upper")


def released_curve(group: Mapping[str, Any], disclosure: Disclosure, withheld: Withheld) -> Result:
    """One group's curve under the rules; a group that is itself too small is withheld but for its level."""
    if group["n"] < disclosure.minimum_at_risk:
        rule = withheld(f"minimum_at_risk {disclosure.minimum_at_risk}")
        return {name: value if name == "level" else rule for name, value in group.items()}
    shown = dict(group)
    shown["curve"] = _blocks(group["curve"], disclosure)
    shown["at"] = [_landmark(landmark, disclosure, withheld) for landmark in group["at"]]
    last = _last_shown_time(group["curve"], disclosure)
    shown["median"] = _quantile(group["median"], last, disclosure, withheld)
    shown["quantiles"] = [
        _quantile(quantile, last, disclosure, withheld) for quantile in group["quantiles"]
    ]
    if "rmean" in group and (last is None or group["rmean"]["tau"] > last):
        shown["rmean"] = withheld(f"minimum_at_risk {disclosure.minimum_at_risk}")
    return shown


def _last_shown_time(curve: Mapping[str, Any], disclosure: Disclosure) -> float | None:
    shown = [
        time
        for time, at_risk in zip(curve["time"], curve["at_risk"], strict=True)
        if at_risk >= disclosure.minimum_at_risk
    ]
    return shown[-1] if shown else None


def _blocks(curve: Mapping[str, Any], disclosure: Disclosure) -> Result:
    """Merge steps into blocks; a last block that is too small is not shown."""
    released: Result = {name: [] for name in curve}
    events = censored = 0
    for index, at_risk in enumerate(curve["at_risk"]):
        if at_risk < disclosure.minimum_at_risk:
            break
        events += curve["events"][index]
        censored += curve["censored"][index]
        if events < disclosure.minimum_cell:
            continue
        released["time"].append(curve["time"][index])
        released["at_risk"].append(_rounded(at_risk))
        released["events"].append(events)
        released["censored"].append(_rounded(censored))
        for name in _REALS:
            released[name].append(_decimals(curve[name][index]))
        events = censored = 0
    return released


def _landmark(landmark: Mapping[str, Any], disclosure: Disclosure, withheld: Withheld) -> Result:
    if landmark["at_risk"] < disclosure.minimum_at_risk:
        rule = withheld(f"minimum_at_risk {disclosure.minimum_at_risk}")
        return {name: value if name == "time" else rule for name, value in landmark.items()}
    shown = {
        name: _decimals(value) if name in _REALS else value for name, value in landmark.items()
    }
    shown["at_risk"] = _rounded(landmark["at_risk"])
    if 0 < landmark["events_to"] < disclosure.minimum_cell:
        shown["events_to"] = withheld(f"minimum_cell {disclosure.minimum_cell}")
    return shown


def _quantile(
    quantile: Mapping[str, Any], last: float | None, disclosure: Disclosure, withheld: Withheld
) -> Result:
    """A quantile or limit beyond the end of the shown curve is withheld; one that is not reached stays null."""
    rule = withheld(f"minimum_at_risk {disclosure.minimum_at_risk}")
    return {
        name: rule
        if name != "p" and value is not None and (last is None or value > last)
        else value
        for name, value in quantile.items()
    }


def _rounded(count: int) -> int:
    return ROUND_TO * round(count / ROUND_TO)


def _decimals(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)
