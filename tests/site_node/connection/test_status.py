"""What `riskset-node status` tells: whether the node is there, its runs with their plans, and what it refused."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from riskset_common.errors import PolicyRefusal
from riskset_node.connection.standing import Journal, pause, running
from riskset_node.connection.status import LONGEST_SILENCE, lines_of
from riskset_node.session.service import STATE_FILE
from riskset_node.state import told
from riskset_node.state.node_state import NodeState
from riskset_node.state.refusals import RefusedMessage
from riskset_node.state.told import OfferedPlan, SettingsInForce

BEGAN = datetime(2018, 6, 1, 12, tzinfo=UTC)
LATER = BEGAN + timedelta(minutes=5)


def session(sid: bytes) -> SimpleNamespace:
    secrets = SimpleNamespace(ephemeral_private=b"e" * 32, self_root=b"r" * 32)
    return SimpleNamespace(sid=sid, secrets=secrets)


@pytest.fixture
def state(tmp_path, monkeypatch):
    """The state of a node whose stored offers are the titles of their plans."""
    monkeypatch.setattr(
        "riskset_node.state.told.plan_of",
        lambda offer: OfferedPlan(7, "lung", "1.0.0", offer.decode(), "To compare"),
    )
    opened = NodeState(tmp_path / STATE_FILE)
    yield opened
    opened.close()


def test_a_node_that_never_ran_is_said_not_to_run(tmp_path):
    assert ["node          does not run", "runs          none"] == list(lines_of(tmp_path, BEGAN))


def test_a_running_node_is_told_with_its_last_contact_and_that_it_rests(tmp_path):
    journal = Journal(tmp_path, lambda: BEGAN)
    journal.contact()
    journal.said("waiting for a run")
    pause(tmp_path, paused=True)
    with running(tmp_path):
        lines = list(lines_of(tmp_path, BEGAN))

    assert [
        f"node          runs, process {os.getpid()}, paused: questions wait at the centre (`riskset-node pause --end`)",
        "centre        connected; it last answered on 2018-06-01 12:00:00 UTC",
        "last said     waiting for a run (2018-06-01 12:00:00 UTC)",
    ] == lines[:3]


@pytest.mark.parametrize(
    ("runs", "silent_for", "said"),
    [
        (True, LONGEST_SILENCE, "connected; it last answered"),
        (True, LONGEST_SILENCE + timedelta(seconds=1), "not connected: no answer since"),
        (False, timedelta(0), "not connected; it last answered"),
    ],
)
def test_only_a_node_that_runs_and_heard_lately_is_connected(tmp_path, runs, silent_for, said):
    Journal(tmp_path, lambda: BEGAN).contact()
    now = BEGAN + silent_for
    if runs:
        with running(tmp_path):
            lines = list(lines_of(tmp_path, now))
    else:
        lines = list(lines_of(tmp_path, now))

    assert lines[1].removeprefix("centre").strip().startswith(said)


def test_a_node_that_was_killed_is_told_apart_from_one_that_was_stopped(tmp_path):
    journal = Journal(tmp_path, lambda: BEGAN)
    journal.said("waiting for a run")
    killed = next(lines_of(tmp_path, BEGAN))
    journal.ended()
    stopped = next(lines_of(tmp_path, BEGAN))

    assert "does not run: it was killed, or its machine went down." in killed
    assert "does not run; it was stopped on 2018-06-01 12:00:00 UTC" in stopped


def test_each_run_is_told_with_number_plan_purpose_and_how_it_stands(state, tmp_path):
    for number, title in enumerate(("One", "Two", "Three")):
        state.join(session(bytes([number] * 32)), title.encode(), b"salt", BEGAN)
    state.forget(bytes([1] * 32), LATER)
    state.forget(bytes([2] * 32), LATER, "records cannot be used:\nmend them")
    told_lines = "\n".join(line.strip() for line in lines_of(tmp_path, LATER))

    assert (
        "run 7, lung 1.0.0: One\npurpose: To compare\njoined on 2018-06-01 12:00:00 UTC\nunder way"
        in told_lines
    )
    assert "Two" in told_lines
    assert "ended on 2018-06-01 12:05:00 UTC: the centre closed it" in told_lines
    assert "ended on 2018-06-01 12:05:00 UTC, because: records cannot be used:" in told_lines
    assert told_lines.index("One") < told_lines.index("Three")


def test_sessions_under_way_are_all_told_and_of_those_that_ended_the_last(state, tmp_path):
    for number in range(9):
        state.join(session(bytes([number] * 32)), f"Title {number}.".encode(), b"salt", BEGAN)
    for number in range(1, 9):
        state.forget(bytes([number] * 32), LATER + timedelta(seconds=number))
    lines = "\n".join(lines_of(tmp_path, LATER))

    assert told.SHOWN_SESSIONS + 1 == lines.count("Title ")
    assert "Title 0." in lines
    assert "Title 3." not in lines


def test_refusals_and_the_settings_in_force_are_told(state, tmp_path):
    state.tell_settings(
        SettingsInForce(BEGAN, "policy.minimum_cell: no number.", ("data.columns",))
    )
    state.refusals.write(RefusedMessage("Offer", bytes(32), 7, 0), PolicyRefusal("expired"), LATER)
    with running(tmp_path):
        lines = list(lines_of(tmp_path, LATER))
    ended = list(lines_of(tmp_path, LATER))

    assert "refused run 7 on 2018-06-01 12:05:00 UTC, because: expired" == lines[-1] == ended[-1]
    assert not any("node.yaml" in line for line in ended)
    assert "policy        in force since 2018-06-01 12:00:00 UTC" == lines[1]
    assert "node.yaml was changed and is not used: policy.minimum_cell: no number." in lines[2]
    assert "acts only after a restart of the node: data.columns" in lines[3]
