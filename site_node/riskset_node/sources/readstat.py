"""What the sources of SAS, SPSS and Stata have in common: the ReadStat library reads their files, and numbers are what people see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol, cast

import numpy as np
from pydantic import AfterValidator

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.formats.recognised import check_format
from riskset_node.sources.formats.shown import Calendar, Shown
from riskset_node.sources.source import (
    FileSettings,
    FileSource,
    Labels,
    check_header,
    known_encoding,
    not_there,
)


class ReadStatSettings(FileSettings):
    """A file of a statistical program, as node.yaml describes it; `dates` applies to its columns of text."""

    encoding: Annotated[str, AfterValidator(known_encoding)] | None = None


class Described(Protocol):
    """What pyreadstat says of a file beside its values."""

    column_names: list[str]
    column_names_to_labels: Mapping[str, str | None]
    variable_value_labels: Mapping[str, Mapping[object, str]]
    original_variable_types: Mapping[str, str | None]
    readstat_variable_types: Mapping[str, str]
    missing_ranges: Mapping[str, Sequence[Mapping[str, object]]]


class Reader(Protocol):
    """A function of pyreadstat that reads a file."""

    def __call__(
        self, path: str, **options: object
    ) -> tuple[Mapping[str, Sequence[object]], Described]:
        """Columns by name, and what the file says of them."""
        ...


@dataclass(frozen=True)
class ColumnRead:
    """One column as ReadStat gives it.

    Attributes
    ----------
    values
        Texts and numbers, None for an empty cell, and the letter of a special missing value among numbers.
    shown
        What a person sees for its numbers.
    ranges
        Values that the file calls missing, each with `lo` and `hi`.
    """

    name: str
    values: Sequence[object]
    shown: Shown
    is_text: bool
    is_single: bool
    ranges: Sequence[Mapping[str, object]]


class ReadStatSource(FileSource, ABC):
    """A file of a statistical program; numbers that it shows as dates are days."""

    kind: ClassVar[str]
    file_of: ClassVar[str]
    """What a message calls such a file."""
    to_export: ClassVar[str]
    """What else a person can export."""
    calendar: ClassVar[Calendar]

    def header(self, settings: ReadStatSettings) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(self.described(settings).column_names)

    def labels(self, settings: ReadStatSettings) -> Labels:
        """Labels of columns and of their values, where the file has them."""
        described = self.described(settings)
        columns = {name: label for name, label in described.column_names_to_labels.items() if label}
        values = {
            name: {
                self._text_of_code(code, name, described): label for code, label in found.items()
            }
            for name, found in described.variable_value_labels.items()
        }
        return Labels(columns, values)

    def read(self, settings: ReadStatSettings, columns: Sequence[str]) -> dict[str, list[object]]:
        """Read these columns: texts, numbers, days, moments, signs of special missing values, None where a cell is empty.

        Raises
        ------
        DataError
            If a column has a format that shows a part of a date only, so that neither number nor date is what a person sees.
        """
        header = self.header(settings)
        check_header(header, columns, settings.path)
        found, described = self._read(settings, usecols=list(columns))
        return {
            name: self.column(self._column(name, found[name], described, settings), settings)
            for name in columns
        }

    def _text_of_code(self, code: object, name: str, described: Described) -> str:
        if isinstance(code, str) and described.readstat_variable_types.get(name) != "string":
            return self.sign_of(code)
        return str(int(code)) if isinstance(code, float) and code.is_integer() else str(code)

    def column(self, column: ColumnRead, settings: ReadStatSettings) -> list[object]:
        """The values of one column as people see them."""
        if column.is_text:
            return list(column.values)
        known = {value: self._value(value, column) for value in set(column.values)}
        return [known[value] for value in column.values]

    def sign_of(self, letter: str) -> str:
        """How a special missing value is written."""
        return f".{letter}"

    @abstractmethod
    def shown(self, layout: str | None) -> Shown:
        """What a format of the program shows."""

    @abstractmethod
    def reader(self, settings: ReadStatSettings) -> tuple[object, Mapping[str, object]]:
        """The function of pyreadstat that reads the file, a `Reader`, and its options."""

    def described(self, settings: ReadStatSettings) -> Described:
        """What the file says beside its values."""
        _, described = self._read(settings, metadataonly=True)
        return described

    def _value(self, value: object, column: ColumnRead) -> object:
        if isinstance(value, str):
            return self.sign_of(value)
        if not isinstance(value, int | float):
            return None
        # A single has seven digits: it is the shortest number that a person would have typed for it.
        number = float(str(np.float32(value))) if column.is_single else value
        return self.calendar.value(number, column.shown)

    def _column(
        self, name: str, values: Sequence[object], described: Described, settings: ReadStatSettings
    ) -> ColumnRead:
        layout = described.original_variable_types[name]
        kind = described.readstat_variable_types[name]
        shown = Shown.NUMBER if kind == "string" else self.shown(layout)
        if shown is Shown.REFUSED:
            raise DataError(
                f"{settings.path}: column {name!r} has the format {layout}, which shows a part of a date, or a date by another count. "
                "Give it a format of whole days or moments or none, and export it again."
            )
        ranges = described.missing_ranges.get(name, ())
        return ColumnRead(name, values, shown, kind == "string", kind == "float", ranges)

    def _read(
        self, settings: ReadStatSettings, **options: object
    ) -> tuple[Mapping[str, Sequence[object]], Described]:
        """Columns by name, and what the file says of them; what goes wrong is told with what to change."""
        # Its few megabytes are for the nodes that need them.
        import pyreadstat

        path = settings.path
        check_format(path, self.kind)
        read, more = self.reader(settings)
        try:
            # pyreadstat declares one signature for each form of the answer.
            return cast("Reader", read)(
                str(path),
                output_format="dict",
                encoding=settings.encoding,
                disable_datetime_conversion=True,
                **more,
                **options,
            )
        except OSError as error:
            raise not_there(path, error) from error
        except UnicodeError as error:
            raise _wrong_encoding(settings, error) from error
        except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
            if "encoding" in str(error) or "convert" in str(error):
                raise _wrong_encoding(settings, error) from error
            raise DataError(
                f"{path}: not {self.file_of} that can be read ({error}). Check data.source.kind, or export it again: {self.to_export}."
            ) from error


def _wrong_encoding(settings: ReadStatSettings, error: Exception) -> NodeConfigError:
    said = "what the file says, or UTF-8" if settings.encoding is None else settings.encoding
    return NodeConfigError(
        f"{settings.path}: its texts are not in {said} ({error}). "
        "Set data.source.encoding; usual ones are cp1252, iso8859-1 and utf-8."
    )
