"""Layers that a list of forbidden packages cannot hold: what is not admitted is refused."""

from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDERS = {
    "riskset-common": "common",
    "riskset-node": "site_node",
    "riskset-server": "server",
    "riskset-embedded": "deploy/embedded",
}


def imports_of(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(f"{'.' * node.level}{node.module or ''}")
    return names


def required_by(checkout: Path, distribution: str) -> set[str]:
    """What comes with a distribution: its requirements, its extras, and those of its sisters."""
    core = ProjectMetadata(str(checkout / FOLDERS[distribution]), PluginManager()).core
    lines = [*core.dependencies]
    for extra in core.optional_dependencies.values():
        lines += extra
    names: set[str] = {canonicalize_name(Requirement(line).name) for line in lines}
    for sister in names & FOLDERS.keys():
        names |= required_by(checkout, sister)
    return names


def test_survival_imports_numpy_the_standard_library_and_our_errors(checkout: Path) -> None:
    ours = ("riskset_common.survival", "riskset_common.errors")
    modules = sorted((checkout / "common" / "riskset_common" / "survival").rglob("*.py"))
    strangers = {
        f"{module.name} imports {name}"
        for module in modules
        for name in imports_of(module)
        if name.split(".")[0] not in {*sys.stdlib_module_names, "numpy"}
        and not name.startswith(ours)
    }

    assert modules
    assert set() == strangers


@pytest.mark.parametrize("distribution", FOLDERS)
def test_a_package_imports_nothing_that_its_distribution_does_not_require(
    checkout: Path, distribution: str
) -> None:
    package = checkout / FOLDERS[distribution] / distribution.replace("-", "_")
    providers = packages_distributions()
    admitted = required_by(checkout, distribution)
    undeclared = {
        f"{module.relative_to(checkout)} imports {name}"
        for module in sorted(package.rglob("*.py"))
        for name in imports_of(module)
        if (top := name.split(".")[0]) not in sys.stdlib_module_names
        and not top.startswith("riskset_")
        and not {canonicalize_name(d) for d in providers.get(top, [])} & admitted
    }

    assert set() == undeclared
