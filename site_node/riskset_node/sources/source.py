"""The contract of a source of patient records: it names its columns, and reads the requested ones."""

from __future__ import annotations

import codecs
import datetime
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BeforeValidator, Field

from riskset_common.errors import DataError, NodeConfigError, did_you_mean_each
from riskset_common.formats.as_written import token
from riskset_common.formats.seen import as_seen
from riskset_common.formats.strict_model import StrictModel
from riskset_node.sources.date_forms import DateForms
from riskset_node.sources.formats.header import looks_like_header

Token = Annotated[str, BeforeValidator(token)]
"""A text in the file: a code, or a sign for a missing value."""

MISSING_TOKENS = ("", "NA", ".")
"""What a missing value looks like when node.yaml does not say: nothing, as R writes it, as SAS writes it."""

DecimalSign = Literal[".", ","]
ThousandsSign = Literal[".", ",", " ", "'"]
"""The sign between thousands; a blank stands for any of the blanks that programs write there."""

DayOfMonth = Annotated[int, Field(ge=1, le=28)]
"""The day that completes a date of which month and year are known."""


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
    """What every kind of source has: how its texts write dates, and what stands for a missing value."""

    HAS_EVENTS: ClassVar[bool] = False
    """Whether a column may name the event of which its values are taken."""

    MORE_MISSING: ClassVar[tuple[str, ...]] = ()
    """Signs for missing that this kind of source has beside `missing`, whatever node.yaml says."""

    kind: str
    dates: DateForms = ("%Y-%m-%d",)
    day: DayOfMonth | None = None
    missing: tuple[Token, ...] = MISSING_TOKENS

    @property
    def decimal_sign(self) -> DecimalSign:
        """The decimal sign of numbers that are written as text."""
        return "."

    @property
    def thousands_sign(self) -> ThousandsSign | None:
        """The sign between thousands of numbers that are written as text; None for none."""
        return None


def _as_list(written: object) -> object:
    return written if isinstance(written, (list, tuple)) else [written]


class FileSettings(SourceSettings):
    """A source that is one file; `where` chooses its rows: for each column named the values that a row may have there."""

    path: Path
    where: dict[
        str, Annotated[tuple[Token, ...], BeforeValidator(_as_list), Field(min_length=1)]
    ] = {}


@dataclass(frozen=True)
class Examined:
    """One thing that was looked at in a source: in order, or a warning that says what to do. It holds no value of a patient."""

    found: str
    warns: bool = False


@dataclass(frozen=True)
class Note:
    """What a source knows of a column beside its values.

    Attributes
    ----------
    unit
        The unit of its numbers; None where the source does not say it.
    approximate
        Rows whose date was completed by those who made the file; empty where none was.
    from_1904
        Whether day numbers count from 1904, as they do in some workbooks, so that `excel` is no form of them.
    """

    unit: str | None = None
    approximate: tuple[bool, ...] = ()
    from_1904: bool = False


class NotedColumns(dict[str, Sequence[object]]):
    """Columns by name, with a note on some of them."""

    def __init__(self, columns: Mapping[str, Sequence[object]], notes: Mapping[str, Note]) -> None:
        super().__init__(columns)
        self.notes = notes


Settings = TypeVar("Settings", bound=SourceSettings, contravariant=True)


class Source(Protocol[Settings]):
    """A kind of file or system that holds one row a patient.

    `ordered` is False where nothing keeps the order of its rows: `data.patient` is then required, and the rows are sorted by it.
    """

    @property
    def ordered(self) -> bool:
        """Whether two readings give the rows in one order."""
        ...

    def is_live(self, settings: Settings) -> bool:
        """Whether the records may change while a run lasts, so that they are read once a session."""
        ...

    def place(self, settings: Settings) -> str:
        """What messages call it: a path, or such as `sql trial on db.umc.example`; never a credential."""
        ...

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

    def examined(self, settings: Settings, columns: Sequence[str]) -> Iterator[Examined]:
        """Look at the source for `doctor`, which has found the columns there; what fails raises `NodeConfigError` or `DataError`."""
        ...


@dataclass(frozen=True)
class Labels:
    """What a source says of its columns and codes in words.

    Attributes
    ----------
    columns
        Labels of columns by name; a column without one is not among them.
    values
        By column: labels of values, by the text of the value as it is read.
    """

    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]


NO_LABELS = Labels({}, {})


@runtime_checkable
class Labelled(Protocol[Settings]):
    """A source that has labels."""

    def labels(self, settings: Settings) -> Labels:
        """Labels of columns and of their values."""
        ...


def labels_of(source: object, settings: SourceSettings) -> Labels:
    """The labels of a source; none where it knows none."""
    return source.labels(settings) if isinstance(source, Labelled) else NO_LABELS


class FileSource:
    """What all sources that are one file have in common."""

    ordered = True

    def is_live(self, settings: FileSettings) -> bool:
        """A file is what it was when a run began, or the run ends."""
        return False

    def place(self, settings: FileSettings) -> str:
        """The path."""
        return str(settings.path)

    def examined(self, settings: FileSettings, columns: Sequence[str]) -> Iterator[Examined]:
        """When the file was written."""
        written = datetime.datetime.fromtimestamp(settings.path.stat().st_mtime, datetime.UTC)
        yield Examined(f"written on {written:%Y-%m-%d}")


def own_names(header: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """What the source itself calls these columns, compared as a person sees them; a column that it does not have stays as it is."""
    own = {as_seen(name): name for name in reversed(header)}
    return tuple(own.get(as_seen(name), name) for name in columns)


def check_header(header: Sequence[str], columns: Collection[str], path: Path | str) -> None:
    """Check that each column that is needed is in the file, once; `path` is the file, or what messages call the source.

    Raises
    ------
    DataError
        If one is in it twice.
    NodeConfigError
        If one is not in it, with the near names; no name is told if the header looks like values of a patient.
    """
    wanted = {as_seen(name): name for name in columns}
    held = Counter(map(as_seen, header))
    twice = sorted(name for seen, name in wanted.items() if held[seen] > 1)
    if twice:
        raise DataError(
            f"{path}: the header names {_quoted(twice)} more than once, so it is not clear which column is meant. "
            "Give each column a name of its own."
        )
    missing = [name for seen, name in wanted.items() if seen not in held]
    if missing:
        others = set(held) - {""} - wanted.keys()
        known = (
            did_you_mean_each(missing, others)
            if looks_like_header(others)
            else "What it has is not shown, because it looks like values of patients rather than names."
        )
        raise NodeConfigError(
            f"{path}: there is no column {_quoted(missing)}. {known}\n"
            "Correct data.columns in node.yaml, or name the variable under data.absent with the reason."
        )


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
