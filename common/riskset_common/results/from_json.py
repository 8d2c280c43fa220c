"""Reading results.json back into results, by the type hints of the dataclasses; anything else is refused."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from types import NoneType, UnionType
from typing import Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from riskset_common.errors import InputError
from riskset_common.results.shown import (
    WHEN_ASKED,
    Measured,
    Reason,
    Withheld,
    WithheldAnalysis,
)
from riskset_common.results.whole_file import SCHEMA, AnalysisResult, ReleasedResult, Results

T = TypeVar("T")

_MARK, _REASON = "withheld", "reason"
_ALWAYS_SHOWN = {"kind", "warnings"}
_hints = cache(get_type_hints)


def from_json(of: type[T], value: object, where: str = "results") -> T:
    """A dataclass of results from what `as_json` makes of it; null is NaN where a real is wanted.

    Raises
    ------
    InputError
        Where a field is unknown or missing, or a value is not of its type; the message says where, beginning with `where`.
    """
    return cast("T", _read(of, value, where))


def analysis_from_json(
    value: object, kinds: Mapping[str, type[AnalysisResult]], where: str = "results"
) -> ReleasedResult:
    """The result of one analysis, as the dataclass of its kind; raises as `from_json`."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise _misfit(value, where)
    return cast("ReleasedResult", _one_of((kinds[kind], WithheldAnalysis), value, where))


def whole_from_json(
    value: object, kinds: Mapping[str, type[AnalysisResult]], where: str = "results"
) -> Results:
    """The contents of results.json; raises as `from_json`."""
    analyses = value.get("analyses") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(analyses, dict):
        raise InputError(f"{where}: analyses are missing. Give those of a finished run.")
    if value.get("schema") != SCHEMA:
        raise InputError(
            f"{where}: schema is {value.get('schema')!r:.20}, and this release reads {SCHEMA}. Use the release that wrote the file."
        )
    by_name = {
        name: analysis_from_json(each, kinds, f"{where}.analyses.{name}")
        for name, each in analyses.items()
    }
    return replace(from_json(Results, {**value, "analyses": {}}, where), analyses=by_name)


def _read(hint: object, value: object, where: str) -> object:
    """A value as its type hint has it."""
    of, args = get_origin(hint), get_args(hint)
    if of in (Union, UnionType):
        return _one_of(args, value, where)
    if of is tuple and isinstance(value, list):
        return tuple(_read(args[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if of is Mapping and isinstance(value, dict):
        return {name: _read(args[1], item, f"{where}.{name}") for name, item in value.items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _measured(hint(**_fields(hint, value, where)), where)
    if hint is float and value is None:
        return math.nan
    if type(value) is hint or (of is Literal and value in args):
        return value
    raise _misfit(value, where)


def _measured(found: object, where: str) -> object:
    """What was read, if its sequences have the lengths, and its mappings the names, that belong together."""
    if isinstance(found, Measured):
        for name, keys, needed in found.names():
            if lacking := dict.fromkeys(key for key in needed if key not in keys):
                raise InputError(
                    f"{where}.{name}: {', '.join(lacking)} is missing. Take a results.json that this release wrote."
                )
        for name, length, expected in found.lengths():
            if length != expected:
                raise InputError(
                    f"{where}.{name}: it has {length} entries, and {expected} belong there. Take a results.json that this release wrote."
                )
    return found


def _misfit(value: object, where: str) -> InputError:
    return InputError(
        f"{where}: {value!r:.60} does not belong there. Take a results.json that this release wrote."
    )


def _one_of(hints: tuple[object, ...], value: object, where: str) -> object:
    """A value of one of several types: null, a mark, an analysis that is withheld, or else of the first type that it fits."""
    if value is None and NoneType in hints:
        return None
    if isinstance(value, dict):
        if Withheld in hints and _is_mark(value):
            return _mark(value, where)
        if WithheldAnalysis in hints and _is_withheld(value):
            marks = {
                name: _mark(value[name], f"{where}.{name}")
                for name in value
                if name not in _ALWAYS_SHOWN
            }
            why = _read(tuple[str, ...], value["warnings"], f"{where}.warnings")
            return WithheldAnalysis(str(value["kind"]), marks, cast("tuple[str, ...]", why))
    hints = tuple(hint for hint in hints if hint not in (NoneType, Withheld, WithheldAnalysis))
    if isinstance(value, dict):
        hints = tuple(hint for hint in hints if _has_its_fields(hint, value)) or hints
    for hint in hints[:-1]:
        with suppress(InputError):
            return _read(hint, value, where)
    return _read(hints[-1] if hints else None, value, where)


def _has_its_fields(hint: object, value: Mapping[str, object]) -> bool:
    """Whether a mapping has the fields of a dataclass, whatever is in them."""
    if not isinstance(hint, type) or not dataclasses.is_dataclass(hint):
        return False
    fields = dataclasses.fields(hint)
    always = {field.name for field in fields if field.metadata != WHEN_ASKED}
    return always <= value.keys() <= {field.name for field in fields}


def _is_withheld(analysis: Mapping[str, object]) -> bool:
    """Whether an analysis is withheld as a whole."""
    found = [each for name, each in analysis.items() if name not in _ALWAYS_SHOWN]
    return (
        analysis.keys() >= _ALWAYS_SHOWN
        and bool(found)
        and all(isinstance(each, dict) and _is_mark(each) for each in found)
    )


def _is_mark(value: Mapping[str, object]) -> bool:
    return _MARK in value and value.keys() <= {_MARK, _REASON}


def _mark(value: Mapping[str, object], where: str) -> Withheld:
    reason = _read(Reason, value[_REASON], f"{where}.{_REASON}") if _REASON in value else None
    return Withheld(str(value[_MARK]), cast("Reason | None", reason))


def _fields(of: type, value: Mapping[str, object], where: str) -> dict[str, object]:
    """The fields of a dataclass by name; None where one that is only there `WHEN_ASKED` is left out."""
    hints = _hints(of)
    asked = {field.name: field.metadata == WHEN_ASKED for field in dataclasses.fields(of)}
    for what, names in (
        ("unknown", [name for name in value if name not in asked]),
        ("missing", [name for name in asked if name not in value and not asked[name]]),
    ):
        if names:
            raise InputError(
                f"{where}: {', '.join(names)} is {what}. Take a results.json that this release wrote."
            )
    return {
        name: _read(hints[name], value[name], f"{where}.{name}") if name in value else None
        for name in asked
    }
