"""One data set of CDISC, from a SAS file or Dataset-JSON; as in SAS, its names have no capital and no small letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.formats.seen import as_seen
from riskset_node.sources.cdisc.dataset_json import read_dataset_json
from riskset_node.sources.sas import SasSettings, SasSource
from riskset_node.sources.source import check_header, not_there

SUBJECT = "USUBJID"
"""The subject, by the same text in every data set of a study."""

_IDS_SHOWN = 5
_BEGINS = 64


@dataclass(frozen=True)
class Table:
    """The columns of a data set that were asked for, by their names in capital letters."""

    path: Path
    columns: Mapping[str, Sequence[object]]

    def needed(self, name: str, why: str) -> Sequence[object]:
        """A column that cannot be done without."""
        if name not in self.columns:
            raise NodeConfigError(f"{self.path}: there is no column {name}. {why}")
        return self.columns[name]

    def texts(self, name: str, why: str) -> list[str]:
        """A column of words, empty where there is none."""
        return [text_of(value) for value in self.needed(name, why)]

    def subjects(self) -> list[str]:
        """The subject of each row. Raises `DataError` if a row has none."""
        found = self.texts(
            SUBJECT, "It names the subject; export the data set as the standard has it."
        )
        empty = [str(number) for number, name in enumerate(found, start=1) if not name]
        if empty:
            raise DataError(
                f"{self.path}: {SUBJECT} is empty in row {some(empty)}. Give each row its subject, or take the row out."
            )
        return found


@dataclass(frozen=True)
class DataSet:
    """A file with one data set: its path, the names of its columns, and how to read some of them."""

    path: Path
    header: tuple[str, ...]
    _read: Callable[[Sequence[str]], Mapping[str, Sequence[object]]]

    @classmethod
    def of(cls, path: Path, encoding: str | None) -> DataSet:
        """Look into the file. Raises `NodeConfigError` or `DataError` if it cannot be read."""
        if _is_json(path):
            columns = read_dataset_json(path)
            return cls(path, tuple(columns), lambda names: {name: columns[name] for name in names})
        source, settings = SasSource(), SasSettings(kind="sas", path=path, encoding=encoding)
        return cls(path, source.header(settings), lambda names: source.read(settings, names))

    def table(self, names: Iterable[str]) -> Table:
        """Those of these columns that are there. Raises `DataError` if one is there twice."""
        wanted = {name.upper() for name in names}
        found = {name: name.upper() for name in self.header if name.upper() in wanted}
        check_header(list(map(str.upper, self.header)), set(found.values()), self.path)
        read = self._read(tuple(found))
        # A number that SAS has not is None, or no number.
        return Table(
            self.path,
            {
                found[name]: [None if value != value else value for value in values]  # noqa: PLR0124  # NaN
                for name, values in read.items()
            },
        )


def _is_json(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(_BEGINS).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    except OSError as error:
        raise not_there(path, error) from error


def text_of(value: object) -> str:
    """A word of a data set as a person sees it; nothing for none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else as_seen(str(value))


def some(ids: Sequence[str]) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
    return ", ".join(ids[:_IDS_SHOWN]) + more
