"""What is seen of a run: a line a step, who is missing, which models are under way, and how it ended or stalled."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from tests.server.conftest import NOW

from riskset_server.driving.progress import status_json, status_lines, watch
from riskset_server.store import RunState


@pytest.fixture
def number(centre):
    centre.admit("a", "b", "c")
    return centre.add_run()


def watched(centre, number: int, *then, now: datetime = NOW) -> list[tuple[str, bool]]:
    """What a watcher is told, when one after the other of these happens between its looks."""
    coming = iter(then)
    lines = watch(centre.runs, number, lambda _: next(coming)(), lambda: now)
    return [(line.text, line.is_last) for line in lines]


def test_watching_says_each_step_as_it_goes_on_and_once_that_it_is_over(centre, number):
    memory = centre.runs.memory(number, lambda: NOW)
    memory.keep_asked("join", dict.fromkeys("abc", b"q"))

    assert [
        ("join: 0 of 3 sites answered, a, b and c have not", False),
        ("join: 1 of 3 sites answered, b and c have not", False),
        ("join: 2 of 3 sites answered, c has not", True),
        ("keys: 0 of 2 sites answered, a and b have not", False),
        ("keys: 2 of 2 sites answered", True),
        (f"run {number}: silent: keys: call c", True),
    ] == watched(
        centre,
        number,
        lambda: memory.keep_replies("join", {"a": b""}),
        lambda: None,
        lambda: (
            memory.keep_replies("join", {"b": b""}),
            memory.keep_asked("keys", dict.fromkeys("ab", b"q")),
        ),
        lambda: memory.keep_replies("keys", {"a": b"", "b": b""}),
        lambda: centre.runs.move(number, RunState.SILENT, NOW, "keys: call c"),
    )


def test_watching_ends_when_the_driver_is_lost_and_says_so(centre, number):
    centre.runs.lease(number, "d" * 32, 20, lambda: NOW).take()
    late = NOW + timedelta(seconds=21)

    assert [(f"run {number}: stalled: its driver is lost", True)] == watched(
        centre, number, now=late
    )


def test_the_status_of_a_run_names_who_is_missing_its_title_and_since_when(centre, number):
    memory = centre.runs.memory(number, lambda: NOW)
    memory.keep_asked("join", dict.fromkeys("abc", b"q"))
    memory.keep_replies("join", {"a": b"", "c": b""})
    centre.runs.lease(number, "d" * 32, 20, lambda: NOW).take()
    found = status_json(centre.runs, number, NOW)

    assert [
        f"run {number}: infants-main 1.0.0 (Infants): running since {NOW:%Y-%m-%d %H:%M:%S} UTC",
        "  join: 2 of 3 sites answered, b has not",
    ] == list(status_lines(centre.runs, number, NOW))
    assert "Infants" == found["title"]
    assert '"missing": ["b"]' in json.dumps(found, default=str)


def test_a_run_that_no_driver_takes_up_says_that_none_has_begun(centre, number):
    later = NOW + timedelta(seconds=61)
    (line,) = status_lines(centre.runs, number, later)

    assert "stalled since" in line
    assert line.endswith("no driver has begun; does `riskset centre superexec` run?")


def test_steps_of_blind_models_name_those_that_are_under_way(centre, number):
    memory = centre.runs.memory(number, lambda: NOW)
    for step in range(1, 7):
        memory.keep_asked(f"round-002-blind-{step:03d}", {"a": b"q"})
        memory.keep_replies(f"round-002-blind-{step:03d}", {"a": b"r"})
    for _ in range(2):  # as when the run is played again
        memory.keep_evaluation("round-002-blind-002", "dfs")
        memory.keep_evaluation("round-002-blind-002", "os")
        memory.keep_evaluation("round-002-blind-005", "os")

    assert [("dfs", "os"), ("dfs", "os"), ("os",), ("os",), ("os",), ("os",)] == [
        each.models for each in centre.runs.arrived(number)
    ]
    assert "round-002-blind-003 (os): 1 of 1 sites answered" == str(centre.runs.arrived(number)[2])
