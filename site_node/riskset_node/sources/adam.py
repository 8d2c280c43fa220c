"""ADaM of CDISC: ADSL with one row a subject, and ADTTE with one row a subject and parameter, joined by USUBJID."""

from __future__ import annotations

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, model_validator

from riskset_common.errors import DataError, NodeConfigError, did_you_mean
from riskset_common.formats.seen import as_seen
from riskset_node.sources.cdisc.tables import SUBJECT, DataSet, Table, some, text_of
from riskset_node.sources.cdisc.times import ParameterRows
from riskset_node.sources.sas import SasSettings
from riskset_node.sources.source import (
    Examined,
    Note,
    NotedColumns,
    SourceSettings,
    Token,
    check_header,
    known_encoding,
)

PARTS = ("time", "status", "event", "start", "end", "description")
"""Columns of one parameter: days, CNSR, EVNTDESC of events and CNSR of the others, STARTDT, ADT, EVNTDESC."""

_OF_THE_TIME = ("AVAL", "AVALU", "ADT", "ADTF", "STARTDT", "STARTDTF", "CNSR", "EVNTDESC")
_OF_A_ROW = frozenset(
    [
        "PARAM",
        "PARAMCD",
        "PARAMN",
        "PARAMTYP",
        "AVALC",
        "ADTM",
        "ADTMF",
        "ATMF",
        "STARTDTM",
        "CNSDTDSC",
        "SRCDOM",
        "SRCVAR",
        "SRCSEQ",
    ]
) | set(_OF_THE_TIME)
"""Columns of ADTTE that describe a row of it; the others describe the subject."""


def _begins_a_column(name: str) -> str:
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(
            f"{name!r} cannot begin the names of columns such as efs.time. Write a letter, and letters, digits and _ after it."
        )
    return name


class AdamSettings(SourceSettings):
    """ADSL, ADTTE or both, as node.yaml describes them; `dates` and `missing` apply to columns of text."""

    MORE_MISSING: ClassVar[tuple[str, ...]] = SasSettings.MORE_MISSING

    kind: Literal["adam"]
    adsl: Path | None = None
    adtte: Path | None = None
    parameters: dict[Annotated[str, AfterValidator(_begins_a_column)], Token] = {}
    time: Literal["dates", "aval"] = "dates"
    aval_from: Literal[0, 1] | None = None
    encoding: Annotated[str, AfterValidator(known_encoding)] | None = None

    @model_validator(mode="after")
    def _files_fit(self) -> Self:
        if self.adsl is None and self.adtte is None:
            raise ValueError("names no file. Write adsl, adtte or both.")
        if self.adtte is None:
            idle = sorted(self.model_fields_set & {"parameters", "time", "aval_from"})
            if idle:
                raise ValueError(f"{', '.join(idle)}: has no effect without adtte. Name the file.")
        elif not self.parameters:
            raise ValueError(
                "parameters is missing. Name the parameters of adtte that are read, for example parameters: {efs: EFS, os: OS}."
            )
        folded = Counter(name.casefold() for name in self.parameters)
        alike = sorted(name for name in self.parameters if folded[name.casefold()] > 1)
        if alike:
            raise ValueError(f"parameters: {', '.join(alike)} differ only in capital letters.")
        if (self.time == "aval") != (self.aval_from is not None):
            raise ValueError(
                "time: aval also needs aval_from: 0 if AVAL is 0 on the first day, 1 if it is 1 then."
                if self.time == "aval"
                else "aval_from has no effect without time: aval. Remove it, or write time: aval."
            )
        return self


class AdamSource:
    """The subjects of ADSL, or of ADTTE where there is no ADSL, and for each parameter that is named its time, status and dates.

    As in SAS, names of columns have no capital and no small letters.
    """

    kind = "adam"
    settings = AdamSettings
    ordered = False

    def is_live(self, settings: AdamSettings) -> bool:
        """A file is what it was when a run began, or the run ends."""
        return False

    def place(self, settings: AdamSettings) -> str:
        """The paths."""
        return " and ".join(str(path) for path in _paths(settings))

    def header(self, settings: AdamSettings) -> tuple[str, ...]:
        """Columns of the subject, then six for each parameter, such as `efs.time`."""
        return _header(_opened(settings), settings)

    def read(self, settings: AdamSettings, columns: Sequence[str]) -> NotedColumns:
        """Read these columns, one row a subject. A time is in days, or in the unit of AVALU if it cannot be told in days."""
        opened = _opened(settings)
        header = _header(opened, settings)
        spelt = {name.casefold(): name for name in header}
        found = {name: spelt.get(name.casefold(), name) for name in columns}
        check_header(header, tuple(dict.fromkeys(found.values())), self.place(settings))
        of_parameters = _columns_of_parameters(settings)
        asked = [name.upper() for name in found.values() if name not in of_parameters]
        adsl, adtte = opened
        parameters = {} if adtte is None else _parameters(adtte, settings, () if adsl else asked)
        subjects = _subjects(adsl, parameters, asked)
        noted = {
            name: _of_parameter(parameters, column, settings, subjects.names)
            if column in of_parameters
            else subjects.column(column.upper())
            for name, column in found.items()
        }
        return NotedColumns(
            {name: values for name, (values, _) in noted.items()},
            {name: note for name, (_, note) in noted.items()},
        )

    def examined(self, settings: AdamSettings, columns: Sequence[str]) -> Iterator[Examined]:
        """When each file was written."""
        for path in _paths(settings):
            written = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
            yield Examined(f"{path.name} written on {written:%Y-%m-%d}")


