"""The lease of a run: one driver at a time drives it, and whoever finds that it does so no longer writes nothing more.

A driver takes the lease before anything else, and renews it while it works. What it writes, it writes in a transaction that first makes
sure of the lease: a driver that was frozen and wakes up after another one took over changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread

from sqlalchemy import or_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from riskset_common.errors import InputError, RisksetError
from riskset_server.store.database import Database
from riskset_server.store.run_state import DRIVABLE, RunState
from riskset_server.store.tables import RunRow

BEATS = 4
"""How often a lease is renewed before it would end."""


class LeaseLost(Exception):
    """Another driver took this run, or it was stopped. It is no `RisksetError`: it tells nobody that the run ended."""

    def __init__(self, number: int) -> None:
        super().__init__(f"run {number}: another driver took it, or it was stopped; this one ends.")


class Lease:
    """One driver's right to drive one run.

    Parameters
    ----------
    driver
        32 characters that no other driver has.
    seconds
        For so long it holds without being renewed.
    """

    def __init__(
        self,
        database: Database,
        number: int,
        driver: str,
        seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._number = number
        self._driver = driver
        self._lasts = timedelta(seconds=seconds)
        self._now = now
        self._is_lost = Event()

    def take(self) -> None:
        """Take the run.

        Raises
        ------
        InputError
            Where another driver has it, or it is to be driven no more.
        """
        now = self._now()
        statement = (
            update(RunRow)
            .where(
                RunRow.number == self._number,
                RunRow.state.in_(DRIVABLE),
                or_(RunRow.driver.is_(None), RunRow.driven_until < now),
            )
            .values(
                state=RunState.RUNNING, why="", ended_at=None, since=now,
                driver=self._driver, driven_until=now + self._lasts,
            )
        )  # fmt: skip
        with self._database.session() as session:
            taken = session.execute(statement).rowcount  # type: ignore[attr-defined]  # an UPDATE has one
        if not taken:
            raise InputError(
                f"run {self._number}: is driven by another driver, or not to be driven. `riskset run status {self._number}` says which."
            )

    def renew(self) -> None:
        """Hold it for longer."""
        with self._database.session() as session:
            self.hold(session)

    def hold(self, session: Session, **changes: object) -> None:
        """In a transaction, before anything is written in it: make sure of the lease, renew it, and change the run's row.

        Raises
        ------
        LeaseLost
            Where another driver took the run, or it was stopped.
        """
        statement = (
            update(RunRow)
            .where(RunRow.number == self._number, RunRow.driver == self._driver)
            .values({"driven_until": self._now() + self._lasts, **changes})
        )
        if not session.execute(statement).rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
            self._is_lost.set()
            raise LeaseLost(self._number)

    def require(self) -> None:
        """Raise `LeaseLost` where it was found to be lost."""
        if self._is_lost.is_set():
            raise LeaseLost(self._number)

    def give_up(self, why: str) -> None:
        """Leave the run to another driver: it is stalled from now on."""
        with self._database.session() as session:
            self.hold(session, why=why, driver=None, driven_until=self._now())

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew it from a thread of its own until the block ends."""
        over = Event()

        def beat() -> None:
            while not over.wait(self._lasts.total_seconds() / BEATS):
                try:
                    self.renew()
                except LeaseLost:
                    return
                except (DBAPIError, RisksetError):
                    continue  # the database is away; the lease ends where it stays so

        heart = Thread(target=beat, name="riskset-lease", daemon=True)
        heart.start()
        try:
            yield
        finally:
            over.set()
            heart.join()
