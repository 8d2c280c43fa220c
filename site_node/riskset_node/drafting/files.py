"""How a file is to be read, by the file itself: its kind, and for text its encoding, its delimiter and the row of its header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from riskset_common.errors import InputError, NodeConfigError
from riskset_node.drafting.delimited import encoding_of, layout_of
from riskset_node.drafting.settings import Proposal
from riskset_node.sources import SOURCES, source_of
from riskset_node.sources.formats.header import ROWS_SEARCHED, looks_like_header
from riskset_node.sources.formats.recognised import file_format
from riskset_node.sources.source import Labels, labels_of, not_there

_WITH_A_HEADER = ("csv", "excel")
"""Kinds of file in which the names of columns are a row like any other, and can be missing."""


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
        encoding, as_read = encoding_of(path, said.get("encoding"))
        layout, more = layout_of(path, as_read)
        settings |= encoding | layout
        used |= {"encoding": as_read, **more}
    elif (row := _header_row(path, str(kind.value), used)) > 1:
        used["header"] = row
        settings["header"] = Proposal(row, "the first row that names the columns")
    return _read(path, kind, settings, used)


def _read(
    path: Path, kind: Proposal, settings: dict[str, Proposal], used: dict[str, object]
) -> FileRead:
    source = source_of(str(kind.value))
    read = source.settings.model_validate({"kind": kind.value, "path": path, **used})
    header = source.header(read)
    if kind.value in _WITH_A_HEADER and not looks_like_header([name for name in header if name]):
        raise InputError(
            f"{path}: no row near its beginning seems to name the columns; what is there is not shown, because it may be a patient. "
            "Write a header above the first patient, and draft again."
        )
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


def _header_row(path: Path, kind: str, used: Mapping[str, object]) -> int:
    """The row that names the columns: the first one that looks so and has a name for nearly each column."""
    source = source_of(kind)
    if "header" not in source.settings.model_fields:
        return 1
    try:
        first = source.header(source.settings.model_validate({"kind": kind, "path": path, **used}))
    except NodeConfigError as error:
        if "data.source.sheet" in str(error):
            raise InputError(f"{error}\nFor the draft, name it with --sheet.") from error
        raise
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
