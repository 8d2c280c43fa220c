"""Errors of the kinds that data managers meet, planted on request: `riskset-node data check` must find each."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from riskset_common.errors import InputError
from riskset_embedded.interfant06.dialects import Language

Change = Callable[[pd.DataFrame, int, Language], None]


@dataclass(frozen=True)
class Planted:
    """One error: the group, the kind of finding that it makes, which records it may befall, and how it is made."""

    group: str
    kind: str
    among: str
    change: Change


def _set(variable: str, value: Any) -> Change:
    def change(local: pd.DataFrame, row: int, language: Language) -> None:
        local.loc[row, language.column(variable)] = value

    return change


def _before(variable: str, of: str, days: int) -> Change:
    """Set a date to some days before another one."""

    def change(local: pd.DataFrame, row: int, language: Language) -> None:
        other: Any = local.loc[row, language.column(of)]
        local.loc[row, language.column(variable)] = other - datetime.timedelta(days=days)

    return change


def _twice(local: pd.DataFrame, row: int, language: Language) -> None:
    local.loc[row, language.patient] = local.loc[0 if row else 1, language.patient]


def _other_risk(local: pd.DataFrame, row: int, language: Language) -> None:
    codes = language.codes.get("risk_recorded", {"LR": "LR", "MR": "MR", "HR": "HR"})
    local.loc[row, language.column("risk_recorded")] = codes["HR"]


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


def plant(group: str, local: pd.DataFrame, language: Language) -> pd.DataFrame:
    """The group's local records with its error, where it has one: in the first record that the error may befall."""
    changed = local.reset_index(drop=True)
    for error in PLANTED:
        if error.group == group:
            error.change(changed, _first(changed, error, language), language)
    return changed


def _first(local: pd.DataFrame, error: Planted, language: Language) -> int:
    if error.among == "germline":
        codes: Mapping[str, str] = language.codes.get("kmt2a", {"germline": "germline"})
        fit = local[language.column("kmt2a")] == codes["germline"]
    else:
        fit = local[language.column(error.among)].notna()
    rows = local.index[fit]
    if rows.empty:
        raise InputError(
            f"{error.group}: no record can have the error {error.kind}. Take another seed, or mend errors.py."
        )
    return int(rows[-1])
