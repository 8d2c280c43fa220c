"""Starting, resuming and stopping runs: the store knows a run, Flower runs its driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from riskset_common.errors import InputError, RisksetError
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_server.centre.config import CentreConfig
from riskset_server.run.joining import offer_run
from riskset_server.sites.nodes import Registry, bring_in_line, offline
from riskset_server.store import RunRecord, Runs, RunState, Sites
from riskset_server.store.run_state import RESUMABLE, UNDER_WAY
from riskset_server.store.runs import RunInputs


class Engine(Registry, Protocol):
    """What starts and stops drivers: `superlink.Control`."""

    def start(self, number: int) -> int:
        """Start the driver of a run, and give the engine's own number for it."""
        ...

    def stop(self, flower_run: int) -> None:
        """Stop a driver."""
        ...

    def status(self, flower_run: int) -> str:
        """`pending`, `starting`, `running`, `finished`, or empty where it is not known."""
        ...


@dataclass(frozen=True)
class Started:
    """A run that was started, and the sites that are not connected yet: their answers are waited for."""

    number: int
    offline: list[str]


def start_run(
    centre: CentreConfig,
    engine: Engine,
    sites: Sites,
    runs: Runs,
    plan: Plan,
    codebook: Codebook,
    *,
    now: datetime,
    random: Callable[[int], bytes],
) -> Started:
    """Enter a run of this plan for all admitted sites, and start its driver.

    Raises
    ------
    PlanError, PolicyRefusal
        Where the run cannot begin; nothing was asked of any site.
    """
    roster, nonce = sites.roster(), random(32)
    # What cannot begin is refused here rather than in the driver; the number follows when the run is entered.
    offer_run(plan, codebook, roster, centre.identity(), nonce, number=0)
    nodes = bring_in_line(engine, sites)
    inputs = RunInputs(canonical_json(plan), canonical_json(codebook), roster, nonce)
    number = runs.add(plan.plan, plan.version, inputs, now)
    _start_or_fail(engine, runs, number, now)
    return Started(number, offline(nodes, [member.name for member in roster.members]))


def resume_run(engine: Engine, sites: Sites, runs: Runs, number: int, *, now: datetime) -> Started:
    """Start a new driver for a run that is not finished; it goes on after the last answer in the store.

    Raises
    ------
    InputError
        Where the run ended for good, or a driver has it.
    """
    record = runs.get(number)
    if record.state not in RESUMABLE:
        raise InputError(
            f"run {number}: is {record.state} and cannot be resumed. Start a new run with `riskset run start`."
        )
    nodes = bring_in_line(engine, sites)
    if not runs.reopen(number, now):
        raise InputError(
            f"run {number}: its driver is alive, or was a moment ago. `riskset run watch {number}` shows how it goes on; if its driver is "
            f"lost, another one goes on by itself. `riskset run stop {number}` stops it."
        )
    _start_or_fail(engine, runs, number, now)
    wanted = [member.name for member in runs.inputs(number).roster.members]
    return Started(number, offline(nodes, wanted))


def start_driver(engine: Engine, runs: Runs, number: int) -> None:
    """Have the engine start a driver of a run that waits for one; the one before is stopped."""
    before = runs.get(number)
    if before.flower_run is not None and is_known(engine, before):
        engine.stop(before.flower_run)
    runs.started(number, engine.start(number))


def _start_or_fail(engine: Engine, runs: Runs, number: int, now: datetime) -> None:
    """Whoever asks for a run is told where it cannot start, and it does not start by itself later."""
    try:
        start_driver(engine, runs, number)
    except RisksetError as error:
        runs.move(number, RunState.FAILED, now, f"no driver could be started: {error}")
        raise


def stop_run(engine: Engine, runs: Runs, number: int, now: datetime) -> None:
    """Stop a run. What it received is kept, and it can be resumed."""
    record = runs.get(number)
    if record.state not in UNDER_WAY:
        raise InputError(f"run {number}: is {record.state}; there is nothing to stop.")
    runs.move(number, RunState.STOPPED, now, "stopped by the centre")
    if is_known(engine, record) and record.flower_run is not None:
        engine.stop(record.flower_run)


def is_known(engine: Engine, record: RunRecord) -> bool:
    """Whether the engine has a driver of the run, or is about to start one. Whether it drives, its lease in the store says."""
    return record.flower_run is not None and engine.status(record.flower_run) in {
        "pending",
        "starting",
        "running",
    }
