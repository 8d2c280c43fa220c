"""The state of a run, as the store holds it and as it is at a moment: a run whose driver is no longer heard of is stalled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

START_SECONDS = 60.0
"""For so long a driver that was asked for may take to begin."""


class RunState(StrEnum):
    """The state of a run. `STALLED` is never written: it is what a run that waits or runs is seen to be, once its driver is overdue."""

    WAITING = "waiting"
    RUNNING = "running"
    STALLED = "stalled"
    FINISHED = "finished"
    REFUSED = "refused"
    STOPPED = "stopped"
    SILENT = "silent"
    FAILED = "failed"


UNDER_WAY = (RunState.WAITING, RunState.RUNNING)
"""A driver is to come, or is at work."""

DRIVABLE = (*UNDER_WAY, RunState.SILENT, RunState.FAILED)
"""A driver that was asked for may take the run."""

RESUMABLE = (*DRIVABLE, RunState.STOPPED)
"""A refused run is not among them: a site said no to this run, and the next try is a run of its own."""


@dataclass(frozen=True)
class RunRecord:
    """One run as the store holds it. `why` says what it ended with, or is empty; `since` when it came into its state.

    `driven_until` is the end of the driver's lease, or the time by which one must have begun. `lost` counts the drivers that were lost
    since something arrived.
    """

    number: int
    plan: str
    version: str
    state: RunState
    why: str
    flower_run: int | None
    started_at: datetime
    ended_at: datetime | None
    since: datetime
    driven_until: datetime | None
    lost: int
    rounds: int
    """Rounds that were asked so far."""

    def at(self, now: datetime) -> RunRecord:
        """The run as it is seen at a moment: stalled, with the reason, where its driver is overdue."""
        if self.state not in UNDER_WAY or self.driven_until is None or now <= self.driven_until:
            return self
        if self.state is RunState.WAITING:
            why = "no driver has begun; does `riskset centre superexec` run?"
        else:
            why = f"its driver is lost{f' ({self.why})' if self.why else ''}"
        return replace(self, state=RunState.STALLED, why=why, since=self.driven_until)


def in_utc(moment: datetime) -> datetime:
    """SQLite forgets the time zone; all that is written is UTC."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
