"""The files of a display: a figure as SVG, PNG and PDF, a table as CSV and Word."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import PurePosixPath
from typing import Final

from riskset_common.errors import InputError, did_you_mean
from riskset_server.displays.parts import figure
from riskset_server.displays.parts.figure import Drawing
from riskset_server.displays.parts.table import Table
from riskset_server.displays.tables.word_table import word
from riskset_server.report.blocks import Block

FIGURES: Final[dict[str, Callable[[Drawing], bytes]]] = {
    "svg": figure.svg,
    "png": figure.png,
    "pdf": figure.pdf,
}
TABLES: Final[dict[str, Callable[[Table, str], bytes]]] = {
    "csv": lambda table, _: table.csv().encode("utf-8"),
    "docx": word,
}
ALWAYS: Final = ("svg", "csv")
"""What every report has; `riskset report check` reads them."""

CHOSEN: Final = ("png", "pdf", "docx")
"""What a report has beside them unless it is told otherwise."""


def read_formats(text: str) -> tuple[str, ...]:
    """Formats from a list `png,pdf,docx`; an empty list is only what every report has. Raises `InputError` for an unknown one."""
    chosen = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    known = [*FIGURES, *TABLES]
    for name in chosen:
        if name not in known:
            raise InputError(f"--formats: {name!r} is not known. {did_you_mean(name, known)}")
    return chosen


def files_of(block: Block, formats: Collection[str]) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Path within the report and content of each file of a display."""
    wanted = {*ALWAYS, *formats}
    if block.drawing is not None:
        for name, write in FIGURES.items():
            if name in wanted:
                yield PurePosixPath("figures", f"{block.stem}.{name}"), write(block.drawing)
    if block.table is not None:
        for name, write_table in TABLES.items():
            if name in wanted:
                yield (
                    PurePosixPath("tables", f"{block.stem}.{name}"),
                    write_table(block.table, block.heading),
                )
