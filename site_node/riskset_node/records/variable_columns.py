"""The column of each variable of the codebook, and contradictions between node.yaml and the codebook."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction

from riskset_common.errors import NodeConfigError, did_you_mean
from riskset_common.study.codebook import (
    BUILT_IN,
    CategoryVariable,
    Codebook,
    DateVariable,
    NumberVariable,
)
from riskset_common.study.time_grid import exact
from riskset_node.columns import FOR_DATES, FOR_NUMBERS, ColumnMap
from riskset_node.config import NodeConfig
from riskset_node.records.values.units import conversion

AnyVariable = DateVariable | CategoryVariable | NumberVariable


@dataclass(frozen=True)
class VariableColumn:
    """One variable of the codebook and the column that holds it at this site; None where the site does not hold it."""

    name: str
    variable: AnyVariable
    column: ColumnMap | None


def variable_columns(
    config: NodeConfig, codebook: Codebook, needed: Collection[str] = ()
) -> tuple[VariableColumn, ...]:
    """One for each variable, in the codebook's order.

    Raises
    ------
    NodeConfigError
        With every contradiction, and every variable without a column here that is `needed` (a plan reads it) or required.
    """
    problems = list(_problems(config, codebook, needed))
    if problems:
        raise NodeConfigError("\n".join(f"node.yaml of {config.site}: {line}" for line in problems))
    written = config.data.columns
    mapped = []
    for name, variable in codebook.variables.items():
        if name in config.data.absent:
            column = None
        elif written is None:
            column = ColumnMap.model_validate({"from": name})
        else:
            column = written.get(name)
        mapped.append(VariableColumn(name, variable, column))
    return tuple(mapped)


def factor_of(column: ColumnMap, variable: NumberVariable) -> Fraction:
    """What numbers of the column are multiplied with to be in the codebook's unit."""
    if column.factor is not None:
        return exact(column.factor)
    if column.unit is None:
        return Fraction(1)
    factor = None if variable.unit is None else conversion(column.unit, variable.unit)
    if factor is None:
        raise NodeConfigError(
            f"unit {column.unit!r} cannot be turned into {variable.unit!r} by definition. "
            "Give the factor instead, for example factor: 0.1."
        )
    return factor


def _problems(config: NodeConfig, codebook: Codebook, needed: Collection[str]) -> Iterator[str]:
    absent, columns = config.data.absent, config.data.columns or {}
    for section, names in (("columns", columns), ("absent", absent)):
        for name in names:
            if name not in codebook.variables:
                yield f"data.{section}.{name}: {_no_variable(name, codebook)}"
    for name, variable in codebook.variables.items():
        if name in absent and variable.required:
            yield f"data.absent.{name}: the codebook requires {name} ({variable.label}), so no site can be without it."
        unmapped = config.data.columns is not None and name not in columns and name not in absent
        if unmapped and (variable.required or name in needed):
            yield (
                f"data.columns: {name} ({variable.label}) is not mapped. "
                "Name its column, or write under data.absent why there is none."
            )
        if name in columns:
            for problem in _column_problems(columns[name], variable):
                yield f"data.columns.{name}: {problem}"


def _no_variable(name: str, codebook: Codebook) -> str:
    if name in codebook.derived:
        sources = ", ".join(sorted(codebook.behind(name) - set(BUILT_IN))) or "nothing"
        return f"{name} is derived from {', '.join(codebook.derived[name].sources)}, and not read. Map {sources}."
    return f"no variable of the codebook. {did_you_mean(name, codebook.variables)}"


def _column_problems(column: ColumnMap, variable: AnyVariable) -> Iterator[str]:
    if column.codes is not None:
        if isinstance(variable, CategoryVariable):
            for code, level in column.codes.items():
                if level not in variable.levels:
                    yield f"codes.{code}: {level!r} is no level. {did_you_mean(level, variable.levels)}"
        else:
            yield f"codes turn codes into levels, but this is a {variable.kind}."
    for keys, kind in ((FOR_NUMBERS, "number"), (FOR_DATES, "date")):
        written = [key for key in keys if key in column.model_fields_set]
        if written and variable.kind != kind:
            are = "is for a" if len(written) == 1 else "are for a"
            yield f"{', '.join(written)} {are} {kind}, but this is a {variable.kind}."
    if isinstance(variable, NumberVariable):
        try:
            factor_of(column, variable)
        except NodeConfigError as error:
            yield str(error)
        time = variable.unit is not None and conversion(variable.unit, "days") is not None
        if column.round is not None and not time:
            yield f"round: day is for times, but the codebook's unit is {variable.unit or 'not given'}."
