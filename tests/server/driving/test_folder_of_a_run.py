"""The folder of a finished run at the centre: complete, and for the centre's user alone."""

from __future__ import annotations

import os
import stat
from types import SimpleNamespace
from typing import Any

from riskset_server.driving.driver import write_run

RUN: Any = SimpleNamespace(
    inputs=lambda _: SimpleNamespace(plan_json=b"{}", codebook_json=b"{}"),
    transcript=lambda _: [("join", "a", b"message"), ("join", "b", b"")],
    openings=lambda _: {"round-001": b"sums"},
)


def test_only_the_centres_user_may_read_what_it_received_and_opened(tmp_path):
    before = os.umask(0)
    try:
        write_run(tmp_path / "runs" / "1", "{}", RUN, 1)
    finally:
        os.umask(before)
    run = tmp_path / "runs" / "1"
    files = {str(path.relative_to(run)): path for path in run.rglob("*") if path.is_file()}

    assert {
        "results.json",
        "plan.json",
        "codebook.json",
        "transcript/join/a.msg",
        "transcript/openings/round-001.opening",
    } == files.keys()
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in files.values()}
    assert {0o700} == {
        stat.S_IMODE(path.stat().st_mode) for path in (run, *run.rglob("*")) if path.is_dir()
    }
