"""The entry of one kind of analysis at the centre."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from riskset_common.results.shown import Shown as ShownValue
from riskset_common.study.plan import Plan
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.figure import Drawing
from riskset_server.displays.parts.table import Table
from riskset_server.displays.parts.words import Words


@dataclass(frozen=True)
class TableDisplay:
    """A kind of table: what makes it, and whether one may show several analyses below each other."""

    make: Callable[[Shown], Table]
    several: bool
    drawn_as: str = "table"


@dataclass(frozen=True)
class FigureDisplay:
    """A kind of figure: what draws it, its name in a display's `as`, and whether one may show several analyses."""

    draw: Callable[[Shown], Drawing]
    drawn_as: str
    several: bool = True


class Paragraph(Enum):
    """Paragraphs of the methods section that are about kinds of analysis."""

    ESTIMATION = auto()
    COMPETING_RISKS = auto()
    REGRESSION = auto()
    PARTS = auto()
    SITES = auto()
    TABLES = auto()


@dataclass(frozen=True)
class Methods:
    """What the methods section says of all analyses of a kind, or of the kinds that share these methods, and where."""

    paragraph: Paragraph
    sentences: Callable[[Sequence[Part], Words], Iterator[str]]


Sums = Iterator[tuple[str, ShownValue[int], Iterable[ShownValue[int]]]]
"""Where a total stands, the total, and what must add up to it."""


@dataclass(frozen=True)
class Kind:
    """One kind of analysis.

    Attributes
    ----------
    name
        That of its estimator, as in a plan.
    table, figures
        Its displays. The first figure is the one that a plan gets which does not say `as`.
    adds_up
        The sums within a result.
    noun
        What a title calls it, with {} for the endpoint; empty if its endpoint alone is the title.
    methods
        What the methods section says of such analyses; None if nothing.
    of_cause
        What the methods section says of an analysis that names the event which counts; None if other events are censored.
    figure_first
        Whether a plan without displays gets the figure before the table, and the table only if there are groups.
    """

    name: str
    table: TableDisplay
    adds_up: Callable[[Part, Plan], Sums]
    noun: str
    figures: tuple[FigureDisplay, ...] = ()
    methods: Methods | None = None
    of_cause: Callable[[Part, str, Words], str] | None = None
    figure_first: bool = False
