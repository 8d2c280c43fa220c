"""The commands `riskset-node outbox list` and `show`: everything that left this site, and its own numbers under the masks."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskset_common.formats.moments import moment
from riskset_common.programs.command_line import errors_as_text

if TYPE_CHECKING:
    from riskset_common.wire.sections import Numbers
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
        typer.Option("--message", help="Write the bytes to this file, as they were sent."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one message that left and, of a report, this site's own numbers under its mask. For this machine only."""
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
        print_json({**_row(entry), "session": entry.sid.hex(), "under_the_mask": numbers})
        return
    for name, value in {**_for_people(_row(entry)), "session": entry.sid.hex()}.items():
        typer.echo(f"{name:<9} {value}")
    if not arrays:
        return
    from rich.table import Table

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
    numbers = 0 if entry.summary is None else len(entry.summary.counts) + len(entry.summary.reals)
    return {
        "number": entry.number,
        "sent at": entry.sent_at,
        "message": entry.kind,
        "round": entry.round,
        "bytes": len(entry.message),
        "numbers": numbers,
        "sha256": sha256(entry.message).hexdigest(),
    }


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
