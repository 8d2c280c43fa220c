"""No module imports another that, by whatever way, imports it: each can be read, tested and moved by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

FOLDERS = ("common", "site_node", "server", "deploy/embedded")


def modules(checkout: Path) -> dict[str, Path]:
    """Every module of the four packages, and its file."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for package in (checkout / folder).glob("riskset_*"):
            for path in package.rglob("*.py"):
                *parts, stem = path.relative_to(checkout / folder).with_suffix("").parts
                found[".".join(parts if stem == "__init__" else [*parts, stem])] = path
    return found


def imported(path: Path) -> Iterator[str]:
    """Whatever a module imports: at its head, in a function, or for the types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield str(node.module)


def test_no_import_comes_back_to_where_it_began(checkout: Path) -> None:
    known = modules(checkout)
    arrows = {
        name: {
            other for other in imported(path) if other in known and not name.startswith(f"{other}.")
        }
        for name, path in known.items()
    }

    assert len(known) > 300
    # A circle is an error here, and its message names the modules.
    assert set(known) == set(TopologicalSorter(arrows).static_order())
