"""The ground of every figure: fonts, colours, lengths in inches, and files that are the same for the same numbers.

Text stays text in SVG and PDF, so that a journal can set it anew and a reader can search it. The PDF holds the outlines of its
letters; the SVG is measured in DejaVu Sans and names Verdana, of the same widths, for machines without it. Nothing is fetched.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from riskset_common.programs.screen import visible
from riskset_server.displays.parts.table import legend

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Text
    from matplotlib.typing import JoinStyleType, LineStyleType, RcKeyType

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
"""Colours that people with any colour vision tell apart (Okabe and Ito 2008), without the yellow that vanishes on white."""

DASHES: tuple[LineStyleType, ...] = (
    "solid",
    (0, (6, 2)),
    (0, (1.4, 1.4)),
    (0, (7, 1.6, 1.4, 1.6)),
    (0, (2.8, 2.8)),
    (0, (6, 1.4, 1.4, 1.4, 1.4, 1.4)),
)
"""Line styles, so that lines are told apart in grey. Coprime with the colours: 42 pairs before one comes again."""

FONT = "DejaVu Sans"
INK = "#1a1a1a"
FAINT = "#8a8a8a"
TEXT_SIZE = 8.0
SMALL_SIZE = 7.5
POINTS_PER_INCH = 72
PNG_DOTS_PER_INCH = 300

_SETTINGS: dict[RcKeyType, str | float | bool] = {
    "font.family": FONT,
    "font.size": TEXT_SIZE,
    "text.color": INK,
    "text.parse_math": False,  # a `$` in a label is a dollar
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 1.5,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # TrueType, which journals ask for
    "svg.hashsalt": "riskset",
    "savefig.facecolor": "white",
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
_NAMESPACE = re.compile(r' xmlns(:xlink)?="[^"]*"')
_FONT_OF_SVG = f"font-family: '{FONT}'"


def settings() -> AbstractContextManager[None]:
    """The settings under which figures are drawn and written, whatever the machine's own are."""
    import matplotlib

    return matplotlib.rc_context({**matplotlib.rcParamsDefault, **_SETTINGS})


class TextStyle(TypedDict, total=False):
    """How text is written, in matplotlib's words; sizes in points."""

    ha: Literal["left", "center", "right"]
    va: Literal["bottom", "center", "center_baseline"]
    fontsize: float
    weight: str
    linespacing: float
    color: str
    family: str
    parse_math: bool


class LineStyle(TypedDict, total=False):
    """How a line is drawn, in matplotlib's words; widths in points."""

    color: str
    linewidth: float
    linestyle: LineStyleType
    solid_joinstyle: JoinStyleType
    marker: str
    markersize: float
    markeredgewidth: float


@dataclass(frozen=True)
class Sheet:
    """A figure, or a part of one, on which lengths are inches from its lower left corner.

    `left` and `bottom` are where that corner lies on the whole figure.
    """

    figure: Figure
    width: float
    height: float
    left: float = 0.0
    bottom: float = 0.0

    @staticmethod
    def empty(width: float, height: float) -> Sheet:
        """A white sheet."""
        from matplotlib.figure import Figure

        return Sheet(Figure((width, height), dpi=POINTS_PER_INCH), width, height)

    def part(self, left: float, bottom: float, width: float, height: float) -> Sheet:
        """The part of this sheet with that lower left corner and size."""
        return Sheet(self.figure, width, height, self.left + left, self.bottom + bottom)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """A point as a fraction of the whole figure."""
        width, height = self.figure.get_size_inches()
        return (self.left + x) / float(width), (self.bottom + y) / float(height)

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes with that lower left corner and size."""
        corner, opposite = self._at(left, bottom), self._at(left + width, bottom + height)
        return self.figure.add_axes((*corner, opposite[0] - corner[0], opposite[1] - corner[1]))

    def write(self, x: float, y: float, text: str, **style: Unpack[TextStyle]) -> Text:
        """Text at a point, by default to the right of it and centred in height."""
        usual = TextStyle(ha="left", va="center_baseline", fontsize=TEXT_SIZE)
        chosen: TextStyle = {**usual, **style}
        return self.figure.text(*self._at(x, y), text, **chosen)

    def stroke(self, x: Sequence[float], y: Sequence[float], **style: Unpack[LineStyle]) -> Line2D:
        """A line through points."""
        from matplotlib.lines import Line2D

        points = [self._at(*point) for point in zip(x, y, strict=True)]
        line = Line2D(*zip(*points, strict=True), **style)
        line.set_transform(self.figure.transFigure)
        self.figure.add_artist(line)
        return line


@dataclass(frozen=True)
class Drawing:
    """A figure of the report before it is on paper: its size, what puts it on a sheet, and what is said below it.

    Attributes
    ----------
    title
        The title of its caption.
    width, height
        Its size in inches.
    paint
        Draws it on a sheet, or on a part of one, of that size.
    notes
        Sentences below it, after the word NOTE.
    abbreviations
        Short and long forms that it uses.
    footnotes
        Further lines, each with its mark before it.
    above
        Height of what stands above its plot, in inches; None where it is not aligned with its neighbours.
    """

    title: str
    width: float
    height: float
    paint: Callable[[Sheet], None]
    notes: tuple[str, ...] = ()
    abbreviations: tuple[tuple[str, str], ...] = ()
    footnotes: tuple[str, ...] = ()
    above: float | None = None

    @cached_property
    def figure(self) -> Figure:
        """The figure on a sheet of its own."""
        with settings():
            sheet = Sheet.empty(self.width, self.height)
            self.paint(sheet)
        _show_all(sheet.figure)
        return sheet.figure

    @cached_property
    def svg(self) -> bytes:
        """The figure as SVG: the same bytes for the same artists."""
        written = io.StringIO()
        with settings():
            self.figure.savefig(written, format="svg", metadata=_NO_METADATA)
        return (
            written.getvalue()
            .replace(_FONT_OF_SVG, f"{_FONT_OF_SVG}, Verdana, sans-serif")
            .encode("utf-8")
        )

    @property
    def legend(self) -> tuple[str, ...]:
        """The lines below it."""
        return (*legend(self.notes, self.abbreviations), *self.footnotes)


def _show_all(figure: Figure) -> None:
    """Labels and levels are somebody else's words: what could stand in no document is an escape in them."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_text(visible(text.get_text()))


