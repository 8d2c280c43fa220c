"""In what a run departs from its plan: sites that are missing, analyses that were not planned, and what was held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from riskset_common.study.plan import Plan
from riskset_server.displays.parts.cells import count
from riskset_server.displays.parts.display import Part
from riskset_server.displays.parts.words import Words, listed
from riskset_server.report.overview import Fact
from riskset_server.results.reading import rules_in, wholly_withheld_by


def deviations(
    results: Mapping[str, Any], parts: Mapping[str, Part], words: Words
) -> Iterator[Fact]:
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


def _sites(results: Mapping[str, Any], plan: Plan) -> Iterator[Fact]:
    lost = [str(site) for site in results.get("lost_sites", ())]
    if lost:
        yield Fact(
            f"Lost sites ({len(lost)})",
            f"{', '.join(lost)}: asked, and in no result, because they were lost before the first sum was opened.",
        )
    found = len(results.get("sites", ())) + len(lost)
    if plan.quorum is not None and found and found < plan.quorum.of:
        yield Fact(
            "Sites not asked", f"{plan.quorum.of} were to be invited, and {found} were asked."
        )
    secure = results.get("secure")
    if secure and secure["profile"] != plan.secure.profile:
        yield Fact(
            "Opening of sums", f"{secure['profile']}, where the plan says {plan.secure.profile}."
        )


def _withheld(part: Part, words: Words) -> Iterator[Fact]:
    """What disclosure rules held back of an analysis: the whole, or how many values by which rule."""
    title = words.title(part.spec)
    whole = wholly_withheld_by(part.result)
    if whole is not None:
        yield Fact("Withheld", f"{title}, as a whole, under the disclosure rule {whole}.")
        return
    by_rule = Counter(rules_in(part.result))
    if by_rule:
        named = listed(
            [f"{count(number)} under {rule}" for rule, number in sorted(by_rule.items())]
        )
        yield Fact("Withheld", f"{title}: entries of the results held back: {named}.")
