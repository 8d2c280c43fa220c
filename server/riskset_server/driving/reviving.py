"""Looking after runs and sites, in the program of the SuperExec: a run whose driver is lost gets another, and who is heard of is noted.

That a driver is lost, its lease in the store says; so two who notice at one time start one driver, and a driver that wakes up again writes
nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread

import structlog

from riskset_common.errors import RisksetError
from riskset_server.centre.config import CentreConfig
from riskset_server.driving.control import Engine, is_known, start_driver
from riskset_server.sites.nodes import bring_in_line, note_seen
from riskset_server.store import RunRecord, Runs, RunState, Sites, open_database

LOOK_SECONDS = 5.0
"""Between one look and the next."""

LOST_AT_MOST = 5
"""After so many drivers were lost with nothing that arrived in between, no other one is started."""

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


def look_after(
    engine: Engine, sites: Sites, runs: Runs, now: datetime, patience: timedelta
) -> list[int]:
    """Look once; gives the numbers of the runs for which another driver was started.

    Parameters
    ----------
    patience
        For how long a run stays stalled, for people to see, before another driver is started.
    """
    note_seen(engine, sites)
    revived = []
    for record in runs.under_way():
        if record.at(now - patience).state is RunState.STALLED and _revive(
            engine, sites, runs, record, now
        ):
            revived.append(record.number)
    return revived


def _revive(engine: Engine, sites: Sites, runs: Runs, record: RunRecord, now: datetime) -> bool:
    number = record.number
    if record.state is RunState.WAITING and is_known(engine, record):
        return False  # the driver that was asked for comes as soon as a SuperExec runs
    why = record.at(now).why
    if record.lost >= LOST_AT_MOST:
        runs.move(
            number, RunState.FAILED, now,
            f"{why}; so were {LOST_AT_MOST} before it, and nothing arrived in between. See the log of the SuperExec; "
            f"then `riskset run resume {number}`.",
        )  # fmt: skip
        return False
    bring_in_line(engine, sites)
    if not runs.reopen(number, now, record.lost + 1):
        return False
    _LOG.warning("run_goes_on", run=number, reason=why)
    start_driver(engine, runs, number)
    return True


@contextmanager
def looking_after(
    centre: CentreConfig,
    control: Callable[[], AbstractContextManager[Engine]],
    now: Callable[[], datetime],
) -> Iterator[None]:
    """Look after runs and sites from a thread of its own until the block ends. `control` reaches the SuperLink, once it serves."""
    over = Event()

    def look() -> None:
        database = open_database(centre.store)
        patience = timedelta(seconds=centre.rounds.lease / 2)
        said = ""
        try:
            while not over.wait(min(LOOK_SECONDS, centre.rounds.lease)):
                try:
                    with control() as engine:
                        look_after(engine, Sites(database), Runs(database), now(), patience)
                    said = ""
                except Exception as error:  # noqa: BLE001  # the SuperLink or the store is away; the next look may find it
                    reason = str(error) if isinstance(error, RisksetError) else type(error).__name__
                    if reason != said:
                        _LOG.warning("runs_not_looked_after", reason=reason)
                    said = reason
        finally:
            database.close()

    looks = Thread(target=look, name="riskset-looks-after", daemon=True)
    looks.start()
    try:
        yield
    finally:
        over.set()
        looks.join(10.0)
