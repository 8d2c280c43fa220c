"""Tables as comma-separated text that a spreadsheet shows and does not run.

A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or an end of a line for a formula (OWASP, CSV Injection), and a
name in a table may come from a codebook or a plan that somebody else wrote.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence

_RUN = "=+-@\t\r\n" + "\uff1d\uff0b\uff0d\uff20"
"""What a formula begins with; the wide forms are read like the plain ones."""

_NUMBER = r"[-+]?(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?%?"
_NUMBERS = rf"{_NUMBER}(?: to {_NUMBER})?(?: \({_NUMBER}(?:(?: to |, ){_NUMBER})?\))?(?: \[[a-z](?:,[a-z])*\])?"
"""A number, an interval, a number with its interval, and the letters of its footnotes."""

_AFTER_A_SEPARATOR = rf"(?<=[;\t\r\n]) *(?=[{re.escape(_RUN)}])(?!{_NUMBER}(?:[ ;,)]|$))"
"""Where a cell begins for a spreadsheet of a country whose files have semicolons, or that reads on after the end of a line."""


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """The rows as comma-separated text; a cell that a spreadsheet would run begins with an apostrophe, which shows it as text."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerows([shown_cell(cell) for cell in row] for row in rows)
    return written.getvalue()


def shown_cell(cell: object) -> object:
    """The cell as it is written: numbers as they are, a text that would be run behind an apostrophe."""
    if not isinstance(cell, str) or re.fullmatch(_NUMBERS, cell.strip(" ")):
        return cell
    lines = re.sub(
        r"\r\n?", "\n", cell
    )  # the module csv takes a lone \r for no end of a line, and leaves it without quotes
    inner = re.sub(_AFTER_A_SEPARATOR, r"\g<0>'", lines)
    return f"'{inner}" if _is_run(cell) else inner


def _is_run(text: str) -> bool:
    """Whether what is first seen of the text, or stands before all that is seen, begins a formula."""
    for mark in text:
        if mark in _RUN:
            return True
        # Blanks, and marks without a width, which a reader of the file may leave out.
        if not mark.isspace() and unicodedata.category(mark) not in {"Cc", "Cf"}:
            return False
    return False
