"""How a text file is written, by the file itself: its encoding, what parts its columns, and which line names them."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from riskset_node.config import OPEN
from riskset_node.drafting.settings import Proposal
from riskset_node.sources.formats.delimited import WHITESPACE, names_in
from riskset_node.sources.formats.encodings import opened_text
from riskset_node.sources.formats.header import ROWS_SEARCHED, looks_like_header

_DELIMITERS = (",", ";", "\t", "|")
_LINES_LOOKED_AT = 500
_ENCODINGS = ("cp1252", "cp1250", "iso8859-2")
"""Encodings of one byte a letter that hospitals in Europe use; iso8859-1 is cp1252 but for a few signs."""


def encoding_of(path: Path, said: str | None) -> tuple[dict[str, Proposal], str]:
    """The encoding to write, if it is not UTF-8, and the one to read with."""
    content = path.read_bytes()
    if said is not None:
        return {}, said
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return {"encoding": Proposal("utf-16", "the file begins with its mark")}, "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return {}, "utf-8"
    texts = {name: text for name in _ENCODINGS if (text := _decoded(content, name)) is not None}
    if len(set(texts.values())) == 1:
        name = next(iter(texts))
        return {"encoding": Proposal(name, "not UTF-8; usual encodings read it alike")}, name
    first = next(iter(texts), "cp1252")
    return {"encoding": Proposal(OPEN, _encodings_told(texts, first))}, first


def _decoded(content: bytes, name: str) -> str | None:
    """The text in an encoding; None if it has control characters in it, which no text of a person has."""
    try:
        text = content.decode(name)
    except UnicodeDecodeError:
        return None
    return None if any("\x7f" <= mark <= "\x9f" for mark in text) else text


def _encodings_told(texts: Mapping[str, str], first: str) -> str:
    """The candidates, with one name of a column that they read differently: such names are no values of patients."""
    lines = [re.split("[,;\t|]", text.split("\n", 1)[0]) for text in texts.values()]
    differing: tuple[str, ...] = ()
    if all(map(looks_like_header, lines)):
        differing = next((words for words in zip(*lines, strict=False) if len(set(words)) > 1), ())
    names: dict[str, list[str]] = {}
    for name, word in zip(texts, differing, strict=False):
        names.setdefault(word.strip(), []).append(name)
    read = "; ".join(f"as {' or '.join(them)} a column is {word!r}" for word, them in names.items())
    shown = read or f"it may be {', '.join(texts)}; look at a value with an accent"
    return f"not UTF-8; {shown}. This draft was read as {first}: if it is another, draft again with --encoding"


@dataclass(frozen=True)
class _Layout:
    """A way to part a file into columns, under which all its rows fit its header.

    Attributes
    ----------
    line
        The line that names the columns, from 1.
    is_first
        Whether no line above it has any text.
    names
        How many columns it names.
    one_more
        Whether every row has a field more than that.
    ends_empty
        Whether the last field of every row is empty.
    """

    delimiter: str
    line: int
    is_first: bool
    names: int
    one_more: bool
    ends_empty: bool


def layout_of(path: Path, encoding: str) -> tuple[dict[str, Proposal], dict[str, object]]:
    """What to write of delimiter, header and row names, where it is not the usual; and the settings to read with."""
    with opened_text(path, encoding) as text:
        lines = list(islice(text, _LINES_LOOKED_AT))
    fitting = [found for sign in _DELIMITERS for found in _layouts(lines, sign)]
    fitting = fitting or list(_layouts(lines, WHITESPACE))
    if not fitting:
        return {}, {}
    best = max(fitting, key=lambda layout: layout.names)
    used: dict[str, object] = {"delimiter": best.delimiter}
    settings = {}
    if len(fitting) > 1:
        told = " and ".join(repr(layout.delimiter) for layout in fitting)
        settings["delimiter"] = Proposal(
            OPEN, f"{told} both part all rows alike; this draft was read with {best.delimiter!r}"
        )
    elif best.delimiter != ",":
        settings["delimiter"] = Proposal(
            best.delimiter, f"parts every row into {best.names} columns"
        )
    if not best.is_first:
        used["header"] = best.line
        settings["header"] = Proposal(best.line, "the first line that names the columns")
    if best.one_more:
        used["row_names"] = not best.ends_empty
        settings["row_names"] = Proposal(OPEN if best.ends_empty else True, _one_more(best))
    return settings, used


def _one_more(layout: _Layout) -> str:
    said = "every row has a field more than the header"
    if layout.ends_empty:
        return f"{said}: true if it begins with its name, false if a delimiter stands at its end"
    return f"{said}, and the last one is not empty"


def _layouts(lines: Sequence[str], delimiter: str) -> Iterator[_Layout]:
    """The layout with this delimiter, if there is one: a line that names columns, and rows of one length below it."""
    is_first = True
    for number, line in enumerate(lines[: ROWS_SEARCHED + 1], 1):
        names = names_in(line, delimiter)
        if len(names) > 1 and looks_like_header(names):
            rows = _rows(lines[number:], delimiter)
            widths = set(map(len, rows))
            if len(widths) == 1 and (width := widths.pop()) - len(names) in (0, 1):
                ends_empty = not any(row[-1] for row in rows)
                one_more = width > len(names)
                yield _Layout(delimiter, number, is_first, len(names), one_more, ends_empty)
                return
        is_first = is_first and (not line.strip() or _is_sep(line))


def _is_sep(line: str) -> bool:
    """Whether a line tells Excel the delimiter, which the reader knows."""
    return re.fullmatch(r'"?sep=."?', line.strip(), re.IGNORECASE) is not None


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows that have some value; the last one is left out if it may go on below the lines that were looked at."""
    if delimiter == WHITESPACE:
        parted = [line.split() for line in lines]
    else:
        try:
            parted = list(csv.reader(lines, delimiter=delimiter, strict=True))
        except csv.Error:
            parted = list(csv.reader(lines[:-1], delimiter=delimiter))
    return [row for row in parted if any(row)]
