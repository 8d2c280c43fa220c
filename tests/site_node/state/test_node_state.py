"""What a node remembers is on the disk before its message leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from riskset_node.state import node_state
from riskset_node.state.node_state import NodeState


def test_each_step_is_written_through_to_the_disk_before_the_message_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folders of tests lie in memory, where it makes no difference; here it is seen that the node asks for it."""
    flushed: list[int] = []
    counter = tmp_path / "node.sqlite.counter"

    def flush(descriptor: int) -> None:
        assert os.path.samestat(os.fstat(descriptor), counter.stat())
        flushed.append(int(counter.read_text(encoding="ascii")))

    through = node_state._FLUSH
    state = NodeState(tmp_path / "node.sqlite")
    try:
        monkeypatch.setattr(node_state, "_FLUSH", flush)
        for _ in range(2):
            with state.step():
                before = list(flushed)
            assert len(before) + 1 == len(flushed)
        (full,) = state.outbox.database.execute("PRAGMA synchronous").fetchone()
    finally:
        state.close()

    assert [1, 2] == flushed
    assert 2 == full
    assert through is getattr(os, "fdatasync", os.fsync)
