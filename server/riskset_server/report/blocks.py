"""The displays of a report as it prints them: a heading, a caption, and a table, a drawing, or the rule that withheld them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from riskset_common.errors import InputError, did_you_mean
from riskset_common.plan import Plan
from riskset_server.displays.cells import withheld_note
from riskset_server.displays.display import Part, Shown, TableDisplay
from riskset_server.displays.figure import Drawing
from riskset_server.displays.placing import Placed, placed
from riskset_server.displays.reading import wholly_withheld_by
from riskset_server.displays.table import Table
from riskset_server.displays.words import Words, listed, lower_first


@dataclass(frozen=True)
class Block:
    """One display: a table, a drawing, or neither where everything in it was withheld; `notices` say what was."""

    heading: str
    stem: str
    title: str
    word: Literal["table", "figure"]
    table: Table | None
    drawing: Drawing | None
    notices: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """Its name within the page."""
        return f"{self.word}-{self.stem}"


def parts_of(results: Mapping[str, Any], plan: Plan) -> dict[str, Part]:
    """Every analysis of the plan with its result.

    Raises
    ------
    InputError
        Where the results are of another plan or version, or an analysis is missing from them.
    """
    of = results["plan"]
    if (of["id"], of["version"]) != (plan.plan, plan.version):
        raise InputError(
            f"results: they are of plan {of['id']} {of['version']}, but the plan given is {plan.plan} {plan.version}. "
            "Give the plan that was run."
        )
    found = results["analyses"]
    for spec in plan.analyses:
        if spec.id not in found:
            raise InputError(
                f"results: analysis {spec.id!r} of the plan is missing. {did_you_mean(spec.id, found)}"
            )
    return {spec.id: Part(spec, found[spec.id]) for spec in plan.analyses}


def blocks(parts: Mapping[str, Part], words: Words) -> Iterator[Block]:
    """Every display of the report, made. Figures are drawn, so call this within `figure.settings()`."""
    for one in placed(words.plan):
        yield _block(one, [parts[name] for name in one.display.of], words)


def _block(one: Placed, parts: list[Part], words: Words) -> Block:
    first, *others = (words.title(part.spec) for part in parts)
    title = one.display.title or listed([first, *map(lower_first, others)])
    shown = tuple(part for part in parts if wholly_withheld_by(part.result) is None)
    notices = tuple(
        f"{words.title(part.spec)}: {withheld_note(rule)}"
        for part in parts
        if (rule := wholly_withheld_by(part.result)) is not None
    )
    made: Table | Drawing | None = None
    if shown:
        subject = Shown(one.display, title, shown, words)
        maker = one.made_by
        made = maker.make(subject) if isinstance(maker, TableDisplay) else maker.draw(subject)
    return Block(
        heading=one.heading,
        stem=one.stem,
        title=title,
        word="table" if isinstance(one.made_by, TableDisplay) else "figure",
        table=made if isinstance(made, Table) else None,
        drawing=made if isinstance(made, Drawing) else None,
        notices=notices,
    )
