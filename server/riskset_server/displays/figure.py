"""The ground of every figure: fonts, colours, lengths in inches, and files that are the same for the same numbers.

Text stays text in the SVG, so that a journal can set it anew and a reader can search it; the drawing is measured in DejaVu Sans
and names Verdana, of the same widths, for machines without it. Nothing is embedded and nothing is fetched.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
"""Colours that people with any colour vision tell apart (Okabe and Ito 2008), without the yellow that vanishes on white."""

DASHES = ("solid", (0, (6, 2)), (0, (1.4, 1.4)), (0, (7, 1.6, 1.4, 1.6)))
"""Line styles, so that lines are told apart in grey. Coprime with the colours: 28 pairs before one comes again."""

INK = "#1a1a1a"
FAINT = "#8a8a8a"
TEXT_SIZE = 8.0
SMALL_SIZE = 7.5
POINTS_PER_INCH = 72
PNG_DOTS_PER_INCH = 200

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
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
    "svg.hashsalt": "riskset",
    "savefig.facecolor": "white",
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
_NAMESPACE = re.compile(r' xmlns(:xlink)?="[^"]*"')
_FONT = "font-family: 'DejaVu Sans'"


@dataclass(frozen=True)
class Drawing:
    """A figure of the report: the artists, the title of its caption, and the lines below it."""

    title: str
    figure: Figure
    legend: tuple[str, ...]


def settings() -> AbstractContextManager[None]:
    """The settings under which figures are drawn and written, whatever the machine's own are."""
    import matplotlib

    chosen: Any = {**matplotlib.rcParamsDefault, **_SETTINGS}
    return matplotlib.rc_context(chosen)


@dataclass(frozen=True)
class Sheet:
    """A figure on which lengths are inches from its lower left corner."""

    figure: Figure
    width: float
    height: float

    @staticmethod
    def empty(width: float, height: float) -> Sheet:
        """A white sheet."""
        from matplotlib.figure import Figure

        return Sheet(Figure((width, height), dpi=POINTS_PER_INCH), width, height)

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes with that lower left corner and size."""
        w, h = self.width, self.height
        return self.figure.add_axes((left / w, bottom / h, width / w, height / h))

    def write(self, x: float, y: float, text: str, **style: Any) -> Text:
        """Text at a point, by default to the right of it and centred in height."""
        chosen = {"ha": "left", "va": "center_baseline", "fontsize": TEXT_SIZE, **style}
        return self.figure.text(x / self.width, y / self.height, text, **chosen)

    def stroke(self, x: Sequence[float], y: Sequence[float], **style: Any) -> Line2D:
        """A line through points."""
        from matplotlib.lines import Line2D

        line = Line2D([at / self.width for at in x], [at / self.height for at in y], **style)
        line.set_transform(self.figure.transFigure)
        self.figure.add_artist(line)
        return line


@cache
def _ruler() -> tuple[Text, RendererAgg]:
    from matplotlib.backends.backend_agg import RendererAgg

    sheet = Sheet.empty(1, 1)
    side = POINTS_PER_INCH
    drawn = sheet.write(0, 0, "", family=_SETTINGS["font.family"], parse_math=False)
    return drawn, RendererAgg(side, side, side)  # type: ignore[no-untyped-call]  # matplotlib's own gap


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


def dashes(index: int) -> Any:
    """Line style of the curve of that rank."""
    return DASHES[index % len(DASHES)]


def svg(drawing: Drawing) -> bytes:
    """The figure as SVG: the same bytes for the same artists."""
    written = io.StringIO()
    with settings():
        drawing.figure.savefig(written, format="svg", metadata=_NO_METADATA)
    return written.getvalue().replace(_FONT, f"{_FONT}, Verdana, sans-serif").encode("utf-8")


def png(drawing: Drawing) -> bytes:
    """The figure as PNG: the same bytes for the same artists."""
    written = io.BytesIO()
    with settings():
        drawing.figure.savefig(
            written, format="png", dpi=PNG_DOTS_PER_INCH, metadata={"Software": None}
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
