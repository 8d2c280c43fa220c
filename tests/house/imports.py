"""All imports of the product, read from its text: also those inside of functions and those for the type checker alone."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

PACKAGES = (
    "common/riskset_common",
    "site_node/riskset_node",
    "server/riskset_server",
    "deploy/embedded/riskset_embedded",
)


@dataclass(frozen=True)
class Product:
    """The four packages of a checkout."""

    root: Path

    @cached_property
    def modules(self) -> Mapping[str, Path]:
        """Files by the dotted names of their modules; a package is its `__init__`."""
        return {
            _name(path.relative_to(self.root / package).parts, Path(package).name): path
            for package in PACKAGES
            for path in sorted((self.root / package).rglob("*.py"))
            if "migrations" not in path.parts
        }

    @cached_property
    def arrows(self) -> Mapping[str, frozenset[str]]:
        """Which modules of the product each module imports."""
        return {
            name: frozenset(self._imported(name, path)) - {name}
            for name, path in self.modules.items()
        }

    def _imported(self, name: str, path: Path) -> Iterator[str]:
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (each.name for each in node.names if each.name in self.modules)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: 1 - node.level or None] if node.level else []
                start = ".".join([*above, *filter(None, [node.module])])
                for each in node.names:
                    # What is imported from a package is one of its modules, or a name of its `__init__`.
                    whole = f"{start}.{each.name}"
                    yield from [whole] if whole in self.modules else self._known(start)

    def _known(self, name: str) -> list[str]:
        return [name] if name in self.modules else []

    @cached_property
    def folders(self) -> Mapping[str, tuple[str, ...]]:
        """The modules of each folder but for its `__init__`, by the folder's dotted name."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, path in self.modules.items():
            if path.name == "__init__.py":
                found.setdefault(name, [])
            else:
                found[name.rpartition(".")[0]].append(name)
        return {folder: tuple(modules) for folder, modules in found.items()}

    def circles(self) -> list[list[str]]:
        """Modules that can each be reached from each other, where these are more than one (Tarjan 1972)."""
        index: dict[str, int] = {}
        lowest: dict[str, int] = {}
        waiting: list[str] = []
        found: list[list[str]] = []

        def visit(module: str) -> None:
            index[module] = lowest[module] = len(index)
            waiting.append(module)
            for other in self.arrows[module]:
                if other not in index:
                    visit(other)
                if other in waiting:
                    lowest[module] = min(lowest[module], lowest[other])
            if lowest[module] == index[module]:
                at = waiting.index(module)
                if len(waiting) - at > 1:
                    found.append(sorted(waiting[at:]))
                del waiting[at:]

        for module in self.arrows:
            if module not in index:
                visit(module)
        return found

    @cached_property
    def floors(self) -> Mapping[str, Mapping[str, int]]:
        """The floor of each room, 0 at the top, by the folder whose rooms they are: from the contracts of pyproject.toml."""
        text = (self.root / "pyproject.toml").read_text(encoding="utf-8")
        contracts: list[Mapping[str, Any]] = tomllib.loads(text)["tool"]["importlinter"][
            "contracts"
        ]
        return {
            folder: {
                room.strip(): floor
                for floor, rooms in enumerate(contract["layers"])
                for room in rooms.split("|")
            }
            for contract in contracts
            if contract["type"] == "layers"
            for folder in contract.get("containers", ())
        }

    def ways_up(self, folder: str) -> list[str]:
        """Imports between the rooms of a folder that lead to a higher floor, or to another room of the same one."""
        floors = self.floors[folder]
        return sorted(
            f"{module} -> {other}"
            for module, others in self.arrows.items()
            for other in others
            if _leads_up(floors, _room(module, folder), _room(other, folder))
        )


def _leads_up(floors: Mapping[str, int], here: str | None, there: str | None) -> bool:
    known = here in floors and there in floors and here != there
    return known and floors[str(there)] <= floors[str(here)]


def _name(parts: tuple[str, ...], package: str) -> str:
    *folders, last = parts
    stem = [] if last == "__init__.py" else [last.removesuffix(".py")]
    return ".".join([package, *folders, *stem])


def _room(module: str, folder: str) -> str | None:
    """The room of a folder in which a module lies."""
    prefix = f"{folder}."
    return module.removeprefix(prefix).partition(".")[0] if module.startswith(prefix) else None
