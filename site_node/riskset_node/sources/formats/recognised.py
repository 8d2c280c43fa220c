"""What a file is, by its own first bytes: a file that is given as another kind is refused with what to do."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.source import not_there

_HEAD = 4096
"""Bytes that are looked at."""


@dataclass(frozen=True)
class FileFormat:
    """A format of files.

    Attributes
    ----------
    name
        What a message calls a file of it.
    kind
        The kind of source that reads it, None where none does.
    advice
        What to do with a file that no source reads.
    """

    name: str
    kind: str | None = None
    advice: str = ""


_AS_XLSX = "Open it in Excel or LibreOffice and save it as an Excel workbook (.xlsx)."
_AS_CSV = "Export the patients' table from it as CSV."
_UNPACK = "Unpack it, and name the file that is in it."

_TEXT = FileFormat("a text file", "csv")
_WORKBOOK = FileFormat("an Excel workbook (.xlsx)", "excel")
_OLD_WORKBOOK = FileFormat("a workbook of Excel 2003 or before (.xls)", advice=_AS_XLSX)
_LOCKED = FileFormat(
    "an Office file that is protected with a password",
    advice="Open it with the password, remove the password and save it as .xlsx again.",
)
_BINARY_WORKBOOK = FileFormat("a binary Excel workbook (.xlsb)", advice=_AS_XLSX)
_STRICT_WORKBOOK = FileFormat(
    "a workbook in Strict Open XML",
    advice='Open it in Excel and save it as "Excel Workbook (*.xlsx)", without the word Strict.',
)
_HTML = FileFormat(
    "a web page (HTML), whatever its name says",
    advice=_AS_XLSX,
)
_XML_WORKBOOK = FileFormat("a workbook in the XML of Excel 2003", advice=_AS_XLSX)
_XML = FileFormat("an XML file", advice="Export the patients' table as CSV, .xlsx or Parquet.")
_R = FileFormat(
    "a file of R (.rds or .RData)",
    advice="Write the table from R with write.csv(..., row.names = FALSE), or as Parquet.",
)
_DATASET_JSON = FileFormat(
    "a data set in Dataset-JSON", advice="Read ADSL and ADTTE with a source of kind adam."
)
_GZIP = FileFormat("a file compressed by gzip", advice=_UNPACK)
_ZIP = FileFormat("a zip archive", advice=_UNPACK)

_BEGINNINGS: tuple[tuple[bytes, FileFormat], ...] = (
    (b"PAR1", FileFormat("a Parquet file", "parquet")),
    (b"HEADER RECORD*******LIB", FileFormat("a SAS transport file (.xpt)", "sas")),
    (
        b"\0" * 12 + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c",
        FileFormat("a SAS data set (.sas7bdat)", "sas"),
    ),
    (
        b"**COMPRESSED** **COMPRESSED**",
        FileFormat(
            "a transport file of PROC CPORT",
            advice="Export the data set from SAS with libname out xport 'file.xpt'.",
        ),
    ),
    (b"$FL2", FileFormat("an SPSS file (.sav)", "spss")),
    (b"$FL3", FileFormat("an SPSS file (.zsav)", "spss")),
    (b"<stata_dta>", FileFormat("a Stata file (.dta)", "stata")),
    (
        b"\x89HDF\r\n",
        FileFormat("an HDF5 file", advice="Write the patients' table as CSV or Parquet."),
    ),
    (b"ARROW1", FileFormat("a Feather or Arrow file", advice="Write the table as Parquet.")),
    (b"FEA1", FileFormat("a Feather file", advice="Write the table as Parquet.")),
    (b"ORC", FileFormat("an ORC file", advice="Write the table as Parquet.")),
    (
        b"SQLite format 3\0",
        FileFormat("a SQLite database", advice="Read it with a source of kind sql."),
    ),
    (b"\0\1\0\0Standard ", FileFormat("an Access database", advice=_AS_CSV)),
    (b"%PDF", FileFormat("a PDF", advice="Ask for the table itself, as CSV or .xlsx.")),
    (b"{\\rtf", FileFormat("a text of a word processor (RTF)", advice=_AS_CSV)),
    (b"RDX", _R),
    (b"RDA", _R),
    (b"X\n\0\0\0", _R),
    (b"BZh", FileFormat("a file compressed by bzip2", advice=_UNPACK)),
    (b"\xfd7zXZ\0", FileFormat("a file compressed by xz", advice=_UNPACK)),
    (b"7z\xbc\xaf", FileFormat("a 7-Zip archive", advice=_UNPACK)),
    (b"Rar!", FileFormat("a RAR archive", advice=_UNPACK)),
)
_PORTABLE = FileFormat(
    "an SPSS portable file (.por)",
    advice="Its reader cannot tell a value that the study calls missing from an empty cell. Open it in SPSS and save it as .sav.",
)


def file_format(path: Path) -> FileFormat | None:
    """What a file is, or None where its beginning does not say. Raises `OSError` if it cannot be read."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for beginning, found in _BEGINNINGS:
        # A column may be called ORCID.
        if head.startswith(beginning) and not (beginning.isalnum() and _text(head)):
            return found
    special: dict[bytes, Callable[[Path], FileFormat | None]] = {
        b"PK\x03\x04": _zip,
        b"\xd0\xcf\x11\xe0": _compound,
        b"\x1f\x8b": _gzip,
    }
    for beginning, look in special.items():
        if head.startswith(beginning):
            return look(path)
    if b"SPSS PORT FILE" in head[:200] or b"SPSSPORT" in head[:512]:
        return _PORTABLE
    if len(head) > 4 and 102 <= head[0] <= 115 and head[1] in (1, 2) and head[2] == 1:
        # Stata 2 to 12: number of the format, byte order, and a constant.
        return FileFormat("a Stata file (.dta)", "stata")
    return _text(head)


