"""The data dictionary of a REDCap project, as the project's page exports it: labels of fields and of their codes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from riskset_common.errors import InputError
from riskset_node.sources.source import Labels

_FIELD, _KIND, _LABEL, _CHOICES = (
    ("variable / field name", "field_name"),
    ("field type", "field_type"),
    ("field label", "field_label"),
    ("choices, calculations, or slider labels", "select_choices_or_calculations"),
)
"""Names of its columns: as the page exports them, and as the interface does."""

_WITH_CHOICES = frozenset({"radio", "dropdown", "checkbox"})
_YES_NO = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}


def read_dictionary(path: Path) -> Labels:
    """Labels by the names of columns in a raw export; a checkbox has a column for each of its choices.

    Raises
    ------
    InputError
        If the file is no data dictionary.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read as a data dictionary. Download it again from the REDCap project, as CSV."
        ) from error
    columns: dict[str, str] = {}
    values: dict[str, Mapping[str, str]] = {}
    for row in rows:
        field, kind, label, choices = (
            _cell(row, names) for names in (_FIELD, _KIND, _LABEL, _CHOICES)
        )
        if not field:
            continue
        coded = _YES_NO.get(kind) or (_codes(choices) if kind in _WITH_CHOICES else {})
        if kind == "checkbox":
            columns |= {
                f"{field}___{code}".lower(): f"{label}: {said}" for code, said in coded.items()
            }
            continue
        columns[field] = label
        if coded:
            values[field] = coded
    if not columns:
        raise InputError(
            f'{path}: is no data dictionary of REDCap: it has no column "Variable / Field Name". Download it from the project as CSV.'
        )
    return Labels(columns, values)


def _cell(row: Mapping[str | None, object], names: tuple[str, str]) -> str:
    """What a row says in a column, whatever the export calls it."""
    found = (value for name, value in row.items() if str(name).strip().lower() in names)
    return str(next(found, None) or "").strip()


def _codes(choices: str) -> dict[str, str]:
    """Codes and labels of `1, Male | 2, Female`."""
    pairs = (choice.partition(",") for choice in choices.split("|"))
    return {code.strip(): label.strip() for code, comma, label in pairs if comma and code.strip()}
