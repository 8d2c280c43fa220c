"""Read one site's file into coded patients, and find everything that is wrong with it in one pass."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from riskset_common.errors import NodeConfigError, did_you_mean
from riskset_common.formats.seen import as_seen
from riskset_common.study.codebook import CategoryVariable, Codebook, NumberVariable
from riskset_common.study.patients import Patients
from riskset_node.config import NodeConfig
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Mark
from riskset_node.records.rows import PatientIds, chosen_rows
from riskset_node.records.site_records import SiteRecords, check_own, records_in
from riskset_node.records.values.coding import Coded, absent_column, code_column
from riskset_node.records.values.column import Column
from riskset_node.records.variable_columns import VariableColumn, variable_columns
from riskset_node.sources import source_of
from riskset_node.sources.cut import CutSource
from riskset_node.sources.formats.header import looks_like_header
from riskset_node.sources.source import FileSettings, NotedColumns, labels_of, own_names


def _check_study(config: NodeConfig, codebook: Codebook) -> None:
    if config.study is not None and config.study != codebook.codebook:
        raise NodeConfigError(
            f"study: node.yaml of site {config.site!r} is for the study {config.study!r}, and the codebook is of {codebook.codebook!r}. "
            "Use the codebook of that study, or correct study in node.yaml."
        )


def read_records(
    config: NodeConfig, codebook: Codebook, today: datetime.date, needed: Collection[str] = ()
) -> SiteRecords:
    """Read the columns of the codebook's variables that the site maps, and no others; those `needed` by a plan must be mapped.

    What is wrong with rows is a finding, not an error. Raises `NodeConfigError` or `DataError` if the file cannot be read at all.
    """
    _check_study(config, codebook)
    source = source_of(config.data.source.kind)
    if isinstance(source, CutSource):
        cut, place = source.opened(config.data.source), source.place(config.data.source)
        check_own(cut.header, config, place)
        return records_in(cut, codebook, place, needed)
    return _code_columns(config, codebook, today, needed)


def _code_columns(
    config: NodeConfig, codebook: Codebook, today: datetime.date, needed: Collection[str]
) -> SiteRecords:
    header = _header(config)
    mapped = variable_columns(config, codebook, header, needed)
    columns = _needed(config, mapped)
    raw, ids = _rows_read(config, header, columns)
    n = ids.n
    marks = list(ids.marks)
    coded: dict[str, Coded] = {}
    labels = labels_of(source_of(config.data.source.kind), config.data.source)
    for each in mapped:
        if each.column is None:
            coded[each.name] = absent_column(each.variable, n)
            continue
        column = raw[each.column.in_source]
        coded[each.name] = code_column(column, each, config.data.source, today, labels)
        marks += coded[each.name].marks
    patients = _patients(n, codebook, coded)
    marks += _missing_required(patients, mapped, marks, config.data.accept)
    if n == 0:
        marks.append(_no_patients(config))
    return SiteRecords(
        patients=patients,
        local_ids=ids.local_ids,
        findings=tuple(mark.finding(ids.local_ids, config.data.accept) for mark in marks),
        read=columns,
        not_read=_not_read(header, columns),
        by_name=tuple(each.name for each in mapped if each.by_name),
        not_held=_not_held(config, mapped),
    )


def _not_held(config: NodeConfig, mapped: Iterable[VariableColumn]) -> tuple[str, ...]:
    """Variables without a column of which node.yaml says nothing."""
    absent = config.data.absent
    return tuple(each.name for each in mapped if each.column is None and each.name not in absent)


def _header(config: NodeConfig) -> tuple[str, ...]:
    """Names of the source's columns; if it lacks some that node.yaml lists, the source itself says why, before it is said of variables."""
    source, settings = source_of(config.data.source.kind), config.data.source
    header = source.header(settings)
    listed = [column.column for column in (config.data.columns or {}).values()]
    if {as_seen(name) for name in listed} - set(map(as_seen, header)):
        asked = [*filter(None, [config.data.patient]), *listed]
        source.read(settings, tuple(dict.fromkeys(own_names(header, asked))))
    return header


