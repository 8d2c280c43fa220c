"""The contract of a source of patient records: it names its columns, and reads the requested ones."""

from __future__ import annotations

import codecs
import datetime
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

from pydantic import AfterValidator, BeforeValidator

from riskset_common.errors import DataError, NodeConfigError, did_you_mean
from riskset_common.formats.strict_model import StrictModel


def _as_text(token: object) -> object:
    """A token may be written as a number; it stands for its digits."""
    if isinstance(token, int | float) and not isinstance(token, bool):
        return str(token)
    return token


Token = Annotated[str, BeforeValidator(_as_text)]
"""A text in the file: a code, or a sign for a missing value."""

MISSING_TOKENS = ("", "NA", ".")
"""What a missing value looks like when node.yaml does not say: nothing, as R writes it, as SAS writes it."""

_SOME_DAY = datetime.datetime(2001, 2, 13)  # noqa: DTZ001 - a calendar day has no time zone


def _holds_a_day(layout: str) -> str:
    """Check that a layout of dates keeps day, month and year; anything less would lose days without a word."""
    try:
        kept = datetime.datetime.strptime(_SOME_DAY.strftime(layout), layout)  # noqa: DTZ007
    except ValueError as error:
        raise ValueError(f"{layout!r} is no layout of dates ({error}).") from error
    if kept != _SOME_DAY:
        raise ValueError(
            f"{layout!r} does not hold day, month and year. "
            "Write for example %Y-%m-%d for 2017-12-31, or %d-%m-%Y for 31-12-2017."
        )
    return layout


def known_encoding(name: str) -> str:
    """The usual name of an encoding; for the settings of sources whose texts have one."""
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(
            f"{name!r} is no encoding. Usual ones: utf-8, cp1252, iso8859-1."
        ) from error


class SourceSettings(StrictModel):
    """What every kind of source has: a file, how it writes dates, and what stands for a missing value."""

    kind: str
    path: Path
    dates: Annotated[str, AfterValidator(_holds_a_day)] = "%Y-%m-%d"
    missing: tuple[Token, ...] = MISSING_TOKENS

    @property
    def decimal_sign(self) -> str:
        """The decimal sign of numbers that are written as text."""
        return "."


Settings = TypeVar("Settings", bound=SourceSettings, contravariant=True)


class Source(Protocol[Settings]):
    """A kind of file or system that holds one row a patient."""

    @property
    def kind(self) -> str:
        """Its name in node.yaml."""
        ...

    @property
    def settings(self) -> type[SourceSettings]:
        """The model of `data.source` in node.yaml."""
        ...

    def header(self, settings: Settings) -> tuple[str, ...]:
        """Names of all columns, in the order of the file."""
        ...

    def read(self, settings: Settings, columns: Sequence[str]) -> Mapping[str, Sequence[object]]:
        """Read these columns and no others, one row a patient; values as the file holds them, None where it holds none."""
        ...


def check_header(header: Sequence[str], columns: Collection[str], path: Path) -> None:
    """Raise if a column that is needed is not in the file, or is in it twice."""
    twice = sorted(name for name, times in Counter(header).items() if times > 1 and name in columns)
    if twice:
        raise DataError(
            f"{path}: the header names {_quoted(twice)} more than once, so it is not clear which column is meant. "
            "Give each column a name of its own."
        )
    missing = [name for name in columns if name not in header]
    if missing:
        lines = [
            f"{path}: there is no column {name!r}. {did_you_mean(name, header)}" for name in missing
        ]
        advice = "Correct data.columns in node.yaml, or name the variable under data.absent with the reason."
        raise NodeConfigError("\n".join([*lines, advice]))


def not_there(path: Path, error: OSError) -> NodeConfigError:
    """The file cannot be opened."""
    return NodeConfigError(
        f"{path}: cannot be read ({error.strerror or error}). Check data.source.path in node.yaml."
    )


def no_header(path: Path) -> DataError:
    """There is not even a header."""
    return DataError(f"{path}: the file is empty. It needs a header with the names of the columns.")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
