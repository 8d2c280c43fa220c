"""The one door: whatever leaves the site is written down here first, and can be shown again byte for byte.

It is a table in the file of the site's state (`node_state.py`). An entry holds the message as it was sent and, for a report, the site's own
numbers under the mask, so that the data manager can see what the centre received a share of: counts compressed by zlib, reals, which
would not shrink, as they are. Of what is computed on shares it holds letter by letter what each is a share of; when the session is closed
the letters that nobody can read any more shrink to that (`letters.py`). Nothing else in the node has a way to send.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import InputError, ProtocolRefusal
from riskset_common.formats.canonical_json import parse_canonical
from riskset_common.wire.frame import Message
from riskset_common.wire.sections import Numbers, Section, sections_json, split
from riskset_node.state.letters import Left, read_left, without_sealed

_TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS outbox (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    sent_at  TEXT NOT NULL,
    kind     TEXT NOT NULL,
    sid      BLOB NOT NULL,
    round    INTEGER NOT NULL,
    message  BLOB NOT NULL,
    sections TEXT,
    counts   BLOB,
    reals    BLOB
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_answer ON outbox (sid, kind, round) WHERE kind <> 'Refused';
CREATE TABLE IF NOT EXISTS letters (number INTEGER PRIMARY KEY REFERENCES outbox, lists TEXT NOT NULL) STRICT;
COMMIT;
"""
_LEVEL = 1
"""Of zlib: counts are mostly zeros, which the quickest level makes a hundredth of, in less time than writing them takes."""


@dataclass(frozen=True)
class Summary:
    """A site's own numbers of one round, before they are masked: int64 counts and float64 reals in the order of the sections."""

    sections: tuple[Section, ...]
    counts: NDArray[np.int64]
    reals: NDArray[np.float64]

    def arrays(self) -> dict[tuple[str, str], Numbers]:
        """The numbers by analysis and name."""
        return split(self.sections, self.counts, self.reals)


@dataclass(frozen=True)
class Entry:
    """One message that left, the numbers under its mask where it had any, and its letters if it is of a computation on shares."""

    number: int
    sent_at: str
    kind: str
    sid: bytes
    round: int
    message: bytes
    summary: Summary | None
    left: Left | None = None


class Outbox:
    """What left this site. The file is made, readable by its owner alone, when it is not there; its directory must exist."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        self.database = sqlite3.connect(path, isolation_level=None)
        """The open file, which the site's state shares so that one transaction holds a message and what it leads to."""
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = FULL")
        self.database.executescript(_TABLES)

    def send(
        self,
        message: Message,
        sid: bytes,
        round_number: int,
        now: datetime,
        summary: Summary | None = None,
        left: Left | None = None,
    ) -> bytes:
        """Write a message down, then give the bytes that may leave.

        A message that was sent before is sent again as it was.

        Raises
        ------
        ProtocolRefusal
            When another message of this kind already left for the same round: a site answers a round once.
        """
        kind, content = type(message).__name__, message.to_bytes()
        earlier = self.sent(kind, sid, round_number)
        if earlier == content:
            return content
        # A refusal holds no numbers, so there may be several.
        if earlier is not None and kind != "Refused":
            raise ProtocolRefusal(
                f"Another {kind} left for round {round_number} of this session before. A site answers once; "
                "compare the two in its outbox."
            )
        row = (now.isoformat(), kind, sid, round_number, content, *_columns(summary))
        entered = self.database.execute(
            "INSERT INTO outbox (sent_at, kind, sid, round, message, sections, counts, reals) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        if left is not None:
            self.database.execute(
                "INSERT INTO letters (number, lists) VALUES (?, ?)",
                (entered.lastrowid, left.to_text()),
            )
        return content

    def shrink(self, sid: bytes) -> None:
        """Keep of a session's answers to computations on shares what can still be read, beside the list of their letters."""
        rows = self.database.execute(
            "SELECT number, message FROM outbox JOIN letters USING (number) WHERE sid = ?", (sid,)
        ).fetchall()
        for number, message in rows:
            self.database.execute(
                "UPDATE outbox SET message = ? WHERE number = ?", (without_sealed(message), number)
            )

    def sent(self, kind: str, sid: bytes, round_number: int) -> bytes | None:
        """The last message of that kind that left for a round."""
        row = self.database.execute(
            "SELECT message FROM outbox WHERE sid = ? AND kind = ? AND round = ? ORDER BY number DESC",
            (sid, kind, round_number),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def sections(self, sid: bytes, round_number: int) -> tuple[Section, ...] | None:
        """The schema of the report that left for a round."""
        row = self.database.execute(
            "SELECT sections FROM outbox WHERE sid = ? AND kind = 'Report' AND round = ?",
            (sid, round_number),
        ).fetchone()
        return None if row is None else _sections(row[0])

    def entries(self) -> Iterator[Entry]:
        """Everything that left, oldest first."""
        return _entries(self.database)

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def entries_of(path: Path) -> Iterator[Entry]:
    """Everything that left by the outbox in this file, oldest first. The file is read only, also while its node runs.

    Raises
    ------
    InputError
        Where there is no outbox.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            yield from _entries(database)
    except sqlite3.Error as error:
        raise InputError(
            f"{path} is not an outbox that can be read ({error}). It is made when a node is started; of a local run it is in `outboxes`."
        ) from None


def _entries(database: sqlite3.Connection) -> Iterator[Entry]:
    lists = _lists(database)
    for number, sent_at, kind, sid, round_number, message, *summary in database.execute(
        "SELECT number, sent_at, kind, sid, round, message, sections, counts, reals FROM outbox ORDER BY number"
    ):
        left = read_left(lists[number]) if number in lists else None
        yield Entry(number, sent_at, kind, sid, round_number, message, _summary(*summary), left)


def _lists(database: sqlite3.Connection) -> dict[int, str]:
    """The letters by number of their message; none in a file that no node of this release has opened."""
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'letters'").fetchone():
        return {}
    return dict(database.execute("SELECT number, lists FROM letters").fetchall())


def _columns(summary: Summary | None) -> tuple[str | None, bytes | None, bytes | None]:
    if summary is None:
        return None, None, None
    return (
        sections_json(summary.sections).decode(),
        zlib.compress(summary.counts.astype("<i8").tobytes(), _LEVEL),
        summary.reals.astype("<f8").tobytes(),
    )


def _sections(written: str) -> tuple[Section, ...]:
    sections = parse_canonical(written.encode())
    if not isinstance(sections, list):
        raise InputError(
            "The sections of a kept summary are no list. Restore the node's state from a copy."
        )
    return tuple(Section.model_validate(section, strict=False) for section in sections)


def _summary(sections: str | None, counts: bytes | None, reals: bytes | None) -> Summary | None:
    if sections is None or counts is None or reals is None:
        return None
    return Summary(
        _sections(sections),
        np.frombuffer(zlib.decompress(counts), "<i8").astype(np.int64),
        np.frombuffer(reals, "<f8").astype(np.float64),
    )
