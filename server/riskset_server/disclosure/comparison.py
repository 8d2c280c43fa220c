"""How comparisons of groups are released: tests of pairs, and differences between two curves."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from riskset_common.results.as_json import as_json
from riskset_common.study.plan import Disclosure
from riskset_common.survival.tests.difference import difference
from riskset_server.disclosure.withheld import Result, is_withheld, small_count


def released_pairs(
    pairs: Sequence[Mapping[str, Any]], hidden: Sequence[Mapping[str, str]], disclosure: Disclosure
) -> list[Result]:
    """The tests of all pairs, without those of a group of which nothing is shown (`hidden` are these groups' levels)."""
    rule = small_count(disclosure)
    return [
        {name: item if name == "groups" else rule for name, item in pair.items()}
        if any(level in hidden for level in pair["groups"])
        else dict(pair)
        for pair in pairs
    ]


def released_contrasts(
    contrasts: Sequence[Mapping[str, Any]], groups: Sequence[Result], level: float
) -> list[Result]:
    """Differences, made anew from what is shown of the two groups, so that they show nothing more."""
    by_level = {tuple(group["level"].items()): group for group in groups}

    def of(levels: Mapping[str, str], contrast: Mapping[str, Any]) -> tuple[Any, Any]:
        group = by_level[tuple(levels.items())]
        if contrast["of"] == "rmean":
            found = group["rmean"]
            return (found, found) if is_withheld(found) else (found["estimate"], found["std_err"])
        if is_withheld(group["at"]):
            return group["at"], group["at"]
        at = next(each for each in group["at"] if each["time"] == contrast["time"])
        return at["survival"], at["std_err"]

    return [
        _released(each, of(each["group"], each), of(each["reference"], each), level)
        for each in contrasts
    ]


def _released(
    contrast: Mapping[str, Any], here: tuple[Any, Any], there: tuple[Any, Any], level: float
) -> Result:
    values: Collection[Any] = (*here, *there)
    rule = next((found for found in values if is_withheld(found)), None)
    if rule is not None:
        keys = ("estimate", "std_err", "lower", "upper", "p_value")
        return dict(contrast) | {key: dict(rule) for key in keys}
    estimate, std_err, of, std_err_of = (math.nan if found is None else found for found in values)
    found: Result = as_json(difference(estimate, std_err, of, std_err_of, level))
    return dict(contrast) | found
