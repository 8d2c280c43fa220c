"""In what a run departs from its plan: sites that are missing, analyses that were not planned, and what was held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.whole_file import Results
from riskset_common.study.plan import Plan
from riskset_server.displays.parts.cells import count, why_withheld
from riskset_server.displays.parts.display import Part
from riskset_server.displays.parts.words import Words, listed
from riskset_server.report.overview import Fact
from riskset_server.results.typed import marks_in, withheld_as_a_whole


def deviations(results: Results, parts: Mapping[str, Part], words: Words) -> Iterator[Fact]:
    """Everything that a reader who holds the plan would not expect, or would miss."""
    yield from _sites(results, words.plan)
    post_hoc = [
        words.title(part.spec) for part in parts.values() if part.spec.planned == "post_hoc"
    ]
    if post_hoc:
        yield Fact("Post hoc", _sentence(post_hoc))
    shown = {
        name for display in words.plan.displays for panel in display.shows for name in panel.of
    }
    unshown = [words.title(part.spec) for name, part in parts.items() if name not in shown]
    if unshown and words.plan.displays:
        yield Fact("In no table or figure", _sentence(unshown))
    for part in parts.values():
        yield from _withheld(part, words)


def _sentence(titles: list[str]) -> str:
    return f"{'; '.join(titles)}."


def _sites(results: Results, plan: Plan) -> Iterator[Fact]:
    lost = results.lost_sites
    if lost:
        yield Fact(
            f"Lost sites ({len(lost)})",
            f"{', '.join(lost)}: asked, and in no result, because they were lost before the first sum was opened.",
        )
    asked = len(results.sites) + len(lost)
    if plan.quorum is not None and asked < plan.quorum.of:
        yield Fact(
            "Sites not asked", f"{plan.quorum.of} were to be invited, and {asked} were asked."
        )
    profile = results.secure.profile
    if profile != plan.secure.profile:
        yield Fact("Opening of sums", f"{profile}, where the plan says {plan.secure.profile}.")


def _withheld(part: Part, words: Words) -> Iterator[Fact]:
    """What disclosure rules held back of an analysis: the whole, or how many values by which rule."""
    title = words.title(part.spec)
    if isinstance(part.result, WithheldAnalysis):
        if part.result.warnings:
            yield Fact("No result", f"{title}: {' '.join(part.result.warnings)}")
            return
        mark = withheld_as_a_whole(part.result)
        yield Fact("Withheld", f"{title}, as a whole, {why_withheld(mark)}.")
        return
    marks = Counter(marks_in(part.result))
    if marks:
        in_order = sorted(marks.items(), key=lambda found: (found[0].rule, found[0].reason or ""))
        named = listed([f"{count(number)} {why_withheld(mark)}" for mark, number in in_order])
        yield Fact("Withheld", f"{title}: entries of the results held back: {named}.")
