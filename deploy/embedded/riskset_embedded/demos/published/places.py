"""Places in nested data, as a person writes them: `efs_risk.groups[level.risk=LR].at[time=6].survival`."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from riskset_common.errors import InputError
from riskset_common.formats.json_values import Json
from riskset_common.results.shown import WHEN_ASKED, Withheld, WithheldAnalysis

_STEP = re.compile(r"(?P<name>[^.\[\]]+)(?:\[(?P<chosen>[^\]]*)\])?(?:\.|$)")


@dataclass(frozen=True)
class NotShown:
    """A value that a run does not show, and the disclosure rule that holds it back where it is known."""

    rule: str


NOT_RELEASED = NotShown("not released")


def result_at(analyses: Mapping[str, object], place: str) -> object:
    """The value at a place of the analyses of a run, `NotShown`, or None for one that does not exist.

    A name takes a field, `[key=value, ..]` the one entry of a list whose fields have these values (a key may lead inward:
    `level.risk=LR`), `[]` the only entry, and `[@column]` the entry of that column of a table.

    Raises
    ------
    InputError
        Where the analysis itself is not there.
    """
    name, _, inward = place.partition(".")
    if name not in analyses:
        raise InputError(
            f"{place}: the results hold no analysis {name!r}. Mend the place, or add the analysis to the plan."
        )
    value = analyses[name]
    for step in _STEP.finditer(inward):
        value = field_of(value, step["name"])
        if step["chosen"] is not None and not isinstance(value, NotShown):
            value = _entry(value, step["chosen"], analyses[name])
        if isinstance(value, NotShown):
            return value
    return value


def field_of(result: object, name: str) -> object:
    """A field of a part of a result, as `result_at` gives it."""
    if isinstance(result, WithheldAnalysis):
        result = result.fields
    if isinstance(result, Mapping):
        return _shown(result[name]) if name in result else NOT_RELEASED
    if dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            if field.name == name:
                value = getattr(result, name)
                left_out = value is None and field.metadata == WHEN_ASKED
                return NOT_RELEASED if left_out else _shown(value)
    return NOT_RELEASED


def _shown(value: object) -> object:
    if isinstance(value, Withheld):
        return NotShown(value.rule)
    return None if isinstance(value, float) and math.isnan(value) else value


def _entry(entries: object, chosen: str, analysis: object) -> object:
    if not isinstance(entries, Sequence):
        return NOT_RELEASED
    if chosen.startswith("@"):
        columns = field_of(analysis, "columns")
        if not isinstance(columns, Sequence) or chosen[1:] not in columns:
            return NOT_RELEASED
        return _shown(entries[columns.index(chosen[1:])])
    wanted = [condition.partition("=")[::2] for condition in chosen.split(",") if condition]
    fitting = [entry for entry in entries if all(_is(entry, key, value) for key, value in wanted)]
    return _shown(fitting[0]) if len(fitting) == 1 else NOT_RELEASED


def _is(entry: object, key: str, value: str) -> bool:
    for name in key.split("."):
        entry = field_of(entry, name)
    return (f"{entry:g}" if isinstance(entry, float) else str(entry)) == value


def published_at(published: Json, place: str) -> Json:
    """The figure at a dotted place of published.json; a number takes an entry of a list. Raises `InputError` where there is none."""
    value = published
    for name in place.split("."):
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, Mapping) and name in value:
            value = value[name]
        else:
            raise InputError(
                f"{place}: there is no such place in the published figures ({name!r}). Mend the place."
            )
    return value


def number(value: object) -> float:
    """A figure that is a number; a whole one stays an int. Raises `InputError` if it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise InputError(f"{value!r:.60} is no number. Mend the published figures, or its place.")


def numbers(value: object) -> tuple[float, float]:
    """Two figures that stand together: an estimate and its standard error, or two limits. Raises `InputError` if they are none."""
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
        return number(value[0]), number(value[1])
    raise InputError(f"{value!r:.60} are no two numbers. Mend the published figures.")


@dataclass(frozen=True)
class Hazard:
    """A published hazard ratio with its 95% limits and its P, a number or such as `<.001`; `level` is what it is of."""

    ratio: float
    low: float
    high: float
    p: float | str
    level: str | None


def hazard(row: Json) -> Hazard:
    """A published hazard ratio. Raises `InputError` if it is none."""
    if not is_hazard(row):
        raise InputError(
            f"{row!r:.60} is no hazard ratio with ci95 and p. Mend the published figures."
        )
    low, high = numbers(row["ci95"])
    p, level = row["p"], row.get("level")
    p_value = p if isinstance(p, str) else number(p)
    return Hazard(number(row["hr"]), low, high, p_value, None if level is None else str(level))


def is_hazard(found: Json) -> TypeGuard[Mapping[str, Json]]:
    """Whether published figures are a hazard ratio with an interval and P."""
    return isinstance(found, Mapping) and {"hr", "ci95", "p"} <= set(found)


def leaves(published: Json, place: str = "") -> Iterator[str]:
    """Places of all figures: whatever is no mapping and no list of more than single values."""
    if not isinstance(published, (Mapping, list)):
        yield place
    for name, item in inward(published):
        yield from leaves(item, f"{place}.{name}" if place else name)


def inward(published: Json) -> Iterator[tuple[str, Json]]:
    """What stands one step further in, by its name; entries of a list by their number."""
    if isinstance(published, Mapping):
        yield from published.items()
    elif isinstance(published, list):
        yield from ((str(index), item) for index, item in enumerate(published))
