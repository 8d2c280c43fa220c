"""The registry of runs and their transcripts: every message, byte for byte, so that a killed run goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from riskset_common.consortium.roster import Roster
from riskset_common.errors import InputError, RisksetError
from riskset_common.wire.messages import Advertisement, read_message
from riskset_server.store.database import Database
from riskset_server.store.leases import Lease
from riskset_server.store.run_memory import RunMemory
from riskset_server.store.run_state import (
    RESUMABLE,
    START_SECONDS,
    UNDER_WAY,
    RunRecord,
    RunState,
    in_utc,
)
from riskset_server.store.tables import EvaluationRow, MessageRow, RunRow


@dataclass(frozen=True)
class Arrived:
    """How many sites answered a step, how many were asked, who has not answered, and which blind models are under way in it."""

    step: str
    answered: int
    asked: int
    missing: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def __str__(self) -> str:
        models = f" ({', '.join(self.models)})" if self.models else ""
        return f"{self.step}{models}: {self.answered} of {self.asked} sites answered{_not(self.missing)}"


def _not(missing: tuple[str, ...]) -> str:
    if not missing:
        return ""
    if len(missing) == 1:
        return f", {missing[0]} has not"
    return f", {', '.join(missing[:-1])} and {missing[-1]} have not"


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
            since=now,
            driven_until=now + timedelta(seconds=START_SECONDS),
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

    def under_way(self) -> list[RunRecord]:
        """Runs that a driver works on, or is to."""
        with self._database.session() as session:
            rows = session.scalars(
                select(RunRow).where(RunRow.state.in_(UNDER_WAY)).order_by(RunRow.number)
            ).all()
            return [_record(session, row) for row in rows]

    def started(self, number: int, flower_run: int) -> None:
        """Note the number by which Flower knows the run."""
        self._change(number, None, flower_run=str(flower_run))

    def move(
        self,
        number: int,
        state: RunState,
        now: datetime | None = None,
        why: str = "",
        lease: Lease | None = None,
    ) -> None:
        """Move a run to another state; `now` where it ended. Its driver moves it under its lease; any other finds that it lost its own."""
        self._change(
            number, lease, state=state, why=why, ended_at=now, since=now, driver=None,
            driven_until=None,
        )  # fmt: skip

    def reopen(self, number: int, now: datetime, lost: int = 0) -> bool:
        """Let a new driver take a run that goes on, unless one has it: of two who ask at one time, one is told yes.

        Parameters
        ----------
        lost
            How many drivers were lost since something arrived.
        """
        statement = (
            update(RunRow)
            .where(
                RunRow.number == number,
                RunRow.state.in_(RESUMABLE),
                or_(RunRow.driven_until.is_(None), RunRow.driven_until < now),
            )
            .values(
                state=RunState.WAITING, why="", ended_at=None, since=now, lost=lost,
                driver=None, driven_until=now + timedelta(seconds=START_SECONDS),
            )
        )  # fmt: skip
        with self._database.session() as session:
            return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]  # an UPDATE has one

    def finish(self, number: int, results: str, now: datetime, lease: Lease | None = None) -> None:
        """Keep the results and end the run; its driver does so under its lease."""
        self._change(
            number, lease, state=RunState.FINISHED, why="", ended_at=now, since=now, results=results,
            driver=None, driven_until=None,
        )  # fmt: skip

    def _change(self, number: int, lease: Lease | None, **changes: object) -> None:
        # One statement: what reads first and writes then would have to begin anew whenever another program wrote in between.
        statement = update(RunRow).where(RunRow.number == number).values(changes)
        with self._database.session() as session:
            if lease is not None:
                lease.hold(session, **changes)
            elif not session.execute(statement).rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
                raise _unknown(number)

    def memory(
        self, number: int, now: Callable[[], datetime], lease: Lease | None = None
    ) -> RunMemory:
        """What is remembered of a run, to play it again and to go on; written only by whoever holds its lease."""
        return RunMemory(self._database, number, now, lease)

    def lease(self, number: int, driver: str, seconds: float, now: Callable[[], datetime]) -> Lease:
        """The right to drive a run, which is still to be taken."""
        return Lease(self._database, number, driver, seconds, now)

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

    def roster_versions(self) -> dict[str, int]:
        """By site, the version of the roster under which it joined a run last."""
        versions: dict[str, int] = {}
        with self._database.session() as session:
            rosters = {
                row.number: Roster.model_validate_json(row.roster_json).version
                for row in session.execute(select(RunRow.number, RunRow.roster_json))
            }
            rows = session.execute(
                select(MessageRow.run, MessageRow.site, MessageRow.content)
                .filter_by(step="join", direction="in")
                .order_by(MessageRow.run)
            )
            for row in rows:
                if _is_joining(row.content):
                    versions[row.site] = rosters[row.run]
        return versions

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
            ).all()
            models = _models(session, number, [row[0] for row in rows])
            return [
                Arrived(
                    *row,
                    _missing(session, number, row[0]) if row[1] < row[2] else (),
                    models[row[0]],
                )
                for row in rows
            ]


def _is_joining(reply: bytes) -> bool:
    try:
        return isinstance(read_message(reply), Advertisement)
    except RisksetError:
        return False


def _missing(session: Session, number: int, step: str) -> tuple[str, ...]:
    """The sites that were asked in a step and have not answered."""
    said = session.execute(
        select(MessageRow.site, MessageRow.direction)
        .filter_by(run=number, step=step)
        .order_by(MessageRow.site)
    ).all()
    answered = {each.site for each in said if each.direction == "in"}
    return tuple(
        each.site for each in said if each.direction == "out" and each.site not in answered
    )


def _models(session: Session, number: int, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The blind models that are under way in each step: those of which an evaluation was opened in it or later.

    In steps after the last evaluation they are those of the last one.
    """
    rows = session.execute(
        select(EvaluationRow.step, EvaluationRow.model).filter_by(run=number)
    ).all()
    opened: dict[str, set[str]] = {}
    for row in rows:
        opened.setdefault(row.step, set()).add(row.model)
    models: dict[str, tuple[str, ...]] = {}
    later: set[str] = set()
    last = next((opened[step] for step in reversed(steps) if step in opened), set())
    for step in reversed(steps):
        later |= opened.get(step, set())
        models[step] = tuple(sorted(later or last)) if "-blind-" in step else ()
    return models


def _row(session: Session, number: int) -> RunRow:
    row = session.get(RunRow, number)
    if row is None:
        raise _unknown(number)
    return row


def _unknown(number: int) -> InputError:
    return InputError(
        f"run {number}: there is no run of that number. `riskset run list` shows all."
    )


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
        started_at=in_utc(row.started_at),
        ended_at=None if row.ended_at is None else in_utc(row.ended_at),
        since=in_utc(row.since or row.started_at),
        driven_until=None if row.driven_until is None else in_utc(row.driven_until),
        lost=row.lost,
        rounds=len({step.split("-")[1] for step in asked}),
    )
