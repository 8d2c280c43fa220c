"""The displays of a report as it prints them: a heading, a caption, and a table, a drawing, or the rule that withheld them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from riskset_common.errors import InputError, did_you_mean
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.whole_file import Results
from riskset_common.study.displays import Display, Panel
from riskset_common.study.plan import Plan
from riskset_server.displays.figures.panels import composed, letter_of
from riskset_server.displays.parts.cells import note_of_withheld
from riskset_server.displays.parts.display import PANEL, WHOLE, Part, Plot, Shown
from riskset_server.displays.parts.figure import Drawing
from riskset_server.displays.parts.table import Table
from riskset_server.displays.parts.words import Words, listed, lower_first
from riskset_server.kinds.kind import FigureDisplay, TableDisplay
from riskset_server.kinds.placing import Panels, Placed, placed


@dataclass(frozen=True)
class Block:
    """One display: a table, a drawing, or neither where everything in it was withheld or has no result; `notices` say what, and why.

    `parts` are the analyses that it shows.
    """

    heading: str
    stem: str
    title: str
    word: Literal["table", "figure"]
    table: Table | None
    drawing: Drawing | None
    notices: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def anchor(self) -> str:
        """Its name within the page."""
        return f"{self.word}-{self.stem}"


def parts_of(results: Results, plan: Plan) -> dict[str, Part]:
    """Every analysis of the plan with its result.

    Raises
    ------
    InputError
        Where the results are of another plan or version, or an analysis is missing from them.
    """
    of = results.plan
    if (of.id, of.version) != (plan.plan, plan.version):
        raise InputError(
            f"results: they are of plan {of.id} {of.version}, but the plan given is {plan.plan} {plan.version}. "
            "Give the plan that was run."
        )
    analyses = results.analyses
    for spec in plan.analyses:
        if spec.id not in analyses:
            raise InputError(
                f"results: analysis {spec.id!r} of the plan is missing. {did_you_mean(spec.id, analyses)}"
            )
    return {spec.id: Part(spec, analyses[spec.id]) for spec in plan.analyses}


def blocks(parts: Mapping[str, Part], words: Words) -> Iterator[Block]:
    """Every display of the report, made."""
    for one in placed(words.plan):
        yield _block(one, parts, words)


def _block(one: Placed, parts: Mapping[str, Part], words: Words) -> Block:
    display = one.display
    named = [name for panel in display.shows for name in panel.of]
    all_parts = [parts[name] for name in dict.fromkeys(named)]
    title = display.title or _title(all_parts, words)
    made: Table | Drawing | None = None
    if isinstance(one.made_by, Panels):
        made = _panels(one.made_by, display, title, parts, words)
    elif (shown := _shown(display, title, parts, words)) is not None:
        maker = one.made_by
        made = _table(maker, shown) if isinstance(maker, TableDisplay) else _drawing(maker, shown)
    return Block(
        heading=one.heading,
        stem=one.stem,
        title=title,
        word=one.word,
        table=made if isinstance(made, Table) else None,
        drawing=made if isinstance(made, Drawing) else None,
        parts=tuple(all_parts),
        notices=tuple(
            f"{words.title(part.spec)}: {why}"
            for part in all_parts
            if (why := _why_nothing(part)) is not None
        ),
    )


def _why_nothing(part: Part) -> str | None:
    """Why nothing of an analysis is shown: it is withheld as a whole, or is of nobody; None where there is something."""
    if isinstance(part.result, WithheldAnalysis):
        return note_of_withheld(part.result)
    return "No patients." if part.result.n == 0 else None


def _title(parts: Sequence[Part], words: Words) -> str:
    first, *others = (words.title(part.spec) for part in parts)
    return listed([first, *map(lower_first, others)])


def _shown(
    panel: Panel, title: str | None, parts: Mapping[str, Part], words: Words, plot: Plot = WHOLE
) -> Shown | None:
    """What a display or panel shows; None where there is nothing of any analysis in it."""
    own = [parts[name] for name in panel.of]
    left = tuple(part for part in own if _why_nothing(part) is None)
    return Shown(panel, title or _title(own, words), left, words, plot) if left else None


def _table(maker: TableDisplay, shown: Shown) -> Table:
    """A table with a note on the endpoints that are cut at a horizon."""
    made = maker.make(shown)
    return replace(made, notes=(*made.notes, *_cut_endpoints(shown)))


def _drawing(maker: FigureDisplay, shown: Shown) -> Drawing:
    """A drawing with the same note."""
    drawn = maker.draw(shown)
    return replace(drawn, notes=(*drawn.notes, *_cut_endpoints(shown)))


def _cut_endpoints(shown: Shown) -> Iterator[str]:
    names = (part.spec.endpoint_name() for part in shown.parts)
    return shown.words.cut_endpoints(name for name in names if name is not None)


def _panels(
    made_by: Panels, display: Display, title: str, parts: Mapping[str, Part], words: Words
) -> Drawing | None:
    """The panels of a figure by their letters; one with nothing to show is left out, and so is its letter."""
    drawn = {}
    for rank, (maker, panel) in enumerate(zip(made_by.makers, display.panels, strict=True)):
        shown = _shown(panel, panel.title, parts, words, PANEL)
        if shown is not None:
            drawn[letter_of(rank)] = _drawing(maker, shown)
    return composed(title, drawn, display.columns) if drawn else None
