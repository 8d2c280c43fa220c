"""The build hooks that make four distributions of one checkout: unite their metadata, and pin them to each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

MEMBERS = ("common", "site_node", "server", "deploy/embedded")


def member_projects(checkout: Path) -> list[dict[str, Any]]:
    """Read the `[project]` table of every member, in the order of `MEMBERS`."""
    projects = []
    for folder in MEMBERS:
        table = tomllib.loads((checkout / folder / "pyproject.toml").read_text(encoding="utf-8"))
        projects.append(table["project"])
    return projects


def distribution_name(requirement: str) -> str:
    """Cut a requirement down to the name of what it requires: `numpy>=2` gives `numpy`."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ValueError(
            f"pyproject.toml: {requirement!r} does not begin with the name of a distribution"
        )
    return match.group()


class UnitedMembers(MetadataHookInterface):
    """Give the root what its members say: their dependencies, extras and scripts, each written in one place."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill the three dynamic fields of the root's metadata."""
        projects = member_projects(Path(self.root))
        own = {project["name"] for project in projects}
        dependencies: set[str] = set()
        extras: dict[str, set[str]] = {}
        scripts: dict[str, str] = {}
        for project in projects:
            dependencies.update(project.get("dependencies", []))
            scripts.update(project.get("scripts", {}))
            for extra, requirements in project.get("optional-dependencies", {}).items():
                extras.setdefault(extra, set()).update(requirements)
        metadata["dependencies"] = sorted(
            d for d in dependencies if distribution_name(d) not in own
        )
        metadata["optional-dependencies"] = {
            extra: sorted(extras[extra]) for extra in sorted(extras)
        }
        metadata["scripts"] = dict(sorted(scripts.items()))


class PinnedMembers(BuildHookInterface[BuilderConfig]):
    """Let a member's wheel accept its sister distributions in its own version only.

    All members carry one version and are tested together; a site that upgraded half of them would compute with a mixture
    that nobody has tested.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add `riskset-...==VERSION` for each sister that the member requires. `version` is hatch's word for the target."""
        del version
        checkout = next(p for p in Path(self.root).parents if (p / "hatch_build.py").is_file())
        own = {project["name"] for project in member_projects(checkout)}
        for requirement in self.metadata.core.dependencies:
            if requirement in own:
                build_data["dependencies"].append(f"{requirement}=={self.metadata.version}")