_Noted = tuple[Sequence[object], Note]
_Opened = tuple[DataSet | None, DataSet | None]


def _paths(settings: AdamSettings) -> Iterator[Path]:
    yield from (path for path in (settings.adsl, settings.adtte) if path is not None)


def _opened(settings: AdamSettings) -> _Opened:
    """ADSL and ADTTE, where they are named."""
    adsl, adtte = (
        None if path is None else DataSet.of(path, settings.encoding)
        for path in (settings.adsl, settings.adtte)
    )
    return adsl, adtte


def _columns_of_parameters(settings: AdamSettings) -> tuple[str, ...]:
    return tuple(f"{name}.{part}" for name in settings.parameters for part in PARTS)


def _header(opened: _Opened, settings: AdamSettings) -> tuple[str, ...]:
    adsl, adtte = opened
    names = () if adsl is None else adsl.header
    if adsl is None and adtte is not None:
        names = tuple(name for name in adtte.header if name.upper() not in _OF_A_ROW)
    return (*names, *_columns_of_parameters(settings))


@dataclass(frozen=True)
class _Subjects:
    """The subjects and what is known of them once: rows of ADSL, or the first row of each in ADTTE."""

    names: Sequence[str]
    rows: Sequence[int]
    table: Table

    def column(self, name: str) -> _Noted:
        """One column, and in which rows it is a date that was imputed: a flag of a column such as TRTSDT is TRTSDTF."""
        values = self.table.columns[name]
        imputed = _imputed(self.table, f"{name}F") if name.endswith("DT") else ()
        flags = tuple(imputed[row] for row in self.rows) if imputed else ()
        return [values[row] for row in self.rows], Note(approximate=flags)


def _imputed(table: Table, flag: str) -> tuple[bool, ...]:
    """Rows in which the flag of a date says that a part of it was imputed; none if there is no such flag."""
    return tuple(bool(text_of(value)) for value in table.columns.get(flag, ()))


def _flags_of(names: Collection[str]) -> tuple[str, ...]:
    return tuple(f"{name}F" for name in names if name.endswith("DT"))


def _parameters(
    adtte: DataSet, settings: AdamSettings, more: Sequence[str]
) -> dict[str, ParameterRows]:
    """The rows of each parameter that is named, by that name; `more` columns describe the subject."""
    table = adtte.table((SUBJECT, "STUDYID", "PARAMCD", *_OF_THE_TIME, *more, *_flags_of(more)))
    codes = table.texts("PARAMCD", "It names the parameter; is this ADTTE?")
    subjects = table.subjects()
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, code in enumerate(codes):
        places[code].append(place)
    return {
        name: _rows(table, subjects, as_seen(code), places)
        for name, code in settings.parameters.items()
    }


def _rows(
    table: Table, subjects: Sequence[str], code: str, places: Mapping[str, list[int]]
) -> ParameterRows:
    """The rows of one parameter. Raises `NodeConfigError` if it is not there, `DataError` if a subject has two of them."""
    if code not in places:
        raise NodeConfigError(
            f"data.source.parameters: {table.path} has no parameter {code!r}. {did_you_mean(code, places)}"
        )
    alike = sorted(
        repr(other) for other in places if other != code and other.casefold() == code.casefold()
    )
    if alike:
        raise DataError(
            f"{table.path}: PARAMCD holds {code!r} and also {', '.join(alike)}. If they are one parameter, write them alike."
        )
    rows = places[code]
    names = tuple(subjects[row] for row in rows)
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(
            f"{table.path}: parameter {code}: {_subject(twice)} more than one row. Keep one row for each subject and parameter, "
            "such as that of the assessor whose result is analysed."
        )
    columns = {name: [values[row] for row in rows] for name, values in table.columns.items()}
    return ParameterRows(code, names, Table(table.path, columns))


def _subject(names: Sequence[str]) -> str:
    return f"subject {names[0]} has" if len(names) == 1 else f"subjects {some(names)} have"


def _subjects(
    adsl: DataSet | None, parameters: Mapping[str, ParameterRows], asked: Sequence[str]
) -> _Subjects:
    """One row a subject. Raises `DataError` if the files do not have the same subjects."""
    if adsl is None:
        return _of_adtte(tuple(parameters.values()), asked)
    table = adsl.table((SUBJECT, "STUDYID", *asked, *_flags_of(asked)))
    names = table.subjects()
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(f"{adsl.path}: {_subject(twice)} more than one row. Keep one for each.")
    if parameters:
        _check_join(table, names, tuple(parameters.values()))
    return _Subjects(names, range(len(names)), table)


