"""SAS transport files, as far as the ReadStat library does not tell: special missing values, and how many data sets a file holds.

Source: SAS Institute, "The Record Layout of a SAS Transport Data Set" (TS-140), and its layout for long names (version 8).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import DataError

_RECORD = 80
_HEADER = re.compile(rb"HEADER RECORD\*{7}(.{8})HEADER RECORD!{7}", re.DOTALL)
_KINDS = {
    b"MEMBER  ": "member",
    b"MEMBV8  ": "member",
    b"NAMESTR ": "names",
    b"NAMSTV8 ": "names",
    b"OBS     ": "rows",
    b"OBSV8   ": "rows",
}
_NUMERIC = 1
_LETTERS = np.frombuffer(b"_ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)
"""First byte of a special missing value, the others being 0; a plain one begins with a point."""


def is_transport(path: Path) -> bool:
    """Whether a file is a transport file. Raises `OSError` if it cannot be read."""
    with path.open("rb") as file:
        return file.read(_RECORD).startswith(b"HEADER RECORD*******LIB")


def special_missing(path: Path, columns: Iterable[int]) -> Mapping[int, Mapping[int, str]]:
    """Letters of special missing values, `A` to `Z` or `_`: by column (its place from 0) those of rows (from 0).

    Raises
    ------
    DataError
        If the file holds several data sets, of which only the first would be read.
    """
    content = path.read_bytes()
    rows, described = _rows(content, _starts(content, path))
    found: dict[int, Mapping[int, str]] = {}
    for column in columns:
        kind, width, place = described[column] if described else (0, 0, 0)
        if kind == _NUMERIC:
            cells = rows[:, place : place + width]
            special = np.isin(cells[:, 0], _LETTERS) & ~cells[:, 1:].any(axis=1)
            letters = {int(row): chr(cells[row, 0]) for row in np.flatnonzero(special)}
            if letters:
                found[column] = letters
    return found


def _starts(content: bytes, path: Path) -> dict[str, int]:
    """Where the headers of the data set, of its variables and of its rows begin; nothing if one of them is not there."""
    headers = [
        (_KINDS[found[1]], found.start())
        for found in _HEADER.finditer(content)
        if found.start() % _RECORD == 0 and found[1] in _KINDS
    ]
    if sum(kind == "member" for kind, _ in headers) > 1:
        raise DataError(
            f"{path}: holds several data sets. Export the one with the patients into a file of its own."
        )
    starts = dict(reversed(headers))
    return starts if starts.keys() == {"member", "names", "rows"} else {}


def _rows(
    content: bytes, starts: Mapping[str, int]
) -> tuple[NDArray[np.uint8], list[tuple[int, int, int]]]:
    """The bytes of the rows, shape (rows, length), and of each column its kind, its width and its place in a row."""
    if not starts:
        return np.zeros((0, 0), np.uint8), []
    # The records of numbers after the header: of variables, and of bytes that describe each.
    variables = int(content[starts["names"] + 53 : starts["names"] + 58])
    size = int(content[starts["member"] + 73 : starts["member"] + 78])
    first = starts["names"] + _RECORD
    described: list[tuple[int, int, int]] = [
        struct.unpack_from(">h2xh", content, first + size * each)
        + struct.unpack_from(">i", content, first + size * each + 84)
        for each in range(variables)
    ]
    length = sum(width for _, width, _ in described)
    begin = starts["rows"] + _RECORD
    n = (len(content) - begin) // length if length else 0
    return np.frombuffer(content, np.uint8, n * length, begin).reshape(n, length), described
