"""The row of a file that names its columns: where it is, and whether it names columns at all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from riskset_common.errors import NodeConfigError
from riskset_common.formats.seen import as_seen

ROWS_SEARCHED = 20
"""Rows below the one that should be the header among which it is looked for."""

_A_VALUE = re.compile(r"[^a-z]*\d[^a-z]*|\d.*\d|[0-9]{1,2}[a-z]{3}[0-9]{2,4}", re.IGNORECASE)
"""A text that is a number or a day, or begins and ends with a digit, as patients' values do and names of columns do not."""
_DELIMITER = re.compile(r"[,;|\t]")


def name_of(cell: object) -> str:
    """The name of a column as a person sees it, with blanks for line breaks; nothing for an empty cell."""
    return "" if cell is None else as_seen(str(cell))


def looks_like_header(cells: Iterable[object]) -> bool:
    """Whether a row may name columns: each cell is text or empty, and none is written as a number or a day is.

    Nor is a part of one between delimiters, because a row that is read with a wrong delimiter is a single cell.
    """
    filled = [cell for cell in cells if cell is not None]
    texts = [as_seen(cell) for cell in filled if isinstance(cell, str)]
    return (
        len(texts) == len(filled)
        and any(texts)
        and not any(
            _A_VALUE.fullmatch(part.strip()) for text in texts for part in _DELIMITER.split(text)
        )
    )


def check_is_header(
    header: Sequence[object],
    below: Iterable[Sequence[object]],
    columns: Collection[str],
    number: int,
    path: Path,
) -> None:
    """Check that the row of this number, from 1, is the header, if it lacks columns that are needed; `below` are the rows after it.

    Raises
    ------
    NodeConfigError
        If the columns are named in a row below, or if the row holds values; no value of it is told.
    """
    needed = set(columns)
    named = len(needed & set(map(name_of, header)))
    if named == len(needed):
        return
    found = [len(needed & set(map(name_of, row))) for row in below]
    if found and max(found) > named:
        row = number + 1 + found.index(max(found))
        raise NodeConfigError(
            f"{path}: the header is in row {row}: set data.source.header to {row}."
        )
    if not looks_like_header(header):
        raise NodeConfigError(
            f"{path}: row {number} should name the columns, and seems to hold values. If the header is in another row, set "
            "data.source.header to its number. If the file has none, write one above the first patient."
        )
