"""A folder in which a page's files are written and its commands are run, as a reader would."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from tests.system.docs.pages import ROOT, Piece, plain
from typer.testing import CliRunner

from riskset_embedded.commands import join
from riskset_node.commands.riskset_node import app as node_commands
from riskset_server.commands.riskset import app as centre_commands

LUNG = ROOT / "deploy" / "studies" / "lung"


def commands() -> dict[str, typer.Typer]:
    """The two commands, the centre's with what the embedded engine adds."""
    if not any(each.name == "demo" for each in centre_commands.registered_groups):
        join(centre_commands)
    return {"riskset": centre_commands, "riskset-node": node_commands}


@dataclass(frozen=True)
class Answer:
    """What a command wrote, on standard output and error together, and its exit code."""

    text: str
    code: int


@dataclass(frozen=True)
class Workspace:
    """The folder."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        """Write a file of a page."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")

    def copy_lung_study(self) -> None:
        """Begin with the files of the study that comes with riskset."""
        shutil.copytree(LUNG, self.folder, dirs_exist_ok=True)

    def edit(self, names: str, difference: str) -> None:
        """Replace the lines marked `-` by those marked `+`; the former must stand in the file, once."""
        old = "\n".join(line[1:] for line in difference.splitlines() if line.startswith("-"))
        new = "\n".join(line[1:] for line in difference.splitlines() if line.startswith("+"))
        for name in names.split():
            path = self.folder / name
            text = path.read_text(encoding="utf-8")
            assert text.count(old + "\n") == 1, f"{name} must hold once:\n{old}"
            path.write_text(text.replace(old + "\n", new + "\n"), encoding="utf-8")

    @contextmanager
    def trying(self, changes: Mapping[str, str]) -> Iterator[None]:
        """Edit files for a while."""
        before = {name: (self.folder / name).read_bytes() for name in changes}
        for name, difference in changes.items():
            self.edit(name, difference)
        try:
            yield
        finally:
            for name, content in before.items():
                (self.folder / name).write_bytes(content)

    def run(self, line: str) -> Answer:
        """Run one line as a reader types it."""
        program, *arguments = shlex.split(line)
        program = program.removeprefix(".venv/bin/")
        if program == "make":
            # Not carried out, because `make test` runs this test; make itself says whether it could be.
            done = subprocess.run(
                ["make", "--dry-run", *arguments],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            return Answer(done.stderr, done.returncode)
        result = CliRunner().invoke(commands()[program], arguments, prog_name=program)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.output, result.exit_code)

    def run_python(self, text: str) -> None:
        """Run a Python block, as a program of its own."""
        done = subprocess.run(
            [sys.executable, "-c", text],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        assert done.stdout


def console(piece: Piece) -> Iterator[tuple[str, str]]:
    """The lines of a console block that begin with `$`, each with the output shown below it."""
    for part in re.split(r"^\$ ", piece.text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield line, shown


def shell(piece: Piece) -> list[str]:
    """The commands of a block without output: every line, without its comment."""
    found = (line.partition(" # ")[0].strip() for line in piece.text.splitlines())
    return [line for line in found if line]


def agrees(shown: str, found: str) -> bool:
    """Whether an output is the one shown; `...` stands for any text, and line breaks do not count."""
    parts = (re.escape(plain(part)) for part in shown.split("..."))
    return re.fullmatch(r"\s*.*\s*".join(parts), plain(found)) is not None


def named(path: str) -> Any:
    """The object of that dotted name."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)
