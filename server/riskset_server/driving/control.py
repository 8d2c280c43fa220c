"""Starting, resuming and stopping runs: the store knows a run, Flower runs its driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from riskset_common.errors import InputError
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_server.centre.config import CentreConfig
from riskset_server.run.joining import offer_run
from riskset_server.sites.nodes import Node, Registry, bring_in_line, offline
from riskset_server.store import RunRecord, Runs, RunState, Sites
from riskset_server.store.runs import RESUMABLE, RunInputs


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
    runs.started(number, engine.start(number))
    return Started(number, offline(nodes, [member.name for member in roster.members]))


def resume_run(engine: Engine, sites: Sites, runs: Runs, number: int) -> Started:
    """Start a new driver for a run that is not finished; it goes on after the last answer in the store.

    Raises
    ------
    InputError
        Where the run ended for good, or its driver is alive.
    """
    record = runs.get(number)
    if record.state not in RESUMABLE:
        raise InputError(
            f"run {number}: is {record.state} and cannot be resumed. Start a new run with `riskset run start`."
        )
    if is_driven(engine, record):
        raise InputError(
            f"run {number}: its driver is alive. `riskset run watch {number}` shows how it goes on; "
            f"`riskset run stop {number}` stops it."
        )
    nodes = bring_in_line(engine, sites)
    runs.move(number, RunState.WAITING)
    runs.started(number, engine.start(number))
    wanted = [member.name for member in runs.inputs(number).roster.members]
    return Started(number, offline(nodes, wanted))


def stop_run(engine: Engine, runs: Runs, number: int, now: datetime) -> None:
    """Stop a run. What it received is kept, and it can be resumed."""
    record = runs.get(number)
    if record.state not in {RunState.WAITING, RunState.RUNNING}:
        raise InputError(f"run {number}: is {record.state}; there is nothing to stop.")
    if is_driven(engine, record) and record.flower_run is not None:
        engine.stop(record.flower_run)
    runs.move(number, RunState.STOPPED, now, "stopped by the centre")


def is_driven(engine: Engine, record: RunRecord) -> bool:
    """Whether a driver works on the run at this moment."""
    return record.flower_run is not None and engine.status(record.flower_run) in {
        "pending",
        "starting",
        "running",
    }


ENDED = frozenset(
    {RunState.FINISHED, RunState.REFUSED, RunState.STOPPED, RunState.SILENT, RunState.FAILED}
)


def watch(runs: Runs, number: int, wait: Callable[[float], object]) -> Iterator[str]:
    """Say, line by line, how a run goes on, until it ends: steps and how many sites answered, never a number of a site."""
    said: dict[str, str] = {}
    while True:
        record = runs.get(number)
        for each in runs.arrived(number):
            if said.get(each.step) != str(each):
                said[each.step] = str(each)
                yield str(each)
        if record.state in ENDED:
            yield f"run {number}: {record.state}{f': {record.why}' if record.why else ''}"
            return
        wait(0.25)


def connection_lines(sites: Sites, nodes: dict[str, Node]) -> Iterator[str]:
    """A line for each site: its name, whether it is connected, its release. Never a count of patients."""
    for site in sites.all():
        if site.revoked_at is not None:
            state = "revoked"
        elif site.admitted_at is None:
            state = "invited"
        else:
            there = site.name in nodes and nodes[site.name].is_online
            state = "connected" if there else "admitted, not connected"
        release = "" if site.release is None else f"node {site.release}"
        yield f"{site.name:<20} {state:<24} {release}".rstrip()
