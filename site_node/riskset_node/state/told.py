"""What the state of a site has to tell the site's people: which runs it takes part in, how they ended, and what it refused.

It is read from the file, also while its node runs or after it was killed.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from riskset_common.errors import InputError, RisksetError
from riskset_common.formats.canonical_json import parse_canonical
from riskset_common.wire.messages import Offer
from riskset_node.state.refusals import KeptRefusal, Refusals
from riskset_node.state.tables import holds_what_is_told

SHOWN_SESSIONS, SHOWN_REFUSALS = 5, 5
"""Of the sessions that ended, and of the refusals, the last so many; a session under way is always shown."""


@dataclass(frozen=True)
class OfferedPlan:
    """What an offer says of its run and plan; `aim` is the plan's purpose.

    A word that the plan lacks is empty, and so are all if another release wrote the offer.
    """

    run: int | None = None
    plan: str = ""
    version: str = ""
    title: str = ""
    aim: str = ""

    def fields(self) -> dict[str, int | str | None]:
        """For a line of the log."""
        return {"run": self.run, "plan": self.plan, "version": self.version, "title": self.title}

    def in_words(self) -> str:
        """The run by its number if that is known, and the plan: `run 7, lung 1.0.0: Survival of ...`."""
        run = "a run" if self.run is None else f"run {self.run}"
        plan = f"{self.plan} {self.version}".strip() or "a plan of another release"
        return f"{run}, {plan}{f': {self.title}' if self.title else ''}"


def plan_of(offer: bytes) -> OfferedPlan:
    """What a stored offer says of its run and plan."""
    try:
        read = Offer.from_bytes(offer)
        plan = parse_canonical(read.plan_json)
    except RisksetError:
        return OfferedPlan()
    if not isinstance(plan, dict):
        return OfferedPlan()
    words = [plan.get(name) for name in ("plan", "version", "title", "purpose")]
    return OfferedPlan(read.run, *(word if isinstance(word, str) else "" for word in words))


@dataclass(frozen=True)
class ToldSession:
    """One session for the site's people.

    Attributes
    ----------
    last_round
        The last round that this site answered; 0 before the first.
    last_sent_at
        When it last sent something of this session.
    ended_at, ended_because
        None while it is under way; the reason is empty where the centre closed it.
    """

    offered: OfferedPlan
    joined_at: datetime
    last_round: int
    last_sent_at: datetime | None
    ended_at: datetime | None
    ended_because: str


@dataclass(frozen=True)
class SettingsInForce:
    """Since when the policy holds that the node answers by, why a newer node.yaml was not taken, and which keys wait for a restart."""

    policy_at: datetime
    trouble: str
    waiting: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """All that is told. `settings` is None until a node of this release has started."""

    sessions: tuple[ToldSession, ...] = ()
    refusals: tuple[KeptRefusal, ...] = ()
    roster_offered: int | None = None
    settings: SettingsInForce | None = None


def told_by(path: Path) -> Told:
    """What a state file has to tell; nothing where no node of this release has opened it yet. The file is only read.

    Raises
    ------
    InputError
        If it is there and cannot be read.
    """
    if not path.exists():
        return Told()
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            if not holds_what_is_told(database):
                return Told()
            refusals = Refusals(database)
            return Told(
                _sessions(database),
                refusals.recent(SHOWN_REFUSALS),
                refusals.roster_offered(),
                settings_in(database),
            )
    except sqlite3.Error as error:
        raise InputError(
            f"{path} is no state of a site that can be read ({error}). Check who may read it; if it is damaged, put it away, and the site "
            "joins new runs with a new file."
        ) from None


def settings_in(database: sqlite3.Connection) -> SettingsInForce | None:
    """The settings by which the node of this file answers, or last answered."""
    row = database.execute("SELECT policy_at, trouble, waiting FROM settings").fetchone()
    if row is None:
        return None
    policy_at, trouble, waiting = row
    return SettingsInForce(datetime.fromisoformat(policy_at), trouble or "", tuple(waiting.split()))


def _sessions(database: sqlite3.Connection) -> tuple[ToldSession, ...]:
    """Those under way, then the last that ended; newest first."""
    asked = (
        "SELECT sid, joined_at, offer, closed_at, ended_because FROM sessions WHERE closed_at IS"
    )
    rows = [
        *database.execute(f"{asked} NULL ORDER BY joined_at DESC"),
        *database.execute(f"{asked} NOT NULL ORDER BY closed_at DESC LIMIT ?", (SHOWN_SESSIONS,)),
    ]
    return tuple(_session(database, *row) for row in rows)


def _session(
    database: sqlite3.Connection,
    sid: bytes,
    joined_at: str,
    offer: bytes,
    closed_at: str | None,
    because: str | None,
) -> ToldSession:
    (last_round,) = database.execute(
        "SELECT coalesce(max(round), 0) FROM rounds WHERE sid = ?", (sid,)
    ).fetchone()
    (sent_at,) = database.execute(
        "SELECT max(sent_at) FROM outbox WHERE sid = ? AND kind <> 'Refused'", (sid,)
    ).fetchone()
    return ToldSession(
        plan_of(offer),
        datetime.fromisoformat(joined_at),
        int(last_round),
        None if sent_at is None else datetime.fromisoformat(sent_at),
        None if closed_at is None else datetime.fromisoformat(closed_at),
        because or "",
    )
