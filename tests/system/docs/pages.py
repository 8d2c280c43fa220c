"""Read the documentation: pages, their fenced blocks and tables with the remark above each, headings and links.

A remark is an HTML comment on a line of its own, such as `<!-- check: plan -->`; it belongs to the next block or table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"

_REMARK = re.compile(r"<!-- (?P<key>[a-z]+)(?:: (?P<value>.*?))? -->")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_CELL_END = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Piece:
    """A fenced block, a table or a quotation, the line it begins on, and the remarks above it."""

    line: int
    language: str
    text: str
    remarks: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[list[str]]:
        """Cells of a table, without its head."""
        return [_cells(line) for line in self.text.splitlines()[2:]]


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path within the project."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Blocks, tables and quotations in their order; a block's language is that of its fence."""
        return tuple(_pieces(self.text.splitlines()))

    @property
    def blocks(self) -> tuple[Piece, ...]:
        """The fenced blocks."""
        return tuple(piece for piece in self.pieces if piece.language not in {"table", "quote"})

    def with_remark(self, key: str) -> list[Piece]:
        """Pieces that carry a remark."""
        return [piece for piece in self.pieces if key in piece.remarks]

    @property
    def links(self) -> list[str]:
        """Targets of links and pictures, code left out."""
        prose = re.sub(r"^```.*?^```$", "", self.text, flags=re.DOTALL | re.MULTILINE)
        return [first or second for first, second in _LINK.findall(re.sub(r"`[^`\n]*`", "", prose))]

    @property
    def anchors(self) -> set[str]:
        """Anchors of the headings, as GitHub makes them."""
        prose = re.sub(r"^```.*?^```$", "", self.text, flags=re.DOTALL | re.MULTILINE)
        headings = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
        plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
        return {heading.strip().replace(" ", "-") for heading in plain}


README = Page(ROOT / "README.md")


def pages() -> list[Page]:
    """README.md and every page of docs/."""
    return [README, *(Page(path) for path in sorted(DOCS.rglob("*.md")))]


def page(name: str) -> Page:
    """A page of docs/."""
    return Page(DOCS / name)


def plain(text: str) -> str:
    """Text with single blanks, so that a page may break its lines where it reads best."""
    return " ".join(text.split())


def code_in(cell: str) -> str:
    """What a cell holds in backticks; the cell itself where it holds none."""
    found = re.search(r"`([^`]*)`", cell)
    return found[1] if found else cell


def _pieces(lines: list[str]) -> Iterator[Piece]:
    remarks: dict[str, str] = {}
    index = 0
    while index < len(lines):
        line, start = lines[index], index
        remark = _REMARK.fullmatch(line.strip())
        if remark:
            remarks[remark["key"]] = remark["value"] or ""
        elif line.startswith("```"):
            end = lines.index("```", index + 1)
            text = "\n".join(lines[start + 1 : end])
            yield Piece(start + 1, line[3:].strip(), text, remarks)
            remarks, index = {}, end
        elif line.startswith(("|", ">")):
            while index + 1 < len(lines) and lines[index + 1].startswith(line[0]):
                index += 1
            found = lines[start : index + 1]
            if line[0] == "|":
                yield Piece(start + 1, "table", "\n".join(found), remarks)
            else:
                yield Piece(start + 1, "quote", "\n".join(part[1:] for part in found), remarks)
            remarks = {}
        elif line.strip() and remarks:
            raise ValueError(f"line {start + 1}: a remark stands above plain text: {remarks}")
        index += 1


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELL_END.split(line.strip())[1:-1]]
