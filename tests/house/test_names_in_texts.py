"""What a text names in backticks as a file or a module of ours exists by that name: a reader who looks for it finds it.

A file is a name that ends in `.py` or `.md`. A module is the first part of a dotted name, and the next part is in it. Only the product's
own texts and CONTRIBUTING are read for modules, because `centre.ca` in a page of docs is a setting. Decisions and the changelog keep the
names of their day.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.house.imports import PACKAGES, Product

FOLDERS = ("common", "site_node", "server", "deploy", "docs", "tests")
QUOTED = re.compile(r"(?<!`)`([A-Za-z_](?:[\w./-]*\w)?)`(?!`)")
FILE_OF_A_USER = re.compile(r"\.(csv|html|json|pid|sig|sqlite|svg|yaml)$")
WRITTEN_BY_A_RUN = {"paper.md"}
NO_MODULES = {
    # Questions of a round, and a variable.
    *("curve.events", "times.event", "state.beta"),
    # Settings of plan and node.yaml, and a function of R.
    *("secure.profile", "centre.ca", "centre.plans", "policy.estimators", "model.matrix"),
    *("disclosure.minimum_sites", "policy.minimum_committee"),
}


@pytest.fixture(scope="module")
def texts(checkout: Path) -> tuple[Path, ...]:
    below = (path for folder in FOLDERS for path in sorted((checkout / folder).rglob("*.*")))
    files = (path for path in below if path.suffix in (".py", ".md"))
    ours = (path for path in files if path.parent != checkout / "docs" / "decisions")
    return (checkout / "CONTRIBUTING.md", checkout / "README.md", *ours)


def quoted(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield from ((f"{path}:{number}", name) for name in QUOTED.findall(line))


def test_a_file_that_a_text_names_exists(texts: tuple[Path, ...]) -> None:
    missing = [
        (where, name)
        for text in texts
        for where, name in quoted(text)
        if name.endswith((".py", ".md")) and "NAME" not in name and name not in WRITTEN_BY_A_RUN
        if not any(path.as_posix().endswith(f"/{name}") for path in texts)
    ]

    assert [] == missing


def names_in(path: Path) -> set[str]:
    """What a module defines at its top, with what it imports."""
    return {
        name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        for part in ([node] if hasattr(node, "name") else ast.walk(node))
        for name in (getattr(part, "name", None), getattr(part, "id", None))
        if name is not None
    }


def exists(name: str, product: Product) -> bool:
    """Whether a dotted name ends at a module, or at a name that the module before it has."""
    whole = [module for module in product.modules if f".{module}".endswith(f".{name}")]
    module, _, last = name.rpartition(".")
    holders = [
        path for known, path in product.modules.items() if f".{known}".endswith(f".{module}")
    ]
    return bool(whole) or any(last in names_in(path) for path in holders)


def test_a_module_that_a_text_names_exists(checkout: Path, texts: tuple[Path, ...]) -> None:
    product = Product(checkout)
    firsts = {part for module in product.modules for part in module.split(".")}
    read = tuple(checkout / package for package in PACKAGES)
    missing = [
        (where, name)
        for text in texts
        if text.name == "CONTRIBUTING.md" or any(text.is_relative_to(folder) for folder in read)
        for where, name in quoted(text)
        if "." in name and "/" not in name and name.partition(".")[0] in firsts
        if not (name.endswith((".py", ".md")) or FILE_OF_A_USER.search(name) or name in NO_MODULES)
        if not exists(name, product)
    ]

    assert [] == missing
