"""Writing a result as JSON: floats read back identically, and a value that does not exist is null."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np

from riskset_common.results.shown import Withheld, WithheldAnalysis, written_fields


def as_json(value: object) -> Any:
    """A result as plain lists and mappings.

    A field that is only there `WHEN_ASKED` is left out where it is None. Otherwise None, and a number that does not exist (a
    median that is not reached, the coefficient of an aliased column: NaN in Python), is null. A value that a disclosure rule
    withholds is the name of the rule, and its reason where it has several: `{"withheld": rule, "reason": reason}`; of an analysis
    that is withheld as a whole, or has no result, each field has it.
    """
    if isinstance(value, Withheld):
        mark = {"withheld": value.rule}
        return mark if value.reason is None else {**mark, "reason": value.reason}
    if isinstance(value, WithheldAnalysis):
        return {"kind": value.kind, "warnings": list(value.warnings), **as_json(value.fields)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: as_json(item) for name, item in written_fields(value)}
    if isinstance(value, Mapping):
        return {str(name): as_json(item) for name, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return as_json(value.tolist())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Sequence):
        return [as_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in results.json")


def to_text(results: object) -> str:
    """results.json as text: the same bytes for the same results, on every machine."""
    return json.dumps(as_json(results), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
