"""How a file is to be read, by the file itself: its kind, and for text its encoding, its delimiter and the row of its header."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from riskset_common.errors import InputError, NodeConfigError
from riskset_node.config import OPEN
from riskset_node.drafting.settings import Proposal
from riskset_node.sources import SOURCES, source_of
from riskset_node.sources.formats.header import ROWS_SEARCHED, looks_like_header
from riskset_node.sources.formats.recognised import file_format
from riskset_node.sources.source import Labels, labels_of, not_there

_DELIMITERS = (",", ";", "\t", "|")
_ROWS_LOOKED_AT = 200
_ENCODINGS = ("cp1252", "cp1250", "iso8859-2")
"""Encodings of one byte a letter that hospitals in Europe use; iso8859-1 is cp1252 but for a few signs."""


@dataclass(frozen=True)
class FileRead:
    """A file as it was read for the draft.

    Attributes
    ----------
    kind
        The kind of source, and how it was told.
    settings
        Keys of `data.source` beside `kind` and `path`.
    header
        Names of its columns.
    columns
        The columns that have a name of their own, by name.
    labels
        The file's own labels of columns and values.
    """

    kind: Proposal
    settings: Mapping[str, Proposal]
    header: tuple[str, ...]
    columns: Mapping[str, Sequence[object]]
    labels: Labels


def read_whole(path: Path, said: Mapping[str, str]) -> FileRead:
    """Read a file with what it says of itself.

    Parameters
    ----------
    said
        Settings that were given, `encoding` or `sheet`.

    Raises
    ------
    InputError
        If it is of no kind that a source reads, or cannot be read so.
    """
    kind = _kind(path)
    settings = {key: Proposal(value, "as it was said") for key, value in said.items()}
    used: dict[str, object] = dict(said)
    if kind.value == "csv":
        encoding, as_read = _encoding(path, said.get("encoding"))
        settings |= encoding
        used["encoding"] = as_read
        delimiter, used["delimiter"] = _delimiter(path, as_read)
        settings |= delimiter
    try:
        row = _header_row(path, str(kind.value), used)
    except NodeConfigError as error:
        if "data.source.sheet" in str(error):
            raise InputError(f"{error}\nFor the draft, name it with --sheet.") from error
        raise
    if row > 1:
        used["header"] = row
        settings["header"] = Proposal(row, "the first row that names the columns")
    return _read(path, kind, settings, used)


def _read(
    path: Path, kind: Proposal, settings: dict[str, Proposal], used: dict[str, object]
) -> FileRead:
    source = source_of(str(kind.value))
    read = source.settings.model_validate({"kind": kind.value, "path": path, **used})
    header = source.header(read)
    once = tuple(name for name in header if name and header.count(name) == 1)
    columns = source.read(read, once)
    return FileRead(kind, settings, header, columns, labels_of(source, read))


def _kind(path: Path) -> Proposal:
    try:
        found = file_format(path)
    except OSError as error:
        raise not_there(path, error) from error
    if found is None:
        raise InputError(
            f"{path}: its beginning does not say what it is. Save it as .xlsx or .csv, or write node.yaml by hand (docs/node.md)."
        )
    if found.kind is None or found.kind not in {source.kind for source in SOURCES}:
        advice = found.advice or "No source of this release reads it. Save it as .xlsx or .csv."
        raise InputError(f"{path}: this is {found.name}. {advice}")
    return Proposal(found.kind, f"the file is {found.name}")


def _encoding(path: Path, said: str | None) -> tuple[dict[str, Proposal], str]:
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


def _delimiter(path: Path, encoding: str) -> tuple[dict[str, Proposal], str]:
    """The delimiter to write, if it is not a comma, and the one to read with."""
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as file:
        lines = list(islice(file, _ROWS_LOOKED_AT))
    widths = {sign: _width(lines, sign) for sign in _DELIMITERS}
    fitting = [sign for sign in _DELIMITERS if widths[sign] > 1]
    if not fitting:
        return {}, ","
    if len(fitting) > 1:
        first = max(fitting, key=lambda sign: widths[sign])
        told = " and ".join(repr(sign) for sign in fitting)
        return {
            "delimiter": Proposal(OPEN, f"{told} both part all rows alike; read with {first!r}")
        }, first
    (sign,) = fitting
    said = Proposal(sign, f"parts every row into {widths[sign]} columns")
    return ({} if sign == "," else {"delimiter": said}), sign


def _width(lines: Sequence[str], delimiter: str) -> int:
    """The number of columns into which a delimiter parts every row, 0 where it parts them differently."""
    try:
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter, strict=True) if row}
    except csv.Error:
        # The last row that was looked at may go on.
        return 0
    return widths.pop() if len(widths) == 1 else 0


def _header_row(path: Path, kind: str, used: Mapping[str, object]) -> int:
    """The row that names the columns: the first one that looks so and has a name for nearly each column."""
    source = source_of(kind)
    if "header" not in source.settings.model_fields:
        return 1
    first = source.header(source.settings.model_validate({"kind": kind, "path": path, **used}))
    if looks_like_header([name for name in first if name]) and 2 * sum(map(bool, first)) > max(
        len(first), 4
    ):
        return 1
    named: dict[int, int] = {}
    for row in range(1, ROWS_SEARCHED + 1):
        read = {"kind": kind, "path": path, **used, "header": row}
        try:
            header = source.header(source.settings.model_validate(read))
        except (InputError, ValueError):
            continue
        filled = [name for name in header if name]
        named[row] = len(filled) if looks_like_header(filled) else 0
    most = max(named.values(), default=0)
    return next((row for row, count in named.items() if count and 2 * count > most), 1)
