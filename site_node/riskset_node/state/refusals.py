"""Why this site said no, in full, for its own people. Nothing of it is ever sent: the centre gets one noun.

The table is bounded, because whoever sends nonsense must not fill the disk: an equal refusal is counted and adds no row, and of too many
the oldest go, those first that anybody could have caused.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from riskset_common.errors import RisksetError, RosterRefusal
from riskset_common.formats.moments import moment

KEPT, KEPT_OF_A_SESSION = 500, 20
LONGEST_REASON = 4000
"""Characters."""

_SELECT = (
    "SELECT first_at, last_at, sid, run, round, message, noun, reason, roster, times FROM refusals "
)
_NEWEST_FIRST = "ORDER BY number DESC "
_WHAT = {
    "Offer": "{run}",
    "Keys": "the keys of {run}",
    "RoundRequest": "round {round} of {run}",
    "UnmaskRequest": "to help open round {round} of {run}",
    "Opening": "the sums of round {round} of {run}",
    "BlindBegin": "step {round} of the blind models of {run}",
    "BlindStep": "step {round} of the blind models of {run}",
    "Close": "the end of {run}",
}
"""By kind of message, what is refused with it."""


@dataclass(frozen=True)
class RefusedMessage:
    """The message that is refused.

    Attributes
    ----------
    message
        Its kind, such as `Offer`.
    sid
        Its session, 32 bytes; None where the bytes say none.
    run
        The centre's number of the run; None where it is not known here.
    round
        Its round, or its step of the blind models; 0 before the first.
    """

    message: str
    sid: bytes | None
    run: int | None
    round: int

    def in_words(self) -> str:
        """What it would have been: `round 3 of run 7`."""
        if self.sid is None:
            return "what is no message of this centre"
        run = f"a run (session {self.sid.hex()[:8]})" if self.run is None else f"run {self.run}"
        return _WHAT.get(self.message, f"a {self.message} of {{run}}").format(
            run=run, round=self.round
        )


@dataclass(frozen=True)
class KeptRefusal:
    """One refusal as it is kept.

    Attributes
    ----------
    noun
        What the centre was told.
    reason
        The error in words: what is wrong and what to do.
    roster
        The version of the centre's roster, if the refusal is for it.
    times
        How often the same was refused, first and last at these moments.
    """

    refused: RefusedMessage
    noun: str
    reason: str
    roster: int | None
    first_at: datetime
    last_at: datetime
    times: int

    def sentence(self) -> str:
        """What was refused, when and why, for people; a reason of several lines has them indented."""
        often = "" if self.times == 1 else f" {self.times} times, last"
        reason = self.reason.replace("\n", "\n    ")
        return (
            f"refused {self.refused.in_words()}{often} on {moment(self.last_at)}, because: {reason}"
        )


class Refusals:
    """The refusals of one site, in the file of its state."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def write(self, refused: RefusedMessage, error: RisksetError, now: datetime) -> KeptRefusal:
        """Write down why a message is refused, and give the row; outside of a step of the protocol, which was rolled back."""
        at = now.isoformat()
        equal = (refused.message, refused.sid, refused.run, refused.round)
        said = (error.wire_code, _cut(str(error)))
        roster = error.offered if isinstance(error, RosterRefusal) else None
        self._database.execute("BEGIN IMMEDIATE")
        earlier = self._database.execute(
            "DELETE FROM refusals WHERE message = ? AND sid IS ? AND run IS ? AND round = ? AND noun = ? AND reason = ? "
            "RETURNING first_at, times",
            (*equal, *said),
        ).fetchall()
        # Written anew, so that the highest number is the last one whatever the clock does.
        first_at, times = earlier[0] if earlier else (at, 0)
        self._database.execute(
            "INSERT INTO refusals (first_at, last_at, message, sid, run, round, noun, reason, roster, times) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (first_at, at, *equal, *said, roster, times + 1),
        )
        self._prune(refused.sid)
        self._database.execute("COMMIT")
        return self.recent(1)[0]

    def recent(self, n: int) -> tuple[KeptRefusal, ...]:
        """The last so many refusals, newest first."""
        return tuple(map(_kept, self._database.execute(_SELECT + _NEWEST_FIRST + "LIMIT ?", (n,))))

    def of_session(self, sid: bytes) -> tuple[KeptRefusal, ...]:
        """The refusals of one session, newest first."""
        found = self._database.execute(_SELECT + "WHERE sid = ? " + _NEWEST_FIRST, (sid,))
        return tuple(map(_kept, found))

    def roster_offered(self) -> int | None:
        """The version of the centre's roster, as the last offer that was refused for it brought it; None where none was."""
        row = self._database.execute(
            "SELECT roster FROM refusals WHERE roster IS NOT NULL ORDER BY number DESC"
        ).fetchone()
        return None if row is None else int(row[0])

    def _prune(self, sid: bytes | None) -> None:
        self._database.execute(
            "DELETE FROM refusals WHERE sid IS ? AND number NOT IN "
            "(SELECT number FROM refusals WHERE sid IS ? ORDER BY number DESC LIMIT ?)",
            (sid, sid, KEPT_OF_A_SESSION),
        )
        # What anybody could have sent goes first: then no flood of it drives out what the centre sent.
        self._database.execute(
            "DELETE FROM refusals WHERE number NOT IN (SELECT number FROM refusals ORDER BY "
            "noun IN ('signature', 'protocol') AND roster IS NULL AND sid NOT IN (SELECT sid FROM sessions), number DESC LIMIT ?)",
            (KEPT,),
        )


def _cut(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 4] + " ..."


def _kept(
    row: tuple[str, str, bytes | None, int | None, int, str, str, str, int | None, int],
) -> KeptRefusal:
    first_at, last_at, sid, run, round_number, message, noun, reason, roster, times = row
    return KeptRefusal(
        RefusedMessage(message, sid, run, round_number),
        noun,
        reason,
        roster,
        datetime.fromisoformat(first_at),
        datetime.fromisoformat(last_at),
        times,
    )
