"""The dialect of each study group's file: words, codes, separators, dates and units, read from dialects.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from riskset_common.errors import InputError
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import Name, read_yaml, validate

UNITS = ("age", "wbc", "blasts")


class Language(StrictModel):
    """Local names of columns, and local codes of levels."""

    patient: str
    columns: dict[str, str]
    codes: dict[str, dict[Name, Name]]

    def column(self, variable: str) -> str:
        """What the file calls a variable."""
        return self.columns.get(variable, variable)


class Dialect(StrictModel):
    """What one group's data manager chose. `dates` and `missing` are None where the file's own type says them."""

    language: str
    kind: Literal["csv", "sas", "excel"]
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    dates: str | None = None
    units: tuple[str, str, str]
    missing: str | None = None

    @property
    def suffix(self) -> str:
        """The ending of the file's name."""
        return {"csv": "csv", "sas": "xpt", "excel": "xlsx"}[self.kind]

    def unit(self, variable: str) -> str | None:
        """The unit that the file gives a number in; None for other variables."""
        return self.units[UNITS.index(variable)] if variable in UNITS else None


class Dialects(StrictModel):
    """All languages, and the dialect of each study group."""

    languages: dict[str, Language]
    groups: dict[str, Dialect] = Field(min_length=1)

    def language_of(self, group: str) -> Language:
        """The words of a group."""
        return self.languages[self.groups[group].language]


def read_dialects() -> Dialects:
    """Read dialects.yaml, which lies beside this module."""
    path = Path(__file__).with_name("dialects.yaml")
    return validate(Dialects, read_yaml(path), str(path), InputError)


def site_name(group: str) -> str:
    """The site of a group: its name in lower case, without blanks."""
    return group.lower().replace(" ", "-")
