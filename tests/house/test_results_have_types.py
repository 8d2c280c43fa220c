"""Where results have types nobody asks for a field by a text, which neither mypy nor a reader can follow."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TYPED = (
    "server/riskset_server/disclosure",
    "server/riskset_server/kinds",
    "server/riskset_server/run",
)
"""Folders in which results are dataclasses only."""


def by_text(tree: ast.AST) -> list[int]:
    """The lines that look something up by a text: `found["name"]` and `found.get("name")`."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Subscript) and is_text(node.slice))
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and bool(node.args)
            and is_text(node.args[0])
        )
    ]


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("folder", TYPED)
def test_no_field_of_a_result_is_asked_for_by_a_text(folder: str) -> None:
    modules = sorted((ROOT / folder).rglob("*.py"))
    found = [
        f"{module.relative_to(ROOT)}:{line}"
        for module in modules
        for line in by_text(ast.parse(module.read_text(encoding="utf-8")))
    ]

    assert modules
    assert [] == found


def test_both_ways_to_ask_are_seen() -> None:
    asked = 'a["n"]\na.get("n")\na.get("n", 0)\na[0]\na.get(name)\na.get()\nget("n")\n'

    assert [1, 2, 3] == by_text(ast.parse(asked))
