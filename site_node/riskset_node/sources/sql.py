"""A table, a view or one SELECT of a database, read and never written."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from riskset_common.errors import DataError, NodeConfigError, did_you_mean
from riskset_node.sources.databases import DATABASES
from riskset_node.sources.databases.address import FORMS, Address, DatabaseUrl
from riskset_node.sources.databases.database import (
    Database,
    Limits,
    close_broken,
    too_slow,
    within,
    wrong_type,
)
from riskset_node.sources.source import Examined, SourceSettings, check_header

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult

_ROWS_AT_ONCE = 5000

_VALUES = {str, int, float, bool, Decimal, date, datetime, UUID, type(None)}
"""What one value may be; anything else is refused."""

_KINDS = {"bytes": "bytes", "timedelta": "interval", "time": "time of day", "list": "array"}

_TOLD_APART = re.compile(r"(?P<name>.*):[1-9][0-9]*")
"""How SQLite renames the second column of one name."""


@dataclass(frozen=True)
class Query:
    """One SELECT: its text, or the file that holds it."""

    text: str
    path: Path | None = None

    def __str__(self) -> str:
        return self.text if self.path is None else f"file:{self.path}"

    def in_folder(self, folder: Path) -> Query:
        """The same, with the path of a file relative to a folder."""
        return self if self.path is None else replace(self, path=folder / self.path)

    def read(self) -> str:
        """The text without the semicolon that may end it; raises `NodeConfigError` if there is none."""
        text = self.text
        if self.path is not None:
            try:
                text = self.path.read_text(encoding="utf-8-sig")
            except OSError as error:
                raise NodeConfigError(
                    f"data.source.query: {self.path} cannot be read ({error.strerror}). Check the name, and who may read it."
                ) from error
            except UnicodeDecodeError:
                raise NodeConfigError(
                    f"data.source.query: {self.path} is no text in UTF-8. Save it as UTF-8."
                ) from None
        text = text.strip().removesuffix(";").rstrip()
        if not text or "\0" in text:
            raise NodeConfigError("data.source.query is empty. Write one SELECT.")
        return text


def _query(written: object) -> object:
    if isinstance(written, Query):
        return written
    if not isinstance(written, str):
        raise ValueError("is one SELECT as a text, or the file that holds it. Write file:PATH.")
    if written.startswith("file:"):
        return Query("", Path(written.removeprefix("file:").strip()))
    return Query(written)


def _table(name: str) -> str:
    if not all(part.strip() for part in name.split(".")) or "\0" in name:
        raise ValueError(f"{name!r} names no table or view. Write NAME or SCHEMA.NAME.")
    return name


class SqlSettings(SourceSettings):
    """A database, as node.yaml describes it; `dates` and `missing` apply to its columns of text."""

    kind: Literal["sql"]
    url: DatabaseUrl
    query: Annotated[Query, BeforeValidator(_query), PlainSerializer(str)] | None = None
    table: Annotated[str, AfterValidator(_table)] | None = None
    timeout: Annotated[int, Field(ge=1, le=86400)] = 300
    ca: Path | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.query is None) == (self.table is None):
            raise ValueError(
                "write query (one SELECT) or table (the name of a table or a view), and not both."
            )
        return self


class SqlSource:
    """A database that is asked for the mapped columns of one query."""

    kind = "sql"
    settings = SqlSettings
    ordered = False

    def is_live(self, settings: SqlSettings) -> bool:
        """Others write to a database while it is read."""
        return True

    def place(self, settings: SqlSettings) -> str:
        """Such as `sql trial on db.umc.example`."""
        address = Address.read(settings.url)
        return f"sql {_database_of(address).place(address)}"

    def header(self, settings: SqlSettings) -> tuple[str, ...]:
        """Names of all columns of the query."""
        with _opened(settings) as opened:
            return tuple(name for name, _ in opened.columns())

    def read(self, settings: SqlSettings, columns: Sequence[str]) -> dict[str, list[object]]:
        """Read these columns and no others, in whatever order the database gives the rows."""
        with _opened(settings) as opened:
            opened.check(columns)
            return opened.read(columns)

    def examined(self, settings: SqlSettings, columns: Sequence[str]) -> Iterator[Examined]:
        """Whether there is a row, how it is connected, and what the role may do beside reading."""
        with _opened(settings) as opened:
            opened.check(columns)
            if not opened.has_rows():
                raise DataError(
                    f"{opened.place}: there is no row. Check data.source.table or data.source.query, and whether this role sees the rows."
                )
            yield Examined("there are rows")
            yield from opened.database.examined(opened.connection)


@dataclass(frozen=True)
class _Opened:
    """A connection that reads one query."""

    database: Database
    connection: Connection
    place: str
    query: str
    timeout: int

    def columns(self) -> list[tuple[str, object]]:
        """Names of the query's columns, each with its type in the driver's words."""
        with self._run("*", "where false") as result:
            found = [(str(each[0]), each[1]) for each in _described(result.cursor)]
        names = {name for name, _ in found}
        return [(_as_asked(name, names), kind) for name, kind in found]

    def check(self, columns: Sequence[str]) -> None:
        """Raise if one of these columns is not there, is there twice, or has a type that cannot be read."""
        found = self.columns()
        check_header([name for name, _ in found], columns, self.place)
        self.database.check_types(
            self.connection,
            [(name, kind) for name, kind in found if name in columns],
            self.place,
        )

    def has_rows(self) -> bool:
        """Whether there is at least one row."""
        with self._run("1", "limit 1") as result:
            return result.first() is not None

    def read(self, columns: Sequence[str]) -> dict[str, list[object]]:
        """Values of these columns."""
        end = time.monotonic() + self.timeout
        found: list[list[object]] = [[] for _ in columns]
        with self._run(", ".join(map(self._quoted, columns)), "") as result:
            for rows in result.partitions(_ROWS_AT_ONCE):
                if time.monotonic() > end:
                    raise too_slow(self.place, self.timeout)
                for name, values, column in zip(
                    columns, zip(*rows, strict=True), found, strict=True
                ):
                    column.extend(_checked(values, name, self.place))
        return dict(zip(columns, found, strict=True))

    @contextmanager
    def _run(self, what: str, which: str) -> Iterator[CursorResult[tuple[object, ...]]]:
        # The query is the site's own, and stands where no second statement and none that writes can stand.
        statement = f"select {what} from (\n{self.query}\n) as q {which}"  # noqa: S608 - see above
        # Without parameters a '%' or a ':' in the query is no more than that. The cursor of the server takes one statement only.
        options = {"stream_results": True, "no_parameters": True, "max_row_buffer": _ROWS_AT_ONCE}
        result = self.connection.exec_driver_sql(statement, execution_options=options)
        cursor = result.cursor
        try:
            yield result
        finally:
            result.close()
            if cursor is not None:
                close_broken(cursor)

    def _quoted(self, name: str) -> str:
        return quoted(name, self.database.quote)


def quoted(name: str, sign: str) -> str:
    """A name between the database's signs for names."""
    return f"{sign}{name.replace(sign, 2 * sign)}{sign}"


