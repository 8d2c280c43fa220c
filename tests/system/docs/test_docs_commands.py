"""commands.md has every command with its help, and every argument and option with its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from tests.system.docs.pages import page, plain
from tests.system.docs.workspace import commands


def leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Commands that do something, by all their words; those that only other programs give are hidden."""
    inner = getattr(command, "commands", None)
    if inner is None:
        if not command.hidden:
            yield path, command
        return
    for name, each in inner.items():
        yield from leaves(each, f"{path} {name}")


COMMANDS = dict(
    found for name, app in commands().items() for found in leaves(typer.main.get_command(app), name)
)


def section_of(path: str) -> str:
    _, found, rest = page("commands.md").text.partition(f"\n## {path}\n")

    assert found, f"commands.md has no section {path}"
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_stands_on_the_page_with_its_help(path):
    assert plain(COMMANDS[path].help) in plain(section_of(path))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_argument_and_option_stands_on_the_page_with_its_help(path):
    section = section_of(path)
    rows = {row.split("`")[1]: row for row in section.splitlines() if row.startswith("| `")}
    expected = {
        parameter.metavar or parameter.name
        if parameter.param_type_name == "argument"
        else parameter.opts[0]: plain(parameter.help)
        for parameter in COMMANDS[path].params
        if parameter.name != "help"
    }

    assert set(expected) == set(rows)
    assert all(text.rstrip(".") in rows[name] for name, text in expected.items())


def test_no_command_is_on_the_page_that_does_not_exist():
    headings = {
        line.removeprefix("## ")
        for line in page("commands.md").text.splitlines()
        if line.startswith("## riskset")
    }

    assert set(COMMANDS) == headings
