"""The lease of a run: one driver at a time, and whoever lost it writes nothing more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Barrier, Event, Thread

import pytest
from tests.server.conftest import NOW

from riskset_common.errors import InputError
from riskset_server.driving.control import start_run, stop_run
from riskset_server.driving.reviving import LOST_AT_MOST, look_after
from riskset_server.store import Runs, RunState, open_database
from riskset_server.store.leases import Lease, LeaseLost

LASTS = 20.0


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time

    def goes_on(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def number(centre) -> int:
    centre.admit("a", "b")
    plan, codebook = centre.study()
    return start_run(
        centre.config, centre.engine, centre.sites, centre.runs, plan, codebook,
        now=NOW, random=centre.random,
    ).number  # fmt: skip


@pytest.fixture
def driver(centre, number, clock) -> Callable[[str], Lease]:
    return lambda name: centre.runs.lease(number, name, LASTS, clock)


def state(centre, number: int, clock: Clock) -> RunState:
    return RunState(centre.runs.get(number).at(clock()).state)


def look(centre, clock: Clock) -> list[int]:
    return look_after(
        centre.engine, centre.sites, centre.runs, clock(), timedelta(seconds=LASTS / 2)
    )


def test_a_run_has_one_driver(driver):
    driver("first").take()
    with pytest.raises(InputError, match="is driven by another driver"):
        driver("second").take()


def test_of_many_who_reach_for_a_run_one_gets_it(centre, number, clock):
    at_once, taken = Barrier(4), []
    databases = [open_database(centre.config.store) for _ in range(4)]

    def reach(name: int) -> None:
        lease = Runs(databases[name]).lease(number, str(name), LASTS, clock)
        at_once.wait(10)
        try:
            lease.take()
            taken.append(name)
        except InputError:
            pass

    threads = [Thread(target=reach, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    for database in databases:
        database.close()

    assert 1 == len(taken)


def test_a_driver_that_renews_its_lease_keeps_the_run(centre, number, driver, clock):
    lease = driver("first")
    lease.take()
    for _ in range(5):
        clock.goes_on(LASTS - 1)
        lease.renew()

    assert RunState.RUNNING is state(centre, number, clock)
    assert [] == look(centre, clock)


def test_a_run_whose_driver_is_lost_is_stalled_and_gets_another_one(centre, number, driver, clock):
    driver("first").take()
    clock.goes_on(LASTS + 1)
    seen = state(centre, number, clock)
    too_early = look(centre, clock)
    clock.goes_on(LASTS / 2)
    revived = look(centre, clock)
    again = look(centre, clock)

    assert (RunState.STALLED, []) == (seen, too_early)
    assert ([number], []) == (revived, again)
    assert RunState.WAITING is state(centre, number, clock)
    assert ["finished", "running"] == list(centre.engine.drivers.values())


def test_a_driver_that_wakes_up_after_another_one_took_over_writes_nothing(
    centre, number, driver, clock
):
    first, second = driver("first"), driver("second")
    first.take()
    memory = centre.runs.memory(number, clock, first)
    memory.keep_asked("join", {"a": b"q", "b": b"q"})
    clock.goes_on(2 * LASTS)
    look(centre, clock)
    second.take()
    for write in (
        first.renew,
        lambda: memory.keep_asked("keys", {"a": b"q"}),
        lambda: memory.keep_replies("join", {"a": b"r"}),
        lambda: memory.keep_opening("round-001", b"sum"),
        lambda: memory.keep_evaluation("round-001-blind-001", "os"),
        lambda: centre.runs.move(number, RunState.FAILED, clock(), "why", first),
        lambda: centre.runs.finish(number, "{}", clock(), first),
        lambda: first.give_up("why"),
        first.require,
    ):
        with pytest.raises(LeaseLost):
            write()

    assert RunState.RUNNING is state(centre, number, clock)
    assert ["join"] == memory.steps()
    assert {} == memory.replies("join")


def test_a_run_that_was_stopped_is_taken_by_no_driver_that_comes_late(
    centre, number, driver, clock
):
    stop_run(centre.engine, centre.runs, number, NOW)
    with pytest.raises(InputError, match="not to be driven"):
        driver("late").take()

    assert RunState.STOPPED is state(centre, number, clock)


def test_a_driver_whose_run_was_stopped_loses_its_lease(centre, number, driver):
    lease = driver("first")
    lease.take()
    stop_run(centre.engine, centre.runs, number, NOW)
    with pytest.raises(LeaseLost):
        lease.renew()


def test_a_driver_that_gives_up_leaves_the_run_to_the_next_one(centre, number, driver, clock):
    lease = driver("first")
    lease.take()
    lease.give_up("ConnectError")
    clock.goes_on(1)
    record = centre.runs.get(number).at(clock())

    assert (RunState.STALLED, "its driver is lost (ConnectError)") == (record.state, record.why)
    driver("second").take()


def test_a_driver_that_no_superexec_starts_is_not_asked_for_again(centre, number, clock):
    (flower_run,) = centre.engine.drivers
    centre.engine.drivers[flower_run] = "pending"
    clock.goes_on(3600)

    assert RunState.STALLED is state(centre, number, clock)
    assert [] == look(centre, clock)
    assert [flower_run] == list(centre.engine.drivers)


def test_a_run_that_loses_one_driver_after_the_other_fails(centre, number, driver, clock):
    for n in range(LOST_AT_MOST + 1):
        driver(str(n)).take()
        clock.goes_on(2 * LASTS)
        look(centre, clock)
    record = centre.runs.get(number)

    assert RunState.FAILED is record.state
    assert f"so were {LOST_AT_MOST} before it" in record.why


def test_what_arrives_in_between_gives_a_run_new_drivers(centre, number, driver, clock):
    for n in range(LOST_AT_MOST + 1):
        lease = driver(str(n))
        lease.take()
        centre.runs.memory(number, clock, lease).keep_replies(f"round-{n:03d}", {"a": b"r"})
        clock.goes_on(2 * LASTS)

        assert [number] == look(centre, clock)


def test_the_lease_is_kept_by_a_thread_of_its_own(centre, number):
    moments, beaten = iter(NOW + timedelta(seconds=n) for n in range(10_000)), Event()

    def now() -> datetime:
        moment = next(moments)
        if moment > NOW + timedelta(seconds=4):
            beaten.set()
        return moment

    lease = centre.runs.lease(number, "first", 0.02, now)
    lease.take()
    before = centre.runs.get(number).driven_until
    with lease.kept():
        assert beaten.wait(10)

    assert centre.runs.get(number).driven_until > before
