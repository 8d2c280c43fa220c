"""Building a report: one page that needs nothing beside it, and the files of each figure and table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.whole_file import Results
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_server.displays.parts import figure
from riskset_server.displays.parts.display import Part
from riskset_server.displays.parts.words import Words
from riskset_server.displays.templates import template
from riskset_server.kinds.kinds import words_of
from riskset_server.report.blocks import Block, blocks, parts_of
from riskset_server.report.deviations import deviations
from riskset_server.report.files import write_whole
from riskset_server.report.formats import CHOSEN, files_of
from riskset_server.report.methods import methods
from riskset_server.report.overview import analyses_table, facts


@dataclass(frozen=True)
class Remark:
    """What an analysis warns of."""

    title: str
    text: str


def build_report(
    results: Results,
    plan: Plan,
    codebook: Codebook,
    out: Path,
    formats: Collection[str] = CHOSEN,
) -> Path:
    """Write `report.html`, `figures/` and `tables/` into a folder, and give the path of the page.

    `formats` are those that figures and tables are written in beside SVG and CSV.

    The same results, plan and codebook give the same bytes. Files of displays that an earlier report had and this one has not
    are left alone.

    Raises
    ------
    InputError
        Where the results are of another plan, or lack one of its analyses.
    PlanError
        Where a display of the plan cannot be made of its analyses.
    """
    report = compose(results, plan, codebook)
    for block in report.blocks:
        for path, content in files_of(block, formats):
            write_whole(out / path, content)
    page = out / "report.html"
    write_whole(page, report.page.encode("utf-8"))
    return page


@dataclass(frozen=True)
class Report:
    """A report before it is written: its displays, and the page as HTML."""

    blocks: tuple[Block, ...]
    page: str


def compose(results: Results, plan: Plan, codebook: Codebook) -> Report:
    """The report of these results. Raises as `build_report` does."""
    words = words_of(plan, codebook)
    parts = parts_of(results, plan)
    made = tuple(blocks(parts, words))
    return Report(made, _page(results, parts, words, made))


def _page(
    results: Results, parts: Mapping[str, Part], words: Words, made: tuple[Block, ...]
) -> str:
    return template("report.html").render(
        title=words.plan.title or words.plan.plan,
        facts=tuple(facts(results, words)),
        overview=analyses_table(parts, words),
        blocks=made,
        drawings={
            block.anchor: figure.inline_svg(block.drawing, block.anchor)
            for block in made
            if block.drawing is not None
        },
        deviations=tuple(deviations(results, parts, words)),
        remarks=tuple(_remarks(parts, words)),
        methods=methods(results, parts, words),
    )


def _remarks(parts: Mapping[str, Part], words: Words) -> Iterator[Remark]:
    for part in parts.values():
        title = words.title(part.spec)
        # Why there is no result is said among the deviations.
        for warning in () if isinstance(part.result, WithheldAnalysis) else part.result.warnings:
            yield Remark(title, warning)
