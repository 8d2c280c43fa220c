"""Which Python `make setup` takes, and what it says when there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Stands in for an interpreter of another version, or one whose distribution left modules out.
OTHER_PYTHON = """#!/bin/sh
shift
exec '{real}' -c 'import sys
sys.version_info = {version}
for missing in "{missing}".split(): sys.modules[missing] = None
exec(sys.stdin.read())' "$@"
"""


def interpreter(
    folder: Path, name: str, version: tuple[int, int, int], missing: tuple[str, ...] = ()
) -> Path:
    path = folder / name
    text = OTHER_PYTHON.format(real=sys.executable, version=version, missing=" ".join(missing))
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def find_python(checkout: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script where only `folder` and the shell's own tools are on PATH."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "cat").symlink_to("/bin/cat")
    return subprocess.run(
        ["/bin/sh", str(checkout / "deploy" / "find-python"), *arguments],
        env={"PATH": f"{folder}:{tools}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_python_of_the_person_comes_first(checkout: Path, tmp_path: Path) -> None:
    mine = interpreter(tmp_path, "python3", (3, 12, 1))
    interpreter(tmp_path, "python3.14", (3, 14, 0))

    found = find_python(checkout, tmp_path)

    assert (0, f"{mine}\n") == (found.returncode, found.stdout)


def test_an_old_python_is_passed_over_for_a_fit_one(checkout: Path, tmp_path: Path) -> None:
    interpreter(tmp_path, "python3", (3, 10, 4))
    fit = interpreter(tmp_path, "python3.11", (3, 11, 0))

    found = find_python(checkout, tmp_path)

    assert (0, f"{fit}\n") == (found.returncode, found.stdout)


@pytest.mark.parametrize(
    ("version", "missing", "reason"),
    [
        ((3, 10, 4), (), "is Python 3.10, too old"),
        ((3, 15, 0), (), "is Python 3.15, newer than the locked dependencies"),
        ((3, 12, 1), ("ensurepip",), "is Python 3.12 without ensurepip"),
        ((3, 12, 1), ("venv",), "is Python 3.12 without venv"),
    ],
)
def test_the_message_says_what_was_found_and_what_is_wrong_with_it(
    checkout: Path,
    tmp_path: Path,
    version: tuple[int, int, int],
    missing: tuple[str, ...],
    reason: str,
) -> None:
    unfit = interpreter(tmp_path, "python3", version, missing)

    found = find_python(checkout, tmp_path)

    assert (1, "") == (found.returncode, found.stdout)
    assert f"{unfit} {reason}" in found.stderr
    assert "python3-venv" in found.stderr


def test_a_machine_without_python_is_told_so(checkout: Path, tmp_path: Path) -> None:
    found = find_python(checkout, tmp_path)

    assert 1 == found.returncode
    assert "Found:\n  none" in found.stderr


def test_a_newer_python_is_taken_when_it_is_named(checkout: Path, tmp_path: Path) -> None:
    newer = interpreter(tmp_path, "python3.15", (3, 15, 0))

    found = find_python(checkout, tmp_path, str(newer))

    assert (0, f"{newer}\n") == (found.returncode, found.stdout)


def test_a_python_that_is_not_there_is_named(checkout: Path, tmp_path: Path) -> None:
    found = find_python(checkout, tmp_path, "python3.99")

    assert 1 == found.returncode
    assert "python3.99 is not there" in found.stderr
