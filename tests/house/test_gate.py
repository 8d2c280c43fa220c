"""The gate runs what it says: every target of the Makefile does something, and every part of `.ci/run` calls its tool."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

CALLS = {
    "ruff": ("ruff check", "ruff format --check"),
    "layers": ("lint-imports",),
    "types": ("mypy",),
    "lint": ("ruff check", "lint-imports", "mypy"),
    "unit": ("pytest",),
    "covered": ("--cov", "coverage report --fail-under=100"),
    "system": ("pytest", "tests/system"),
    "test": ("tests/system", "--cov"),
    "slow": ("HYPOTHESIS_PROFILE=slow",),
    "search": ("HYPOTHESIS_PROFILE=search",),
}


def commands_of(checkout: Path, target: str) -> str:
    """What make would run for a target whose environment is there."""
    made = ["--old-file=.venv/dev", "--old-file=.venv/installed", "--old-file=.venv/locked"]
    return subprocess.run(
        ["make", "--dry-run", "--always-make", *made, target],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("target", CALLS)
def test_a_target_calls_its_tools(checkout: Path, target: str) -> None:
    commands = commands_of(checkout, target)

    assert [] == [tool for tool in CALLS[target] if tool not in commands]


def test_every_target_has_a_recipe_or_others_that_have(checkout: Path) -> None:
    makefile = (checkout / "Makefile").read_text(encoding="utf-8")
    [named] = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)

    assert [] == [
        target for target in named.split() if not re.search(rf"^{target}:", makefile, re.MULTILINE)
    ]


def test_every_part_of_the_gate_is_a_target_that_is_held_here(checkout: Path) -> None:
    script = (checkout / ".ci/run").read_text(encoding="utf-8")
    parts = set(re.findall(r"^part '[^']*' make (\S+)$", script, flags=re.MULTILINE))

    assert {"ruff", "layers", "types", "unit", "covered", "system"} == parts - {".venv/dev"}
