"""The column of each variable of the codebook, and contradictions between node.yaml and the codebook."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from riskset_common.errors import NodeConfigError, did_you_mean
from riskset_common.formats.seen import as_seen
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
from riskset_node.sources.cut import CutSettings

AnyVariable = DateVariable | CategoryVariable | NumberVariable


@dataclass(frozen=True)
class VariableColumn:
    """One variable of the codebook and the column that holds it at this site.

    Attributes
    ----------
    column
        None where the site does not hold it.
    by_name
        Whether node.yaml says nothing of it, and the column was taken because it has the variable's name.
    """

    name: str
    variable: AnyVariable
    column: ColumnMap | None
    by_name: bool = False


def variable_columns(
    config: NodeConfig, codebook: Codebook, header: Sequence[str], needed: Collection[str] = ()
) -> tuple[VariableColumn, ...]:
    """One for each variable, in the codebook's order; what node.yaml does not list is read from the column of its name, if there is one.

    Parameters
    ----------
    header
        Names of the source's columns.

    Raises
    ------
    NodeConfigError
        With every contradiction, and every variable without a column that is required or `needed` (a plan reads it). If node.yaml
        lists no columns at all, every variable is expected in the column of its name, which the source then misses. What a cut does
        not hold, it was made without.
    """
    if isinstance(config.data.source, CutSettings):
        return tuple(_in_a_cut(codebook, header))
    named = _columns_by_name(header)
    problems = list(_problems(config, codebook, named, needed))
    if problems:
        if len(header) == 1:
            problems.append(
                "data.source: the file has one column only. Check how it is to be read, such as its delimiter."
            )
        raise NodeConfigError("\n".join(f"node.yaml of {config.site}: {line}" for line in problems))
    written = config.data.columns or {}
    mapped = []
    for name, variable in codebook.variables.items():
        is_listed = name in written or name in config.data.absent
        if is_listed or (name not in named and config.data.columns is not None):
            mapped.append(VariableColumn(name, variable, written.get(name)))
        else:
            column = ColumnMap.model_validate({"from": named.get(name, [name])[0]})
            mapped.append(VariableColumn(name, variable, column, by_name=True))
    return tuple(mapped)


def _in_a_cut(codebook: Codebook, header: Collection[str]) -> Iterator[VariableColumn]:
    """A cut names its values by the codebook's variables."""
    for name, variable in codebook.variables.items():
        column = ColumnMap.model_validate({"from": name}) if name in header else None
        yield VariableColumn(name, variable, column)


def _columns_by_name(header: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The columns of a source by their names as a person sees them; more than one where they look alike."""
    named: defaultdict[str, list[str]] = defaultdict(list)
    for column in header:
        named[as_seen(column)].append(column)
    return named


def factor_of(column: ColumnMap, variable: NumberVariable) -> Fraction:
    """What numbers of the column are multiplied with to be in the codebook's unit."""
    if column.factor is not None:
        return exact(column.factor)
    if column.unit is None:
        return Fraction(1)
    if variable.unit is None:
        raise NodeConfigError(
            f"unit {column.unit!r} cannot be turned into anything, because the codebook gives the variable no unit. Remove it."
        )
    factor = conversion(column.unit, variable.unit)
    if factor is None:
        raise NodeConfigError(
            f"unit {column.unit!r} cannot be turned into {variable.unit!r} by definition. "
            f"Write factor in place of unit: how many {variable.unit} one {column.unit} is."
        )
    return factor


def in_known_unit(unit: str | None, mapped: VariableColumn) -> ColumnMap:
    """How a column is read, with the unit that its source knows; None where it knows none.

    Raises
    ------
    NodeConfigError
        If node.yaml says another unit, or the codebook says none to turn it into.
    """
    column = mapped.column
    if column is None:
        raise ValueError(f"{mapped.name} is absent at this site and has no column.")
    variable = mapped.variable
    if unit is None or not isinstance(variable, NumberVariable):
        return column
    where = f"data.columns.{mapped.name}"
    if variable.unit is None or conversion(unit, variable.unit) is None:
        if column.factor is not None and unit == "days":
            return column
        own = "no unit" if variable.unit is None else f"the unit {variable.unit}"
        raise NodeConfigError(
            f"{where}: {column.column} is in {unit}, and {mapped.name} has {own} in the codebook. Ask the centre for a codebook with "
            "a unit of time, or write what days are multiplied with as factor (1 to leave them as they are)."
        )
    for key, differs in (
        ("unit", column.unit is not None and conversion(column.unit, unit) != 1),
        ("factor", column.factor is not None),
    ):
        if differs:
            raise NodeConfigError(
                f"{where}.{key}: {column.column} is in {unit}, which its source knows and turns into {variable.unit}. Remove {key}."
            )
    return column.model_copy(update={"unit": unit})


def _problems(
    config: NodeConfig,
    codebook: Codebook,
    named: Mapping[str, Sequence[str]],
    needed: Collection[str],
) -> Iterator[str]:
    absent, columns = config.data.absent, config.data.columns or {}
    for section, names in (("columns", columns), ("absent", absent)):
        for name in names:
            if name not in codebook.variables:
                yield f"data.{section}.{name}: {_no_variable(name, codebook)}"
    for name, variable in codebook.variables.items():
        if name in absent and variable.required:
            yield f"data.absent.{name}: the codebook requires {name} ({variable.label}), so no site can be without it."
        if name not in columns and name not in absent:
            yield from _twice_by_name(name, variable, named)
        if name in columns:
            for problem in _column_problems(columns[name], variable):
                yield f"data.columns.{name}: {problem}"
    lacking = [
        f"{name} ({variable.label})"
        for name, variable in codebook.variables.items()
        if name not in columns and name not in absent and not named.get(name)
        if variable.required or name in needed
    ]
    if lacking and config.data.columns is not None:
        said = (
            "is not mapped, and the file has no column of this name. Name its column"
            if len(lacking) == 1
            else "are not mapped, and the file has no columns of these names. Name their columns"
        )
        yield f"data.columns: {', '.join(lacking)} {said}, or write under data.absent why there is none."


def _twice_by_name(
    name: str, variable: AnyVariable, named: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Say that a variable that node.yaml does not list has several columns of its name."""
    found = len(named.get(name, ()))
    if found > 1:
        yield (
            f"data.columns: {name} ({variable.label}) is not mapped, and the file has {found} columns of this name. Give each column a "
            "name of its own."
        )


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
