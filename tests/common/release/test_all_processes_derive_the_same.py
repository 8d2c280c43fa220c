"""Every party derives what is counted and asked for itself: it must not hang on the order of a set, which each process has another of."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("study", ["lung", pytest.param("interfant06", marks=pytest.mark.slow)])
def test_processes_with_other_hashes_ask_the_same(study: str) -> None:
    command = [sys.executable, "-m", "tests.common.release.what_is_computed", study]
    found = {
        subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert 1 == len(found)
    assert 3 == len(found.pop().split())
