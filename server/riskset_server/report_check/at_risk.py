"""Do patients at risk only become fewer, in results.json and in the rows below a figure, and do those rows account for everybody.

Patients who come under observation late make a group grow; endpoints with late entry are left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from riskset_common.results.composed import LandmarkResult, UnivariateResult
from riskset_common.results.shown import Shown, Withheld
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.study.plan import Plan
from riskset_server.displays.figures.numbers_at_risk import NAMES
from riskset_server.displays.parts.display import Part
from riskset_server.report_check.disagreement import Disagreement
from riskset_server.report_check.printed import Text
from riskset_server.results.typed import curves_of, estimates

CHECK: Final = "at risk"
_HEADING: Final = "No. at risk"


def enters_late(part: Part, plan: Plan) -> bool:
    """Whether patients of an analysis may come under observation after its beginning."""
    endpoint = plan.endpoints.get(part.spec.endpoint_name() or "")
    return endpoint is not None and endpoint.entry is not None


def growing_curves(parts: Mapping[str, Part], plan: Plan) -> Iterator[Disagreement]:
    """Curves of results.json whose patients at risk, along the curve or at the plan's times, become more."""
    for name, part in parts.items():
        if enters_late(part, plan):
            continue
        for curve in itertools.chain.from_iterable(map(curves_of, analyses_of_curves(part.result))):
            where = f"{name}, {', '.join(curve.level.values()) or 'all'}"
            if curve.numbers_at_risk is not None:
                yield from _growing(where, curve.numbers_at_risk.at_risk)
            if not isinstance(curve.curve, Withheld):
                yield from _growing(where, curve.curve.at_risk)
            landmarks = sorted(estimates(curve), key=lambda at: at.time)
            yield from _growing(where, [at.at_risk for at in landmarks])


def analyses_of_curves(result: ReleasedResult) -> Iterator[ReleasedResult]:
    """The analyses of curves that an analysis is made of; itself if it is one."""
    match result:
        case LandmarkResult(curves=curves) if curves is not None:
            yield curves
        case UnivariateResult():
            yield result.all_patients
            yield from (factor.curves for factor in result.factors)
        case _:
            yield result


def _growing(where: str, counts: Sequence[Shown[int]]) -> Iterator[Disagreement]:
    shown = [count for count in counts if not isinstance(count, Withheld)]
    for before, after in itertools.pairwise(shown):
        if after > before:
            yield Disagreement(CHECK, where, f"{before:g} patients at risk become {after:g}")


@dataclass
class _Block:
    """The rows of one group as printed: what each kind counts, by the place of its numbers."""

    label: str
    rows: dict[str, dict[str, int]] = field(default_factory=dict)


def growing_rows(where: str, texts: Sequence[Text], *, exact: bool) -> Iterator[Disagreement]:
    """Rows below a figure of curves in which patients at risk become more, or do not add up with those who left (`exact` numbers)."""
    for block in _blocks(texts):
        at_risk = list(block.rows.get("At risk", {}).values())
        yield from _growing(f"{where}, {block.label}", at_risk)
        if exact and len(block.rows) == len(NAMES) and at_risk:
            for place in block.rows["At risk"]:
                counts = [row[place] for row in block.rows.values() if place in row]
                if len(counts) == len(NAMES) and sum(counts) != at_risk[0]:
                    added = " + ".join(map(str, counts))
                    yield Disagreement(
                        CHECK,
                        f"{where}, {block.label}",
                        f"{added} patients are not the {at_risk[0]} of the beginning",
                    )


def _blocks(texts: Sequence[Text]) -> Iterator[_Block]:
    """The rows of numbers in the order in which they are written: labels, each followed by its numbers."""
    block, kind, listed = _Block("all"), "", False
    for text in texts:
        if text.in_axes:
            continue
        if text.words == _HEADING:
            listed, kind = True, ""
        elif text.words in NAMES.values() and text.anchor == "start":
            listed, kind = False, text.words
            if kind in block.rows:
                yield block
                block = _Block(block.label)
        elif kind and (number := _whole(text.words)) is not None:
            block.rows.setdefault(kind, {})[text.x] = number
        elif text.anchor == "start":
            if block.rows:
                yield block
            block, kind = _Block(text.words), "At risk" if listed else ""
    if block.rows:
        yield block


def _whole(text: str) -> int | None:
    digits = text.replace(",", "")
    return int(digits) if digits.isdecimal() else None
