"""The locked dependencies: complete, of one mind, and silent about where they were fetched."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def pins_in(lock: Path) -> dict[str, str]:
    """Version by distribution, markers aside."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


def lock_of(checkout: Path, name: str) -> Path:
    return checkout / "deploy" / "constraints" / f"{name}.txt"


def required_by(checkout: Path, groups: tuple[str, ...], extras: bool) -> list[Requirement]:
    core = ProjectMetadata(str(checkout), PluginManager()).core
    pyproject = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    lines = list(core.dependencies)
    for group in groups:
        lines += pyproject["dependency-groups"][group]
    if extras:
        lines += [line for extra in core.optional_dependencies.values() for line in extra]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(
    ("name", "groups", "extras"),
    [("runtime", ("build",), False), ("dev", ("build", "dev"), True)],
)
def test_every_requirement_is_locked_in_a_version_that_it_admits(
    checkout: Path, name: str, groups: tuple[str, ...], extras: bool
) -> None:
    pins = pins_in(lock_of(checkout, name))
    unmet = [
        f"{requirement} (locked: {pins.get(canonicalize_name(requirement.name), 'no')})"
        for requirement in required_by(checkout, groups, extras)
        if not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"))
    ]

    assert [] == unmet, "run `make constraints`"


def test_tests_run_on_the_versions_that_users_install(checkout: Path) -> None:
    dev = pins_in(lock_of(checkout, "dev"))
    runtime = pins_in(lock_of(checkout, "runtime"))

    assert runtime == {name: dev.get(name) for name in runtime}


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_a_lock_names_no_index_and_no_folder(checkout: Path, name: str) -> None:
    text = lock_of(checkout, name).read_text(encoding="utf-8")

    assert [] == re.findall(r"^.*(?:://|--index|--find-links|(?<![\w.])/\w).*$", text, re.MULTILINE)
