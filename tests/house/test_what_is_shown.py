"""Whatever a command shows passes the guard of `screen`, or a console that shows its texts alike."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import typer
from tests.system.docs.test_docs_commands import COMMANDS
from tests.system.docs.workspace import commands

from riskset_common.programs.command_line import errors_as_text

PRODUCT = ("common", "site_node", "server", "deploy/embedded")
CONSOLES = {
    "console.py": "it makes the console",
    "lung.py": "its text is handed on, and shown by the command",
}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_guarded(path):
    guarded = errors_as_text(print).__code__

    assert (
        guarded
        is inspect.unwrap(
            COMMANDS[path].callback, stop=lambda each: each.__code__ is guarded
        ).__code__
    )


@pytest.mark.parametrize("name", commands())
def test_no_program_has_its_escapes_taken_out_before_they_can_be_shown(name):
    assert typer.main.get_command(commands()[name]).context_settings["color"] is True


def test_nobody_makes_a_console_that_shows_texts_as_they_are(checkout: Path):
    makers = {
        path.name
        for folder in PRODUCT
        for path in (checkout / folder).rglob("*.py")
        if re.search(r"(?<![A-Za-z_])Console\(", path.read_text(encoding="utf-8"))
    }

    assert CONSOLES.keys() == makers
