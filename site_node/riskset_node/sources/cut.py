"""A data cut as a source: the coded patients that `riskset-node data cut` wrote down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from riskset_node.sources.cut_file import Cut, read_cut
from riskset_node.sources.date_forms import DateForms
from riskset_node.sources.source import Examined, SourceSettings


class CutSettings(SourceSettings):
    """A cut, as node.yaml names it. Its values are coded, so nothing is said of how they are written."""

    REFUSED: ClassVar[Mapping[str, str]] = {
        key: f"a cut holds coded values, so {what} has no meaning here. Remove the key."
        for key, what in (
            ("dates", "a form of dates"),
            ("day", "a day that completes dates"),
            ("missing", "a sign for missing"),
            ("where", "a choice of rows"),
        )
    }

    kind: Literal["cut"]
    path: Path
    dates: ClassVar[DateForms] = ()  # type: ignore[misc]  # no setting of this kind
    day: ClassVar[None] = None  # type: ignore[misc]  # ditto
    missing: ClassVar[tuple[str, ...]] = ()  # type: ignore[misc]  # ditto


class CutSource:
    """A cut. It has no columns to be read and coded: `records/site_records.py` takes its patients as they are."""

    kind = "cut"
    settings = CutSettings
    ordered = False

    def is_live(self, settings: SourceSettings) -> bool:
        """A cut is never changed."""
        return False

    def place(self, settings: SourceSettings) -> str:
        """The path."""
        return str(_path(settings))

    def header(self, settings: SourceSettings) -> tuple[str, ...]:
        """The column with the patients' ids, and the variables that were read for the cut."""
        return self.opened(settings).header.columns

    def read(
        self, settings: SourceSettings, columns: Sequence[str]
    ) -> Mapping[str, Sequence[object]]:
        """Refuse: what is coded is not coded a second time. Whoever wants the patients takes them from `opened`."""
        raise TypeError(f"{self.place(settings)} is a cut, which has no columns to be coded")

    def examined(self, settings: SourceSettings, columns: Sequence[str]) -> Iterator[Examined]:
        """When it was made, of which codebook."""
        header = self.opened(settings).header
        yield Examined(
            f"{header.name!r}, made on {header.made_at[:10]} with the codebook {header.codebook}"
        )

    def opened(self, settings: SourceSettings) -> Cut:
        """The cut; raises `NodeConfigError` or `DataError` if it cannot be read."""
        return read_cut(_path(settings), "data.source.path in node.yaml")


def _path(settings: SourceSettings) -> Path:
    if not isinstance(settings, CutSettings):
        raise TypeError(f"settings of kind {settings.kind} describe no cut")
    return settings.path