def check_format(path: Path, kind: str) -> None:
    """Check that a file may be one that a source of this kind reads.

    Raises
    ------
    DataError
        If it is one that no source reads, with what to do.
    NodeConfigError
        If another kind of source reads it, or if it cannot be read.
    """
    try:
        found = file_format(path)
    except OSError as error:
        raise not_there(path, error) from error
    if found is None or found.kind == kind:
        return
    if found.kind is None:
        raise DataError(f"{path}: this is {found.name}. {found.advice}")
    raise NodeConfigError(
        f"{path}: this is {found.name}, and data.source.kind is {kind}. Set data.source.kind to {found.kind}, or name another file."
    )


def _zip(path: Path) -> FileFormat | None:
    try:
        with ZipFile(path) as archive:
            names = set(archive.namelist())
            typed = archive.read("mimetype")[:100] if "mimetype" in names else b""
            book = archive.read("xl/workbook.xml") if "xl/workbook.xml" in names else b""
    except (BadZipFile, OSError, zlib.error, RuntimeError, NotImplementedError):
        return FileFormat(
            "a zip archive, or a workbook, that is damaged or protected",
            advice="Save or export it again.",
        )
    if b"http://purl.oclc.org/ooxml/" in book:
        return _STRICT_WORKBOOK
    if "xl/workbook.bin" in names:
        return _BINARY_WORKBOOK
    if b"opendocument.spreadsheet" in typed:
        return FileFormat("an OpenDocument spreadsheet (.ods)", advice=_AS_XLSX)
    if "Index/Document.iwa" in names or "Index.zip" in names:
        return FileFormat(
            "a document of Apple Numbers or Pages",
            advice="Open it in Numbers and export it as an Excel workbook (.xlsx).",
        )
    if "word/document.xml" in names or b"opendocument" in typed:
        return FileFormat("a text of a word processor", advice=_AS_CSV)
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return _WORKBOOK
    # A workbook has its parts at other places if an unusual program wrote it.
    return None if "[Content_Types].xml" in names else _ZIP


def _compound(path: Path) -> FileFormat:
    """Files of Office before 2007, and encrypted ones of today, are told by the names in their directory."""
    content = path.read_bytes()
    for name, found in (
        ("EncryptedPackage", _LOCKED),
        ("Workbook", _OLD_WORKBOOK),
        ("Book", _OLD_WORKBOOK),
        ("WordDocument", FileFormat("a text of a word processor (.doc)", advice=_AS_CSV)),
    ):
        if name.encode("utf-16-le") in content:
            return found
    return FileFormat(
        "a file of Office 2003 or before, or one with a password",
        advice="Open it in its program and save it as .xlsx, without a password.",
    )


def _gzip(path: Path) -> FileFormat:
    try:
        with gzip.open(path) as file:
            head = file.read(16)
    except (OSError, EOFError, zlib.error):
        return _GZIP
    return _R if head.startswith((b"RDX", b"RDA", b"X\n", b"A\n")) else _GZIP


def _text(head: bytes) -> FileFormat | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _TEXT
    said = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if said.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<meta")):
        return _HTML
    if said.startswith(b"{") and b'"datasetjsonversion"' in said:
        return _DATASET_JSON
    if said.startswith(b"mime-version:") or b"\ncontent-type: multipart/related" in said:
        return _HTML
    if said.startswith(b"<?xml"):
        if b"urn:schemas-microsoft-com:office:spreadsheet" in said:
            return _XML_WORKBOOK
        return _HTML if b"<html" in said else _XML
    controls = set(head) & (set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))
    return _TEXT if head and not controls else None
