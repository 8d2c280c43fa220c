"""Reading results.json: a value is there, does not exist (null), or was withheld by a disclosure rule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskset_common.results.shown import Withheld


def withheld_by(found: Any) -> str | None:
    """The rule that withheld a value, or None where nothing was withheld."""
    if isinstance(found, Withheld):
        return found.rule
    if isinstance(found, Mapping) and "withheld" in found:
        return str(found["withheld"])
    return None


def wholly_withheld_by(result: Mapping[str, Any]) -> str | None:
    """The rule that withheld a whole analysis, of which nothing but its kind is left; None where anything is shown."""
    rules = [
        withheld_by(found) for name, found in result.items() if name not in ("kind", "warnings")
    ]
    if withheld_by(result) is not None:
        return withheld_by(result)
    return rules[0] if rules and None not in rules else None


def value(found: Any, *path: str | int) -> Any:
    """Follow keys and indices down a result. A null or withheld value on the way is what stands at the end of it."""
    for key in path:
        if found is None or withheld_by(found) is not None:
            return found
        if isinstance(key, int):
            found = found[key] if -len(found) <= key < len(found) else None
        else:
            found = found.get(key)
    return found


def number(found: Any) -> float:
    """A value as a number; NaN where it does not exist, is not finite, or was withheld."""
    if isinstance(found, (int, float)) and math.isfinite(found):
        return float(found)
    return math.nan


def numbers(found: Any, length: int) -> NDArray[np.float64]:
    """A list of values as numbers, shape (length,); all NaN where the whole list was withheld or left out."""
    if found is None or withheld_by(found) is not None:
        return np.full(length, math.nan)
    return np.array([number(item) for item in found], dtype=np.float64)


def entries(found: Any) -> Sequence[Any]:
    """A list of values; empty where the whole list was withheld or left out."""
    return () if found is None or withheld_by(found) is not None else found


def rules_in(found: Any) -> Iterator[str]:
    """Every rule that withheld something within a result, in the order of the result; a rule may come more than once."""
    rule = withheld_by(found)
    if rule is not None:
        yield rule
    elif isinstance(found, Mapping):
        for item in found.values():
            yield from rules_in(item)
    elif isinstance(found, Sequence) and not isinstance(found, str):
        for item in found:
            yield from rules_in(item)


def curves_of(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The curves of a group: itself, or under competing risks one for each cause."""
    causes = group.get("causes")
    if causes is None:
        return [group]
    return [] if withheld_by(causes) is not None else list(causes.values())


def distinct(found: Iterable[Any]) -> list[Any]:
    """Values that exist and were not withheld, each once, in their order."""
    return list(
        dict.fromkeys(item for item in found if item is not None and not isinstance(item, Mapping))
    )


def families(
    boxes: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Every box of a flow that is split, from the first down, with the boxes that it is split into."""
    for index, above in enumerate(boxes):
        below = []
        for box in boxes[index + 1 :]:
            if box["depth"] <= above["depth"]:
                break
            if box["depth"] == above["depth"] + 1:
                below.append(box)
        if below:
            yield above, below
