"""What reaches a terminal or a log: characters that would steer it are shown as escapes, wherever the text comes from.

A value of a data file, a plan, an invitation or another party's message may hold an escape sequence that clears the screen, a
carriage return that overwrites a line, or a mark that turns the order of writing round. `guarded` stands around every command.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_STEERING = (
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for the tab and the end of a line, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the order of writing
    "\u2028\u2029\ufeff\ufff9-\ufffb"  # other ends of lines, the byte order mark, annotations
    "\ud800-\udfff\U000e0000-\U000e007f"  # halves of a character, tags
    "]"
)
_IN_A_LINE = f"[\n\t]|{_STEERING}"


def _escaped(found: re.Match[str]) -> str:
    """The escape that Python writes for the character."""
    return ascii(found[0])[1:-1]


def visible(text: str) -> str:
    r"""The text with every character that steers a terminal as its escape, such as `\x1b`; ends of lines and tabs stay."""
    return re.sub(_STEERING, _escaped, text)


def one_line(text: str) -> str:
    """The text of one value or one line of a log: as `visible`, and ends of lines and tabs are escapes as well."""
    return re.sub(_IN_A_LINE, _escaped, text)


def json_text(value: object, default: Callable[[object], object] | None = None) -> str:
    """JSON for people, with letters of every script; what steers a terminal is written as JSON's own escape."""
    text = json.dumps(value, default=default, indent=1, ensure_ascii=False)
    return re.sub(_STEERING, lambda found: json.dumps(found[0])[1:-1], text)


class Guarded(io.TextIOBase):
    """A stream of text on which nothing steers the terminal behind it, and which nobody takes for one to colour.

    A character that the terminal's encoding does not have is shown as its escape too.
    """

    def __init__(self, behind: TextIO) -> None:
        self.behind = behind

    def write(self, text: str) -> int:
        """Write the text visibly."""
        shown = visible(text)
        encoding = self.behind.encoding or "utf-8"
        self.behind.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Flush what is behind."""
        self.behind.flush()

    def close(self) -> None:
        """Leave what is behind open: it is another's."""

    def fileno(self) -> int:
        """The descriptor behind, for what other programs write."""
        return self.behind.fileno()

    def isatty(self) -> bool:
        """No, because colours would be shown as escapes."""
        return False

    def writable(self) -> bool:
        """Yes."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io declares an attribute that nobody sets
        """Of what is behind."""
        return self.behind.encoding or "utf-8"


@contextmanager
def guarded() -> Iterator[None]:
    """Whatever is written to standard output and standard error in the block is shown as `visible` shows it."""
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Guarded(out), Guarded(err)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
