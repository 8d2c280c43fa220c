"""The tables of a site's state file, and how a file of a release before is brought up to date.

The file counts its own changes in SQLite's `user_version`. A change is a script that is appended here and never edited afterwards; the
first one also fits files of the releases that did not count.
"""

from __future__ import annotations

import sqlite3

from riskset_common.errors import ProtocolRefusal

_PROTOCOL = """
CREATE TABLE IF NOT EXISTS counter (steps INTEGER NOT NULL) STRICT;
INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT * FROM counter);
CREATE TABLE IF NOT EXISTS roster_seen (version INTEGER NOT NULL) STRICT;
INSERT INTO roster_seen SELECT 0 WHERE NOT EXISTS (SELECT * FROM roster_seen);
CREATE TABLE IF NOT EXISTS sessions (
    sid               BLOB PRIMARY KEY,
    joined_at         TEXT NOT NULL,
    offer             BLOB NOT NULL,
    salt              BLOB NOT NULL,
    ephemeral_private BLOB,
    self_root         BLOB,
    keys              BLOB,
    frozen            TEXT,
    closed_at         TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS rounds (
    sid     BLOB NOT NULL,
    round   INTEGER NOT NULL,
    profile TEXT NOT NULL,
    label   BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (sid, round)
) STRICT;
CREATE TABLE IF NOT EXISTS shares (
    sid          BLOB NOT NULL,
    round        INTEGER NOT NULL,
    contributors TEXT NOT NULL,
    PRIMARY KEY (sid, round)
) STRICT;
CREATE TABLE IF NOT EXISTS openings (
    sid     BLOB NOT NULL,
    round   INTEGER NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (sid, round)
) STRICT;
CREATE TABLE IF NOT EXISTS blind_secrets (sid BLOB PRIMARY KEY, secret BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS blind_steps (
    sid     BLOB NOT NULL,
    step    INTEGER NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (sid, step)
) STRICT;
"""

_TOLD = """
ALTER TABLE sessions ADD COLUMN ended_because TEXT;
CREATE TABLE refusals (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    first_at TEXT NOT NULL,
    last_at  TEXT NOT NULL,
    sid      BLOB,
    run      INTEGER,
    round    INTEGER NOT NULL,
    message  TEXT NOT NULL,
    noun     TEXT NOT NULL,
    reason   TEXT NOT NULL,
    roster   INTEGER,
    times    INTEGER NOT NULL
) STRICT;
CREATE INDEX refusals_of_session ON refusals (sid, round);
CREATE TABLE settings (
    only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
    policy_at TEXT NOT NULL,
    trouble   TEXT,
    waiting   TEXT NOT NULL
) STRICT;
"""

_SIGNED = """
ALTER TABLE sessions ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rounds DROP COLUMN content;
"""
"""A round is known by its label alone; refused messages of a session are counted."""

_CHANGES = (_PROTOCOL, _TOLD, _SIGNED)


def bring_up_to_date(database: sqlite3.Connection) -> None:
    """Make the tables that the file lacks, all in one transaction.

    Raises
    ------
    ProtocolRefusal
        If a newer release has changed the file: this one would not know what it must remember.
    """
    made = changes_of(database)
    if made > len(_CHANGES):
        raise ProtocolRefusal(
            f"The state of this site was written by a newer release of riskset-node (its tables are number {made}, here {len(_CHANGES)}). "
            "Install that release again."
        )
    if made == len(_CHANGES):
        return
    script = "".join(_CHANGES[made:])
    database.executescript(f"BEGIN IMMEDIATE;{script}PRAGMA user_version = {len(_CHANGES)};COMMIT;")


def changes_of(database: sqlite3.Connection) -> int:
    """How many changes the file has had."""
    (made,) = database.execute("PRAGMA user_version").fetchone()
    return int(made)


def holds_what_is_told(database: sqlite3.Connection) -> bool:
    """Whether the file has refusals and settings; one that no node of this release has opened yet has none."""
    return changes_of(database) >= _CHANGES.index(_TOLD) + 1
