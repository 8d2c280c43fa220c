"""SPSS files (.sav, .zsav)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from riskset_node.sources.formats.shown import SPSS, Shown, spss_shown
from riskset_node.sources.readstat import ColumnRead, ReadStatSettings, ReadStatSource
from riskset_node.sources.source import Labels

_RANGE = "user-missing range"
_ONE = "user-missing {}"


class SpssSettings(ReadStatSettings):
    """An SPSS file, as node.yaml describes it.

    Attributes
    ----------
    user_missing
        Whether values that the file itself calls missing are read as signs for missing, or kept as they are stored.
    """

    MORE_MISSING: ClassVar[tuple[str, ...]] = (*map(_ONE.format, (1, 2, 3)), _RANGE)

    kind: Literal["spss"]
    user_missing: Literal["missing", "keep"] = "missing"


class SpssSource(ReadStatSource):
    """An SPSS file. A value that the file calls missing is a sign, `user-missing 1` for the first of its column."""

    kind = "spss"
    settings = SpssSettings
    file_of = "an SPSS file"
    to_export = "as .sav, or as CSV"
    calendar = SPSS

    def labels(self, settings: ReadStatSettings) -> Labels:
        """Labels of columns and values; a value that is read as a sign has its label under the sign as well."""
        labels, described = super().labels(settings), self.described(settings)
        if _keeps(settings):
            return labels
        values = {name: dict(found) for name, found in labels.values.items()}
        for name, ranges in described.missing_ranges.items():
            for code, label in described.variable_value_labels.get(name, {}).items():
                sign = _sign(code, ranges)
                if sign is not None:
                    values[name][sign] = label
        return Labels(labels.columns, values)

    def column(self, column: ColumnRead, settings: ReadStatSettings) -> list[object]:
        """The values of one column, with signs for what the file calls missing unless they are kept."""
        read = super().column(column, settings)
        if not column.ranges or _keeps(settings):
            return read
        signs = {value: _sign(value, column.ranges) for value in set(column.values)}
        return [signs[raw] or value for raw, value in zip(column.values, read, strict=True)]

    def shown(self, layout: str | None) -> Shown:
        """What a format of SPSS shows."""
        return spss_shown(layout)

    def reader(self, settings: ReadStatSettings) -> tuple[object, Mapping[str, object]]:
        """The reader of SPSS files, with the values that they call missing."""
        import pyreadstat

        return pyreadstat.read_sav, {"user_missing": True}


def _keeps(settings: ReadStatSettings) -> bool:
    return isinstance(settings, SpssSettings) and settings.user_missing == "keep"


def _sign(value: object, ranges: Sequence[Mapping[str, object]]) -> str | None:
    """The sign of a value that the file calls missing; None for any other."""
    single = [each["lo"] for each in ranges if each["lo"] == each["hi"]]
    if value in single:
        return _ONE.format(single.index(value) + 1)
    return _RANGE if any(_within(value, each) for each in ranges) else None


def _within(value: object, limits: Mapping[str, object]) -> bool:
    low, high = limits["lo"], limits["hi"]
    if isinstance(value, str) and isinstance(low, str) and isinstance(high, str):
        return low <= value <= high
    return (
        isinstance(value, int | float)
        and isinstance(low, int | float)
        and isinstance(high, int | float)
        and low <= value <= high
    )