def _not_read(header: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    seen = set(map(as_seen, columns))
    return tuple(name for name in header if as_seen(name) not in seen)


def _rows_read(
    config: NodeConfig, header: Sequence[str], columns: Sequence[str]
) -> tuple[dict[str, Column], PatientIds]:
    """The columns with the rows that are chosen, sorted by patient where the source has no order; and the patients."""
    source, settings = source_of(config.data.source.kind), config.data.source
    where = settings.where if isinstance(settings, FileSettings) else {}
    asked = tuple(dict.fromkeys((*columns, *where)))
    _check_where(where, header, source.place(settings))
    own = own_names(header, asked)
    values = source.read(settings, tuple(dict.fromkeys(own)))
    notes = values.notes if isinstance(values, NotedColumns) else {}
    raw = {
        name: Column.of(values[its], notes.get(its)) for name, its in zip(asked, own, strict=True)
    }
    n = len(next(iter(values.values()), ()))
    rows = chosen_rows(raw, where, n, source.place(settings), settings.decimal_sign)
    raw = {name: raw[name].rows(rows) if where else raw[name] for name in columns}
    named = None if config.data.patient is None else raw[config.data.patient]
    ids = PatientIds.of(named, config, rows)
    if source.ordered:
        return raw, ids
    order = ids.order()
    return {name: column.rows(order) for name, column in raw.items()}, ids.rows(order)


def _check_where(where: Collection[str], header: Sequence[str], place: str) -> None:
    held = set(map(as_seen, header)) - {""}
    for name in where:
        if as_seen(name) not in held:
            near = did_you_mean(name, held) if looks_like_header(held) else ""
            raise NodeConfigError(
                f"data.source.where: {place} has no column {name!r}. {near}".rstrip()
            )


def _needed(config: NodeConfig, mapped: Iterable[VariableColumn]) -> tuple[str, ...]:
    names = [each.column.in_source for each in mapped if each.column is not None]
    if config.data.patient is not None:
        names.insert(0, config.data.patient)
    return tuple(dict.fromkeys(names))


def _patients(n: int, codebook: Codebook, coded: Mapping[str, Coded]) -> Patients:
    categories, numbers, dates = {}, {}, {}
    for name, variable in codebook.variables.items():
        codes = coded[name].codes
        if isinstance(variable, CategoryVariable):
            categories[name] = codes.astype(np.int64, copy=False)
        elif isinstance(variable, NumberVariable):
            numbers[name] = codes.astype(np.float64, copy=False)
        else:
            dates[name] = codes.astype(np.int64, copy=False)
    approximate = {name: each.approximate for name, each in coded.items() if each.approximate.any()}
    return Patients(
        n=n, categories=categories, numbers=numbers, dates=dates, approximate=approximate
    )


def _missing_required(
    patients: Patients,
    mapped: Iterable[VariableColumn],
    marks: Sequence[Mark],
    accept: Sequence[FindingKind],
) -> list[Mark]:
    """Mark rows without a required value. A value that is wrong has a mark of its own; if that is accepted, it is missing."""
    missing_marks = []
    for each in mapped:
        if not each.variable.required or each.column is None:
            continue
        missing = ~patients.known(each.name)
        for mark in marks:
            if mark.about == (each.name,) and mark.kind not in accept:
                missing &= ~mark.rows
        if missing.any():
            advice = "Fill it in, or leave the patient out of the file with a note why."
            said = f"{each.name} ({each.variable.label}) is required by the codebook and missing"
            missing_marks.append(
                Mark(FindingKind.MISSING_REQUIRED, (each.name,), missing, said, advice)
            )
    return missing_marks


def _no_patients(config: NodeConfig) -> Mark:
    return Mark(
        FindingKind.NO_PATIENTS,
        (),
        np.zeros(0, dtype=np.bool_),
        f"{source_of(config.data.source.kind).place(config.data.source)}: the site file has no patients, only a header",
        "Check data.source.path, and how the file was exported.",
    )
