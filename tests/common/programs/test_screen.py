"""Nothing that a text holds steers the terminal on which it is shown."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from riskset_common.errors import InputError
from riskset_common.programs.command_line import LEAVE_ESCAPES, errors_as_text
from riskset_common.programs.screen import Guarded, guarded, json_text, one_line, visible

STEERING = [
    "\x00", "\x07", "\x08", "\x0b", "\x0c", "\r", "\x1b", "\x7f", "\x85", "\x9b", "\u061c", "\u200e", "\u200f", "\u202a", "\u202b",
    "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u2028", "\u2029", "\ufeff", "\ud800", "\U000e0041",
]  # fmt: skip
SAID = "a" + "".join(STEERING) + "\x1b[31mz"


@pytest.mark.parametrize("mark", STEERING)
def test_what_steers_a_terminal_is_shown_as_its_escape(mark):
    assert f"a{ascii(mark)[1:-1]}z" == visible(f"a{mark}z")


def test_words_of_every_script_stay():
    text = "Größe, 年齢, עברית, emoji 👩‍⚕️, 1 000 µm\n\tx"

    assert text == visible(text)
    assert text.replace("\n\t", "\\n\\t") == one_line(text)


@given(st.text())
def test_one_value_is_one_line(text):
    shown = one_line(text)

    assert len(shown.splitlines()) <= 1
    assert not any(mark in shown for mark in STEERING)
    shown.encode()


@given(st.text())
def test_json_says_the_same_and_steers_nothing(text):
    written = json_text({"a": text})

    assert not any(mark in written for mark in STEERING)
    assert {"a": text} == json.loads(written)


app = typer.Typer(context_settings=LEAVE_ESCAPES)


@app.command()
@errors_as_text
def say(*, fail: bool = False) -> None:
    """Print a text of somebody else in every way that there is."""
    if fail:
        raise InputError(SAID)
    typer.echo(SAID)
    typer.echo(SAID, err=True)
    sys.stdout.write(SAID)
    print(SAID)
    handler = logging.StreamHandler()
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, SAID, (), None))


@pytest.mark.parametrize("arguments", [[], ["--fail"]])
def test_whatever_a_command_writes_is_shown_visibly(arguments):
    result = CliRunner().invoke(app, arguments)
    written = result.stdout + result.stderr

    assert not any(mark in written for mark in STEERING)
    assert (1 if arguments else 5) == written.count(visible(SAID))


def test_what_a_terminal_cannot_write_is_shown_as_its_escape():
    behind = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    Guarded(behind).write("Größe \u2264 5\n")
    behind.flush()

    assert "Größe \\u2264 5\n".encode("latin-1") == behind.buffer.getvalue()


def test_a_stream_is_as_it_was_after_the_command():
    before = (sys.stdout, sys.stderr)
    with guarded():
        guard = sys.stdout

    assert before == (sys.stdout, sys.stderr)
    assert (False, True) == (guard.isatty(), guard.writable())
    guard.close()
    sys.stdout.write("")