def _check_join(adsl: Table, names: Sequence[str], parameters: Sequence[ParameterRows]) -> None:
    there = dict.fromkeys(name for rows in parameters for name in rows.subjects)
    known = set(names)
    lines = [
        f"{here}: {_subject(alone)} no row {of}"
        for here, of, alone in (
            (
                adsl.path,
                f"of {' or '.join(rows.code for rows in parameters)} in {parameters[0].table.path}",
                [name for name in names if name not in there],
            ),
            (
                parameters[0].table.path,
                f"in {adsl.path}",
                [name for name in there if name not in known],
            ),
        )
        if alone
    ]
    if lines:
        raise DataError(
            ".\n".join(lines)
            + f". Every subject is in both, by the same {SUBJECT}: mend the ids, add the rows, or leave the "
            "subjects out of the file with a note why."
        )
    studies = dict(
        zip(names, map(text_of, adsl.columns.get("STUDYID", [None] * len(names))), strict=True)
    )
    for rows in parameters:
        for name, study in zip(rows.subjects, rows.table.columns.get("STUDYID", ()), strict=False):
            if studies[name] and text_of(study) != studies[name]:
                raise DataError(
                    f"{rows.called}: subject {name} is of another STUDYID than in {adsl.path}. Take both files of one study."
                )


def _of_adtte(parameters: Sequence[ParameterRows], asked: Sequence[str]) -> _Subjects:
    """The subjects of ADTTE alone, whose own columns must be the same in each of their rows."""
    names = tuple(dict.fromkeys(name for rows in parameters for name in rows.subjects))
    columns: dict[str, list[object]] = {}
    for column in (*asked, *_flags_of(asked)):
        values: dict[str, object] = {}
        for rows in parameters:
            held = rows.table.columns.get(column, ())
            for name, value in zip(rows.subjects, held, strict=bool(held)):
                if text_of(values.setdefault(name, value)) != text_of(value):
                    raise DataError(
                        f"{rows.table.path}: {column} of subject {name} is not the same in all rows, so it cannot describe the subject. "
                        "Take it from ADSL: name that file in data.source.adsl."
                    )
        if values:
            columns[column] = [values[name] for name in names]
    return _Subjects(names, range(len(names)), Table(parameters[0].table.path, columns))


def _of_parameter(
    parameters: Mapping[str, ParameterRows],
    column: str,
    settings: AdamSettings,
    subjects: Sequence[str],
) -> _Noted:
    """One column of a parameter for all subjects, None where a subject has no row of it."""
    name, _, part = column.partition(".")
    rows = parameters[name]
    values, unit = _part(rows, part, settings)
    flags = {"time": ("ADTF", "STARTDTF"), "start": ("STARTDTF",), "end": ("ADTF",)}.get(part, ())
    imputed = [found for flag in flags if (found := _imputed(rows.table, flag))]
    place = {subject: row for row, subject in enumerate(rows.subjects)}
    where = [place.get(subject) for subject in subjects]
    approximate = tuple(row is not None and any(found[row] for found in imputed) for row in where)
    note = Note(unit, approximate if any(approximate) else ())
    return [None if row is None else values[row] for row in where], note


def _part(
    rows: ParameterRows, part: str, settings: AdamSettings
) -> tuple[Sequence[object], str | None]:
    """The values of one column of a parameter, and the unit of times."""
    if part == "time":
        times = (
            rows.by_dates(settings)
            if settings.time == "dates" or settings.aval_from is None
            else rows.by_aval(settings, settings.aval_from)
        )
        return times.values, times.unit
    if part in ("start", "end"):
        name = "STARTDT" if part == "start" else "ADT"
        return rows.table.needed(name, f"{part} of a parameter is this date."), None
    if part == "description":
        return rows.table.needed("EVNTDESC", "It describes the event."), None
    status = rows.table.needed("CNSR", "It says whether the time ended with an event.")
    if part == "status":
        return status, None
    described = rows.table.texts("EVNTDESC", "It describes the event.")
    events = [text_of(censored) in ("0", "0.0") for censored in status]
    if any(event and _is_number(text) for event, text in zip(events, described, strict=True)):
        raise DataError(
            f"{rows.called}: EVNTDESC of an event is a number, as are the kinds of censoring (CNSR), so that codes cannot tell them apart. "
            "Describe the events in words."
        )
    # An event without a description stays 0, so that it is found as a code and not lost as missing.
    return [
        (text or 0) if event else censored
        for censored, event, text in zip(status, events, described, strict=True)
    ], None


def _is_number(text: str) -> bool:
    return text.removesuffix(".0").isdecimal()
