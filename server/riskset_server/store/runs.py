"""The registry of runs and their transcripts: every message, byte for byte, so that a killed run goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from riskset_common.consortium.roster import Roster
from riskset_common.errors import InputError
from riskset_server.store.database import Database
from riskset_server.store.run_memory import RunMemory
from riskset_server.store.tables import MessageRow, RunRow


class RunState(StrEnum):
    """The state of a run."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    REFUSED = "refused"
    STOPPED = "stopped"
    SILENT = "silent"
    FAILED = "failed"


RESUMABLE = (
    RunState.WAITING,
    RunState.RUNNING,
    RunState.STOPPED,
    RunState.SILENT,
    RunState.FAILED,
)
"""A refused run is not among them: a site said no to this run, and the next try is a run of its own."""


@dataclass(frozen=True)
class RunRecord:
    """One run as the store holds it. `why` says what it ended with, or is empty."""

    number: int
    plan: str
    version: str
    state: RunState
    why: str
    flower_run: int | None
    started_at: datetime
    ended_at: datetime | None
    rounds: int
    """Rounds that were asked so far."""


@dataclass(frozen=True)
class Arrived:
    """How many sites answered a step, and how many were asked."""

    step: str
    answered: int
    asked: int

    def __str__(self) -> str:
        return f"{self.step}: {self.answered} of {self.asked} sites answered"


@dataclass(frozen=True)
class RunInputs:
    """What a run is made of, to build it again."""

    plan_json: bytes
    codebook_json: bytes
    roster: Roster
    nonce: bytes


class Runs:
    """The runs in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, plan: str, version: str, inputs: RunInputs, now: datetime) -> int:
        """Enter a new run and give its number."""
        row = RunRow(
            plan=plan,
            version=version,
            plan_json=inputs.plan_json,
            codebook_json=inputs.codebook_json,
            roster_json=inputs.roster.model_dump_json().encode(),
            nonce=inputs.nonce,
            state=RunState.WAITING,
            why="",
            started_at=now,
        )
        with self._database.session() as session:
            session.add(row)
            session.flush()
            return row.number

    def inputs(self, number: int) -> RunInputs:
        """What a run is made of: plan, codebook, roster and nonce."""
        with self._database.session() as session:
            row = _row(session, number)
            roster = Roster.model_validate_json(row.roster_json)
            return RunInputs(row.plan_json, row.codebook_json, roster, row.nonce)

    def get(self, number: int) -> RunRecord:
        """One run. Raises `InputError` where there is none of that number."""
        with self._database.session() as session:
            return _record(session, _row(session, number))

    def all(self) -> list[RunRecord]:
        """All runs, oldest first."""
        with self._database.session() as session:
            rows = session.scalars(select(RunRow).order_by(RunRow.number)).all()
            return [_record(session, row) for row in rows]

    def results(self, number: int) -> str:
        """The text of results.json."""
        with self._database.session() as session:
            row = _row(session, number)
            if row.results is None:
                raise InputError(
                    f"run {number}: is {row.state} and has no results. `riskset run watch {number}` shows how it goes on."
                )
            return row.results

    def started(self, number: int, flower_run: int) -> None:
        """Note the number by which Flower knows the run."""
        with self._database.session() as session:
            _row(session, number).flower_run = str(flower_run)

    def move(
        self, number: int, state: RunState, now: datetime | None = None, why: str = ""
    ) -> None:
        """Move a run to another state; `now` where it ended."""
        with self._database.session() as session:
            row = _row(session, number)
            row.state, row.why, row.ended_at = state, why, now

    def finish(self, number: int, results: str, now: datetime) -> None:
        """Keep the results and end the run."""
        with self._database.session() as session:
            row = _row(session, number)
            row.state, row.why, row.ended_at, row.results = RunState.FINISHED, "", now, results

    def memory(self, number: int, now: Callable[[], datetime]) -> RunMemory:
        """What is remembered of a run, to play it again and to go on."""
        return RunMemory(self._database, number, now)

    def openings(self, number: int) -> dict[str, bytes]:
        """The openings of a run's rounds, by the step that each round began with."""
        with self._database.session() as session:
            rows = session.execute(
                select(MessageRow.step, MessageRow.content)
                .filter_by(run=number, direction="opening")
                .order_by(MessageRow.number)
            )
            return {row.step: row.content for row in rows}

    def transcript(self, number: int) -> Iterator[tuple[str, str, bytes]]:
        """Step, site and message of every reply, in the order of arrival."""
        with self._database.session() as session:
            rows = session.execute(
                select(MessageRow.step, MessageRow.site, MessageRow.content)
                .filter_by(run=number, direction="in")
                .order_by(MessageRow.number)
            )
            for row in rows:
                yield row.step, row.site, row.content

    def arrived(self, number: int) -> list[Arrived]:
        """Steps asked so far, in order."""
        answered = func.count().filter(MessageRow.direction == "in")
        asked = func.count().filter(MessageRow.direction == "out")
        with self._database.session() as session:
            rows = session.execute(
                select(MessageRow.step, answered, asked)
                .where(MessageRow.run == number, MessageRow.direction != "opening")
                .group_by(MessageRow.step)
                .order_by(func.min(MessageRow.number))
            )
            return [Arrived(*row) for row in rows]


def _row(session: Session, number: int) -> RunRow:
    row = session.get(RunRow, number)
    if row is None:
        raise InputError(
            f"run {number}: there is no run of that number. `riskset run list` shows all."
        )
    return row


def _record(session: Session, row: RunRow) -> RunRecord:
    asked = session.scalars(
        select(MessageRow.step)
        .where(MessageRow.run == row.number, MessageRow.step.startswith("round-"))
        .distinct()
    ).all()
    return RunRecord(
        number=row.number,
        plan=row.plan,
        version=row.version,
        state=RunState(row.state),
        why=row.why,
        flower_run=None if row.flower_run is None else int(row.flower_run),
        started_at=row.started_at,
        ended_at=row.ended_at,
        rounds=len({step.split("-")[1] for step in asked}),
    )
