"""Do patients and events add up in results.json: what is a sum by the kind of an analysis, and the patients of several analyses.

Counts that a disclosure rule withheld are left out of the check, and so is every sum with one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from riskset_common.results.composed import LandmarkResult
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis
from riskset_common.study.plan import Plan
from riskset_server.displays.parts.display import Part
from riskset_server.kinds.kinds import kind_of
from riskset_server.report_check.disagreement import Disagreement

CHECK: Final = "adds up"


def additions(parts: Mapping[str, Part], plan: Plan) -> Iterator[Disagreement]:
    """Every total that is not the sum of its parts, and analyses of the same patients that differ in their number."""
    for name, part in parts.items():
        for where, total, terms in kind_of(part.spec.kind).adds_up(part, plan):
            counts = _shown((total, *terms))
            if counts is not None and counts[0] != sum(counts[1:]):
                added = " + ".join(f"{term:g}" for term in counts[1:])
                yield Disagreement(
                    CHECK, f"{name}, {where}", f"{added} = {sum(counts[1:]):g}, not {counts[0]:g}"
                )
    yield from _same_patients(parts)


def _shown(counts: Iterable[Shown[int]]) -> list[int] | None:
    """The counts, if none of them is withheld."""
    listed = list(counts)
    shown = [count for count in listed if not isinstance(count, Withheld)]
    return shown if len(shown) == len(listed) else None


def _same_patients(parts: Mapping[str, Part]) -> Iterator[Disagreement]:
    """Analyses of one population under the same conditions have as many patients, those left out included."""
    first: dict[str, tuple[str, int]] = {}
    for name, part in parts.items():
        counts = _shown(_all_patients(part))
        if not counts:
            continue
        conditions = sorted(
            (variable, tuple(levels)) for variable, levels in part.spec.where.items()
        )
        key = f"{part.spec.population} {conditions}"
        other, total = first.setdefault(key, (name, sum(counts)))
        if sum(counts) != total:
            yield Disagreement(
                CHECK,
                name,
                f"{sum(counts):g} patients with those left out, but {other} has {total:g} of the same",
            )


def _all_patients(part: Part) -> Iterator[Shown[int]]:
    """Patients of an analysis, and those who were left out of it; nothing of one that is withheld as a whole."""
    result = part.result
    if isinstance(result, WithheldAnalysis):
        return
    yield from (result.n, result.missing)
    if isinstance(result, LandmarkResult):
        yield result.ended
