"""SAS data sets: transport files (.xpt) and SAS7BDAT files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from riskset_node.sources.formats.shown import SAS, Shown, sas_shown
from riskset_node.sources.formats.transport import is_transport, special_missing
from riskset_node.sources.readstat import ReadStatSettings, ReadStatSource


class SasSettings(ReadStatSettings):
    """A SAS data set, as node.yaml describes it."""

    MORE_MISSING: ClassVar[tuple[str, ...]] = tuple(
        f".{letter}" for letter in "_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    )

    kind: Literal["sas"]


class SasSource(ReadStatSource):
    """A SAS data set; a special missing value is its sign, `.A` to `.Z` or `._`, and a plain one an empty cell."""

    kind = "sas"
    settings = SasSettings
    file_of = "a SAS data set"
    to_export = "as a transport file (libname out xport 'file.xpt') or as CSV"
    calendar = SAS

    def read(self, settings: ReadStatSettings, columns: Sequence[str]) -> dict[str, list[object]]:
        """Read these columns. Raises `DataError` also if a transport file holds several data sets."""
        found = super().read(settings, columns)
        if is_transport(settings.path):
            header = self.header(settings)
            places = {header.index(name): name for name in columns}
            for place, letters in special_missing(settings.path, places).items():
                values = found[places[place]]
                for row, letter in letters.items():
                    values[row] = self.sign_of(letter)
        return found

    def shown(self, layout: str | None) -> Shown:
        """What a format of SAS shows."""
        return sas_shown(layout)

    def reader(self, settings: ReadStatSettings) -> tuple[object, Mapping[str, object]]:
        """The reader of transport files, or of the others, which then tells special missing values."""
        import pyreadstat

        if is_transport(settings.path):
            return pyreadstat.read_xport, {}
        return pyreadstat.read_sas7bdat, {"user_missing": True}
