"""Rows a second from PostgreSQL and SQLite, 15 columns: 5 of text, 5 of numbers, 5 of dates; beside the same rows as CSV."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.postgres_server import postgres

from riskset_node.sources.csv import CsvSettings, CsvSource
from riskset_node.sources.sql import SqlSettings, SqlSource

N = 100_000
TEXTS, NUMBERS, DAYS = (tuple(f"{kind}{n}" for n in range(5)) for kind in "tnd")
COLUMNS = (*TEXTS, *NUMBERS, *DAYS)


def seconds(read: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    read()
    return time.perf_counter() - began


def main() -> None:
    """Print a line for each source."""
    values = [f"'level ' || g % {3 + n}" for n in range(5)]
    values += [f"(g % 1000 + {n})::numeric(14,3)" for n in range(5)]
    values += [f"date '2000-01-01' + g % {5000 + n}" for n in range(5)]
    named = ", ".join(f"{value} as {name}" for value, name in zip(values, COLUMNS, strict=True))
    with postgres() as server, tempfile.TemporaryDirectory() as place:
        os.environ["BENCH_URL"] = server.url()
        sqlite, csv = Path(place) / "trial.db", Path(place) / "trial.csv"
        server.run("drop table if exists t", f"create table t as select {named} from generate_series(1, {N}) as g")  # fmt: skip
        with server.connect() as connection, connection.cursor() as cursor, csv.open("wb") as file:  # fmt: skip
            with cursor.copy("copy t to stdout (format csv, header)") as copy:
                for part in copy:
                    file.write(part)
            rows = connection.execute("select * from t").fetchall()
        sqlite.unlink(missing_ok=True)
        with sqlite3.connect(sqlite) as database:
            database.execute(f"create table t ({', '.join(COLUMNS)})")
            marks = ", ".join("?" * len(COLUMNS))
            plain = ([str(each) for each in row] for row in rows)
            database.executemany(f"insert into t values ({marks})", plain)
        database.close()
        del rows
        taken = {
            "csv": seconds(lambda: CsvSource().read(CsvSettings(kind="csv", path=csv), COLUMNS)),
            "postgresql": seconds(lambda: _read("env:BENCH_URL")),
            "sqlite": seconds(lambda: _read(f"sqlite:///{sqlite}")),
        }
        for name, took in taken.items():
            print(f"{N:>9,} rows  {name:<10} {N / took:>9,.0f} rows/s  {took / taken['csv']:.1f} times csv")  # fmt: skip


def _read(url: str) -> object:
    given = {"kind": "sql", "url": url, "table": "t"}
    return SqlSource().read(SqlSettings.model_validate(given), COLUMNS)


if __name__ == "__main__":
    main()
