"""Errors of the kinds that data managers meet, planted on request: `riskset-node data check` must find each."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.studies.interfant06.synthetic.dialects import Language
from deploy.studies.interfant06.synthetic.files import LocalRecord
from deploy.studies.interfant06.synthetic.records import Value

from riskset_common.errors import InputError

Change = Callable[[list[LocalRecord], int, Language], None]


@dataclass(frozen=True)
class Planted:
    """One error: the group, the kind of finding that it makes, which records it may befall, and how it is made."""

    group: str
    kind: str
    among: str
    change: Change


def _set(variable: str, value: Value) -> Change:
    def change(records: list[LocalRecord], row: int, language: Language) -> None:
        records[row][language.column(variable)] = value

    return change


def _before(variable: str, of: str, days: int) -> Change:
    """Set a date to some days before another one."""

    def change(records: list[LocalRecord], row: int, language: Language) -> None:
        other = records[row][language.column(of)]
        if not isinstance(other, datetime.date):
            raise InputError(f"{of}: the record that is to have the error has no date.")
        records[row][language.column(variable)] = other - datetime.timedelta(days=days)

    return change


def _twice(records: list[LocalRecord], row: int, language: Language) -> None:
    records[row][language.patient] = records[row - 1][language.patient]


def _other_risk(records: list[LocalRecord], row: int, language: Language) -> None:
    codes = language.codes.get("risk_recorded", {"HR": "HR"})
    records[row][language.column("risk_recorded")] = codes["HR"]


PLANTED: Final = (
    Planted("Lyon", "reversed_dates", "relapse", _before("relapse", "diagnosis", 365)),
    Planted("Padua", "unmapped_code", "sex", _set("sex", "X")),
    Planted("Gdansk", "duplicate_patient", "diagnosis", _twice),
    Planted("Bristol", "out_of_range", "wbc", _set("wbc", 85300)),
    Planted("Utrecht", "not_a_date", "remission", _set("remission", "31-02-2010")),
    Planted("La Plata", "not_a_number", "wbc", _set("wbc", "1.234,5")),
    Planted("Aarhus", "event_after_last_contact", "death", _before("last_contact", "death", 1)),
    Planted("Hannover", "derived_differs", "germline", _other_risk),
    Planted("Memphis", "missing_required", "last_contact", _set("last_contact", None)),
)
"""All errors, at most one in each group."""


def plant(group: str, records: Sequence[LocalRecord], language: Language) -> list[LocalRecord]:
    """The group's local records with its error, where it has one: in the last record that the error may befall."""
    changed = [dict(record) for record in records]
    for error in PLANTED:
        if error.group == group:
            error.change(changed, _last(changed, error, language), language)
    return changed


def _last(records: Sequence[LocalRecord], error: Planted, language: Language) -> int:
    if error.among == "germline":
        column, wanted = language.column("kmt2a"), language.codes["kmt2a"]["germline"]
        rows = [row for row, record in enumerate(records) if record[column] == wanted]
    else:
        column = language.column(error.among)
        rows = [row for row, record in enumerate(records) if record[column] is not None]
    if not rows:
        raise InputError(
            f"{error.group}: no record can have the error {error.kind}. Take another seed, or mend errors.py."
        )
    return rows[-1]
