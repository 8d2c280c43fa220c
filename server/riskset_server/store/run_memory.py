"""The memory of one run: questions, answers and openings, byte for byte.

A carrier with this memory (`driving.recorded`) plays a run again that was killed, up to where it stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from riskset_common.errors import ProtocolRefusal
from riskset_server.store.database import Database
from riskset_server.store.leases import Lease
from riskset_server.store.tables import EvaluationRow, MessageRow


class RunMemory:
    """The messages of one run in a database. `now` is when each is written down, `lease` the right of its driver to write."""

    def __init__(
        self,
        database: Database,
        number: int,
        now: Callable[[], datetime],
        lease: Lease | None = None,
    ) -> None:
        self._database = database
        self._number = number
        self._now = now
        self._lease = lease

    def steps(self) -> list[str]:
        """Steps that were asked, in order."""
        with self._database.session() as session:
            return list(
                session.scalars(
                    select(MessageRow.step)
                    .filter_by(run=self._number, direction="out")
                    .group_by(MessageRow.step)
                    .order_by(func.min(MessageRow.number))
                )
            )

    def replies(self, step: str) -> dict[str, bytes]:
        """What sites answered in a step so far."""
        with self._database.session() as session:
            rows = session.execute(
                select(MessageRow.site, MessageRow.content).filter_by(
                    run=self._number, step=step, direction="in"
                )
            )
            return {row.site: row.content for row in rows}

    def keep_asked(self, step: str, messages: Mapping[str, bytes]) -> None:
        """Write down what is about to be asked of sites.

        Raises
        ------
        ProtocolRefusal
            Where something else was asked of a site in this step before: the run that is played again is another one.
        """
        with self._writing() as session:
            rows = session.execute(
                select(MessageRow.site, MessageRow.sha256).filter_by(
                    run=self._number, step=step, direction="out"
                )
            )
            before = {row.site: row.sha256 for row in rows}
            for site in before.keys() & messages.keys():
                if before[site] != _sha256(messages[site]):
                    raise ProtocolRefusal(
                        f"run {self._number}, {step}: site {site!r} was asked something else before. This release does not continue "
                        "runs that another one began; start a new run."
                    )
            new = {site: message for site, message in messages.items() if site not in before}
            self._add(session, step, "out", new)

    def keep_replies(self, step: str, replies: Mapping[str, bytes]) -> None:
        """Write down replies as they arrived, those that came together in one transaction."""
        with self._writing(lost=0) as session:
            self._add(session, step, "in", replies)

    def keep_opening(self, step: str, opening: bytes) -> None:
        """Write down what the round that began with a step opened. Played again, it is the same bytes."""
        with self._writing() as session:
            before = session.scalars(
                select(MessageRow.sha256).filter_by(
                    run=self._number, step=step, direction="opening"
                )
            ).one_or_none()
            if before is None:
                self._add(session, step, "opening", {"": opening})
            elif before != _sha256(opening):
                raise ProtocolRefusal(
                    f"run {self._number}, {step}: opened another sum before. Start a new run; the store keeps what this one received."
                )

    def keep_evaluation(self, step: str, model: str) -> None:
        """Write down that in a step the likelihood of a blind model was opened once more. Played again, it is known already."""
        row = {"run": self._number, "step": step, "model": model}
        with self._writing() as session:
            if session.scalars(select(EvaluationRow.number).filter_by(**row)).one_or_none() is None:
                session.execute(insert(EvaluationRow), [row])

    @contextmanager
    def _writing(self, **changes: object) -> Iterator[Session]:
        """A transaction of the driver, which first makes sure that it still is the driver."""
        with self._database.session() as session:
            if self._lease is not None:
                self._lease.hold(session, **changes)
            yield session

    def _add(
        self, session: Session, step: str, direction: str, messages: Mapping[str, bytes]
    ) -> None:
        """Enter messages by site. What is asked of many in the same words is hashed once, and kept in the row of the first."""
        hashes: dict[bytes, str] = {}
        entered, now = [], self._now()
        for site, message in messages.items():
            is_first = message not in hashes
            if is_first:
                hashes[message] = _sha256(message)
            entered.append(
                {
                    "run": self._number,
                    "step": step,
                    "site": site,
                    "direction": direction,
                    "at": now,
                    "sha256": hashes[message],
                    "content": message if is_first or direction != "out" else b"",
                }
            )
        if entered:
            session.execute(insert(MessageRow), entered)


def _sha256(message: bytes) -> str:
    return hashlib.sha256(message).hexdigest()