@contextmanager
def _opened(settings: SqlSettings) -> Iterator[_Opened]:
    """Connect, read in one transaction that cannot write, and close; whatever a driver raises is told without its words on secrets."""
    from sqlalchemy.exc import SQLAlchemyError

    address = Address.read(settings.url)
    database = _database_of(address)
    place = f"sql {database.place(address)}"
    engine = database.engine(address, Limits(settings.timeout, settings.ca))
    rings = _never
    try:
        with (
            engine.connect() as connection,
            within(settings.timeout, database.cut_off(connection)) as rings,
            # Its end is asked of the database too, and so has to be in time.
            closing(connection),
        ):
            query = _query_of(settings, database)
            yield _Opened(database, connection, place, query, settings.timeout)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        told = (
            too_slow(place, settings.timeout)
            if rings()
            else database.told(cause, place, settings.timeout)
        )
        raise told from None
    finally:
        engine.dispose()


def _never() -> bool:
    return False


def _query_of(settings: SqlSettings, database: Database) -> str:
    if settings.query is not None:
        return settings.query.read()
    parts = (settings.table or "").split(".")
    name = ".".join(quoted(part, database.quote) for part in parts)
    return f"select * from {name}"  # noqa: S608 - every part is quoted


def _database_of(address: Address) -> Database:
    driver = address.url.drivername
    for database in DATABASES:
        if driver in database.drivers:
            return database
    known = [database.drivers[0] for database in DATABASES]
    raise NodeConfigError(
        f"{address.setting}: this release reads no {driver!r}. {did_you_mean(driver, known)} Write {FORMS}."
    )


def _described(cursor: object) -> Sequence[Sequence[object]]:
    """What a driver says of the columns (PEP 249): the name and the type of each first."""
    return getattr(cursor, "description", None) or ()


def _as_asked(name: str, names: set[str]) -> str:
    """The name that was asked for, where SQLite numbered columns of the same name."""
    found = _TOLD_APART.fullmatch(name)
    return found["name"] if found is not None and found["name"] in names else name


def _checked(values: Sequence[object], name: str, place: str) -> Sequence[object]:
    """The values; identifiers (UUID) as text. Raises `DataError` for what is not one text, number, day or moment."""
    kinds = set(map(type, values))
    if not kinds <= _VALUES:
        kind = min(kind.__name__ for kind in kinds - _VALUES)
        raise wrong_type(place, name, _KINDS.get(kind, "that this release does not know"))
    if UUID in kinds:
        return [str(value) if isinstance(value, UUID) else value for value in values]
    return values