@cache
def _ruler() -> tuple[Text, RendererAgg]:
    from matplotlib.backends.backend_agg import RendererAgg

    sheet = Sheet.empty(1, 1)
    side = POINTS_PER_INCH
    drawn = sheet.write(0, 0, "", family=FONT, parse_math=False)
    return drawn, RendererAgg(side, side, side)  # type: ignore[no-untyped-call]  # matplotlib's own gap


@lru_cache(maxsize=8192)
def text_width(text: str, size: float = TEXT_SIZE, weight: str = "normal") -> float:
    """Width of a text in inches, of its longest line where there are several."""
    drawn, renderer = _ruler()
    drawn.set(text=text, fontsize=size, fontweight=weight)
    return float(drawn.get_window_extent(renderer).width) / POINTS_PER_INCH


def line_height(size: float = TEXT_SIZE) -> float:
    """Distance between two lines of text in inches."""
    return 1.35 * size / POINTS_PER_INCH


def colour(index: int) -> str:
    """Colour of the curve of that rank."""
    return COLOURS[index % len(COLOURS)]


def dashes(index: int) -> LineStyleType:
    """Line style of the curve of that rank."""
    return DASHES[index % len(DASHES)]


def svg(drawing: Drawing) -> bytes:
    """The figure as SVG, written once for its file and the page."""
    return drawing.svg


def png(drawing: Drawing) -> bytes:
    """The figure as PNG: the same bytes for the same artists."""
    written = io.BytesIO()
    with settings():
        drawing.figure.savefig(
            written, format="png", dpi=PNG_DOTS_PER_INCH, metadata={"Software": None}
        )
    return written.getvalue()


def pdf(drawing: Drawing) -> bytes:
    """The figure as PDF, with the letters it uses in it: the same bytes for the same artists."""
    written = io.BytesIO()
    with settings():
        drawing.figure.savefig(
            written, format="pdf", metadata=dict.fromkeys(("Creator", "Producer", "CreationDate"))
        )
    return written.getvalue()


def inline_svg(drawing: Drawing, name: str) -> str:
    """The figure as an `<svg>` element of an HTML page that holds several: without prologue and namespaces, its ids made its own."""
    text = svg(drawing).decode("utf-8")
    text = _NAMESPACE.sub("", text[text.index("<svg") :]).replace("xlink:href", "href")
    text = re.sub(r"<[^>]*>", lambda tag: _own_ids(tag[0], name), text)
    return text.replace("<svg", f'<svg role="img" aria-labelledby="{name}-title"', 1)


def _own_ids(tag: str, name: str) -> str:
    tag = tag.replace(' id="', f' id="{name}-').replace('href="#', f'href="#{name}-')
    return tag.replace("url(#", f"url(#{name}-")
