"""What a site's people are told of their node, and what they can tell it."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from riskset_common.errors import InputError
from riskset_node.connection.standing import (
    Journal,
    Standing,
    is_paused,
    pause,
    process_of,
    running,
    standing_of,
    stop,
)

BEGAN = datetime(2018, 6, 1, 12, tzinfo=UTC)


def test_contacts_are_written_down_at_most_every_ten_seconds(tmp_path):
    moments = iter([BEGAN + timedelta(seconds=each) for each in (0, 0, 9, 10, 10)])
    journal = Journal(tmp_path, lambda: next(moments))
    seen = []
    for _ in range(3):
        journal.contact()
        seen.append(standing_of(tmp_path).contact_at)

    assert [BEGAN, BEGAN, BEGAN + timedelta(seconds=10)] == seen


@pytest.mark.parametrize("left", ['{"said": 7}', "", '{"said_at": "2018-06-01T12:00:00"}'])
def test_a_standing_that_is_none_counts_as_not_there(tmp_path, left):
    (tmp_path / "standing.json").write_text(left, encoding="utf-8")

    assert Standing() == standing_of(tmp_path)


def test_what_a_release_before_left_is_read_as_far_as_it_is_known(tmp_path):
    left = '{"said": "waiting", "said_at": "2018-06-01T12:00:00+00:00", "run": "run 7"}'
    (tmp_path / "standing.json").write_text(left, encoding="utf-8")

    assert Standing(said="waiting", said_at=BEGAN) == standing_of(tmp_path)


def test_two_nodes_on_one_state_are_refused(tmp_path):
    with (
        running(tmp_path),
        pytest.raises(InputError, match=f"already .process {os.getpid()}"),
        running(tmp_path),
    ):
        pass

    assert process_of(tmp_path) is None


def test_a_node_that_has_not_written_its_number_yet_is_said_to_start(tmp_path):
    with running(tmp_path):
        (tmp_path / "node.pid").write_text("", encoding="ascii")
        with pytest.raises(InputError, match="a node is just starting"):
            process_of(tmp_path)


def test_a_paused_node_may_go_on(tmp_path):
    pause(tmp_path, paused=True)
    before = is_paused(tmp_path)
    pause(tmp_path, paused=False)
    pause(tmp_path, paused=False)

    assert (True, False) == (before, is_paused(tmp_path))


def test_stopping_where_nothing_runs_is_said(tmp_path):
    with pytest.raises(InputError, match="nothing to stop"):
        stop(tmp_path, lambda _: None)


def test_a_stopped_node_is_waited_for(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(os, "kill", lambda *order: told.append(order))
    node = running(tmp_path)
    node.__enter__()

    def ends(_: float) -> None:
        node.__exit__(None, None, None)

    assert os.getpid() == stop(tmp_path, ends)
    assert [(os.getpid(), signal.SIGTERM)] == told


def test_a_node_that_does_not_end_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "kill", lambda *_: None)
    with running(tmp_path), pytest.raises(InputError, match="did not end within 30 s"):
        stop(tmp_path, lambda _: None)
