"""How the bytes of a text file become text: the mark that it may begin with, and what to write where node.yaml names another encoding."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from riskset_common.errors import NodeConfigError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
"""What each encoding makes of the mark U+FEFF. Four bytes of UTF-32 begin with two of UTF-16, so they come first."""

_WIDE = ("utf-16", "utf-32")
"""Encodings in which a zero byte is part of most characters."""

_BLOCK = 1 << 20


@contextmanager
def opened_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """The file's text after its mark, ends of lines as they are.

    Raises
    ------
    NodeConfigError
        If the mark is of another encoding, or if the file is not in this one; with the line and what to write.
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        begins = file.read(4)
    mark = next((name for mark, name in _MARKS if begins.startswith(mark)), None)
    if mark is not None and not _is_of(mark, encoding):
        family = mark.removesuffix("-le").removesuffix("-be")
        raise NodeConfigError(
            f"{path}: begins with the mark of {family.upper()}, but node.yaml says encoding: {encoding}. "
            f"Set data.source.encoding to {family}."
        )
    try:
        with path.open(encoding=mark or encoding, newline="") as text:
            if mark is not None:
                text.read(1)
            yield text
    except UnicodeError as error:
        raise _wrong_encoding(path, encoding, mark) from error


def _is_of(mark: str, encoding: str) -> bool:
    """Whether a file in this encoding may begin with the mark: utf-16 leaves the order of the bytes to the mark, utf-16-le says it."""
    return encoding == mark or encoding in {f"{mark}-sig", mark[:6] if mark[-3] == "-" else mark}


def zero_bytes_advice(path: Path, encoding: str) -> str:
    """What to do with a file that holds zero bytes, as no text in this encoding does; nothing where it holds none."""
    if encoding.startswith(_WIDE):
        return ""
    begins = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            begins = begins or block[:1000]
            if b"\0" in block:
                break
        else:
            return ""
    zeros = [place % 2 for place, byte in enumerate(begins) if byte == 0]
    if len(zeros) > len(begins) // 3 and len(set(zeros)) == 1:
        return f"It looks like UTF-16: set data.source.encoding to utf-16-{'le' if zeros[0] else 'be'}."
    return "The file is damaged, or no text. Export it again."


def holds(path: Path, text: str, encoding: str) -> bool:
    """Whether the bytes of a short text stand anywhere in the file."""
    wanted = text.encode(encoding)
    wanted = next(
        (wanted.removeprefix(mark) for mark, _ in _MARKS if wanted.startswith(mark)), wanted
    )
    swapped = text.encode("utf-16-be") if encoding.startswith(_WIDE) else wanted
    before = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            searched = before + block
            if wanted in searched or swapped in searched:
                return True
            before = block[-len(wanted) :]
    return False


def _wrong_encoding(path: Path, encoding: str, mark: str | None) -> NodeConfigError:
    content = path.read_bytes()
    try:
        content.decode(mark or encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f"byte {error.start}, in line {line}, is {content[error.start]:#04x}"
    except UnicodeError:
        where = "it does not begin with the mark that tells the order of its bytes"
    else:
        where = "it does not begin with the mark that tells the order of its bytes"
    return NodeConfigError(f"{path}: not {encoding}: {where}. {_advice(content, encoding)}")


def _advice(content: bytes, tried: str) -> str:
    for name in ("utf-8", "cp1252"):
        try:
            content.decode(name)
        except UnicodeDecodeError:
            continue
        if name != tried and b"\0" not in content:
            return f"It can be read as {name}: set data.source.encoding to {name}, and look at one value with an accent."
    return "Save the file as UTF-8."
