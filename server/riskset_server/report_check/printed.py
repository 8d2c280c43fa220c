"""The printed content of a report, read back from its files: rows of tables, texts of figures and of the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree
from zipfile import BadZipFile

from riskset_common.errors import InputError

_SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Text:
    """One text of a figure, its place, and which end of it is there; `in_axes` of labels and numbers of an axis."""

    words: str
    x: str
    anchor: str
    in_axes: bool


def rows_of_csv(text: str) -> list[list[str]]:
    """The rows of a table as CSV."""
    return list(csv.reader(io.StringIO(text)))


def texts_of_svg(content: bytes) -> list[Text]:
    """Every text of a figure, in the order in which it is drawn. The figure is one of ours, or is refused."""
    if b"<!ENTITY" in content:
        raise InputError("this is no figure of a report: it declares entities.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  # entities are refused above
    except ElementTree.ParseError as error:
        raise InputError(f"this is not SVG ({error}).") from error
    return list(_texts(root, in_axes=False))


def _texts(element: ElementTree.Element, *, in_axes: bool) -> Iterator[Text]:
    in_axes = in_axes or element.get("id", "").startswith("axes_")
    if element.tag == f"{_SVG}text":
        style = element.get("style", "")
        anchor = style.partition("text-anchor: ")[2].partition(";")[0]
        yield Text("".join(element.itertext()), element.get("x", ""), anchor, in_axes)
    for child in element:
        yield from _texts(child, in_axes=in_axes)


class _Texts(HTMLParser):
    """Collects what a reader of a page sees."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Styles are not read."""
        self._in_style = self._in_style or tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """After them it is the page again."""
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if data.strip() and not self._in_style:
            self.found.append(" ".join(data.split()))


def texts_of_html(text: str) -> list[str]:
    """Every text of a page, figures included, in its order."""
    page = _Texts()
    page.feed(text)
    return page.found


def rows_of_word(path: Path) -> list[list[str]]:
    """The rows of the first table of a Word document."""
    from docx import Document
    from docx.opc.exceptions import PackageNotFoundError

    try:
        with path.open("rb") as file:
            tables = Document(file).tables
    except (PackageNotFoundError, BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{path}: this is not a Word document.") from error
    return [[cell.text for cell in row.cells] for row in tables[0].rows] if tables else []
