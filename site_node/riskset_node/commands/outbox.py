"""The commands `riskset-node outbox list` and `show`: everything that left this site, and its own numbers under the masks."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskset_common.formats.moments import moment
from riskset_common.programs.command_line import errors_as_text

if TYPE_CHECKING:
    from riskset_common.wire.sections import Numbers
    from riskset_node.state.letters import Left
    from riskset_node.state.outbox import Entry

outbox_app = typer.Typer(help="What left this site: look, without sending.", no_args_is_help=True)

Place = Annotated[
    Path,
    typer.Argument(
        metavar="NODE",
        help="node.yaml, or SITE.sqlite of a local run",
        dir_okay=False,
        exists=True,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
FEW = 6
"""Numbers of one array that are shown; of longer ones the first, and how many there are."""


@outbox_app.command("list")
@errors_as_text
def list_(node: Place, as_json: AsJson = False) -> None:
    """List every message that left, oldest first: when, what, its size and hash, and how many numbers it holds under the mask."""
    from riskset_node.commands.listings import print_json, terminal
    from riskset_node.state.outbox import entries_of

    rows = [_row(entry) for entry in entries_of(_file(node))]
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(*("number", "sent at", "message", "round", "bytes", "numbers", "sha256"))
    for row in map(_for_people, rows):
        table.add_row(*(str(cell) for cell in {**row, "sha256": str(row["sha256"])[:16]}.values()))
    terminal().print(table)


@outbox_app.command("show")
@errors_as_text
def show(
    node: Place,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As the list has it.", min=1)],
    message: Annotated[
        Path | None,
        typer.Option(
            "--message",
            help="Write the bytes to this file, as they were sent; of shares in a closed session, what can still be read.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one message that left: of what each share is a share, and this site's own numbers under a mask. For this machine only."""
    from riskset_common.errors import InputError
    from riskset_node.commands.listings import print_json, terminal
    from riskset_node.state.outbox import entries_of

    file = _file(node)
    entry = next((each for each in entries_of(file) if each.number == number), None)
    if entry is None:
        raise InputError(
            f"Message {number} is not in {file}. `riskset-node outbox list {node}` shows the numbers."
        )
    if message is not None:
        message.write_bytes(entry.message)
    arrays = {} if entry.summary is None else entry.summary.arrays()
    if as_json:
        numbers = [
            {"analysis": analysis, "name": name, "values": values.tolist()}
            for (analysis, name), values in arrays.items()
        ]
        shown = {**_row(entry), "session": entry.sid.hex(), "under_the_mask": numbers}
        print_json(shown if entry.left is None else {**shown, "letters": _letters(entry.left)})
        return
    for name, value in {**_for_people(_row(entry)), "session": entry.sid.hex()}.items():
        typer.echo(f"{name:<9} {value}")
    from rich.table import Table

    if entry.left is not None:
        letters = Table("of", "letter", "sealed for", "label", "numbers", "bytes", "sha256")
        for each in entry.left.letters:
            label = (each.label or "")[:16]
            cells = (each.of, each.kind, each.to, label, each.length, each.bytes, each.sha256[:16])
            letters.add_row(*("" if cell is None else str(cell) for cell in cells))
        terminal().print(letters)
    if not arrays:
        return
    table = Table("analysis", "array", "shape", "this site's own numbers")
    for (analysis, name), values in arrays.items():
        table.add_row(
            analysis, name, " x ".join(map(str, values.shape)) or "one", _in_words(values)
        )
    terminal().print(table)
    typer.echo("For this site only; the centre received them under a mask.")


def _file(place: Path) -> Path:
    """The outbox of a connected node, or the one that is named."""
    from riskset_node.config import read_node
    from riskset_node.session.service import STATE_FILE, state_folder

    return place if place.suffix == ".sqlite" else state_folder(read_node(place)) / STATE_FILE


def _row(entry: Entry) -> dict[str, object]:
    """The entry as the list has it: size and hash are those of what was sent, also where less of it is kept."""
    numbers = 0 if entry.summary is None else len(entry.summary.counts) + len(entry.summary.reals)
    left = entry.left
    return {
        "number": entry.number,
        "sent at": entry.sent_at,
        "message": entry.kind,
        "round": entry.round,
        "bytes": len(entry.message) if left is None else left.bytes,
        "numbers": numbers,
        "sha256": sha256(entry.message).hexdigest() if left is None else left.sha256,
    }


def _letters(left: Left) -> list[dict[str, object]]:
    return [asdict(letter) for letter in left.letters]


def _for_people(row: dict[str, object]) -> dict[str, object]:
    """The same row with its time as the log has it."""
    return {**row, "sent at": moment(datetime.fromisoformat(str(row["sent at"])))}


def _in_words(values: Numbers) -> str:
    """A few numbers as they are; of many the first, how many are not 0, and their sum."""
    flat = values.ravel().tolist()
    first = ", ".join(f"{value:g}" for value in flat[:FEW])
    if len(flat) <= FEW:
        return first
    return f"{first}, ...: {sum(value != 0 for value in flat):,} of {len(flat):,} not 0, sum {sum(flat):g}"
