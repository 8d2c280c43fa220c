"""Stata files (.dta), of Stata 8 and later."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import ClassVar, Literal

from riskset_node.sources.formats.shown import STATA, Shown, stata_shown
from riskset_node.sources.readstat import ReadStatSettings, ReadStatSource


class StataSettings(ReadStatSettings):
    """A Stata file, as node.yaml describes it."""

    MORE_MISSING: ClassVar[tuple[str, ...]] = tuple(
        f".{letter}" for letter in string.ascii_lowercase
    )

    kind: Literal["stata"]


class StataSource(ReadStatSource):
    """A Stata file; an extended missing value is its sign, `.a` to `.z`, and a plain one an empty cell."""

    kind = "stata"
    settings = StataSettings
    file_of = "a Stata file"
    to_export = "with save, or as CSV with export delimited"
    calendar = STATA

    def shown(self, layout: str | None) -> Shown:
        """What a display format of Stata shows."""
        return stata_shown(layout)

    def reader(self, settings: ReadStatSettings) -> tuple[object, Mapping[str, object]]:
        """The reader of Stata files, with extended missing values."""
        import pyreadstat

        return pyreadstat.read_dta, {"user_missing": True}
