"""Places in nested data, as a person writes them: `efs_risk.groups[level.risk=LR].at[time=6].survival`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskset_common.errors import InputError
from riskset_server.results.reading import withheld_by

_STEP = re.compile(r"(?P<name>[^.\[\]]+)(?:\[(?P<chosen>[^\]]*)\])?(?:\.|$)")


@dataclass(frozen=True)
class NotShown:
    """A value that a run does not show, and the disclosure rule that holds it back where it is told."""

    rule: str


def result_at(analyses: Mapping[str, Any], place: str) -> Any:
    """The value at a place of the analyses of results.json, or `NotShown`.

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
    found: Any = analyses[name]
    for step in _STEP.finditer(inward):
        found = _field(found, step["name"])
        if step["chosen"] is not None and not isinstance(found, NotShown):
            found = _entry(found, step["chosen"], analyses[name])
        if isinstance(found, NotShown):
            return found
    return found


def _field(found: Any, name: str) -> Any:
    if not isinstance(found, Mapping) or name not in found:
        return NotShown("not released")
    return shown(found[name])


def shown(value: Any) -> Any:
    """A value of the results, or `NotShown` where a disclosure rule holds it back."""
    rule = withheld_by(value)
    return value if rule is None else NotShown(rule)


def _entry(entries: Sequence[Any], chosen: str, analysis: Mapping[str, Any]) -> Any:
    if chosen.startswith("@"):
        columns = analysis["columns"]
        return (
            shown(entries[columns.index(chosen[1:])])
            if chosen[1:] in columns
            else NotShown("not released")
        )
    wanted = [condition.partition("=")[::2] for condition in chosen.split(",") if condition]
    fitting = [entry for entry in entries if all(_is(entry, key, value) for key, value in wanted)]
    return shown(fitting[0]) if len(fitting) == 1 else NotShown("not released")


def _is(entry: Any, key: str, value: str) -> bool:
    for name in key.split("."):
        entry = entry.get(name) if isinstance(entry, Mapping) else None
    if isinstance(entry, float):
        return f"{entry:g}" == value
    return str(entry) == value


def published_at(published: Any, place: str) -> Any:
    """The figure at a dotted place of published.json; a number takes an entry of a list. Raises `InputError` where there is none."""
    found = published
    for name in place.split("."):
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, Mapping) and name in found:
            found = found[name]
        else:
            raise InputError(
                f"{place}: there is no such place in the published figures ({name!r}). Mend the place."
            )
    return found


def leaves(published: Any, place: str = "") -> Iterator[str]:
    """Places of all figures: whatever is no mapping and no list of more than single values."""
    inward: Iterator[tuple[str, Any]] = iter(())
    if isinstance(published, Mapping):
        inward = iter(published.items())
    elif isinstance(published, list):
        inward = ((str(index), item) for index, item in enumerate(published))
    else:
        yield place
    for name, item in inward:
        yield from leaves(item, f"{place}.{name}" if place else name)
