"""The mark of a withheld value, the thresholds of the rules, and an analysis that is withheld as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from riskset_common.results.as_json import as_json
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis, exact
from riskset_common.results.whole_file import AnalysisResult
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.table import is_small

Found = TypeVar("Found", bound=AnalysisResult)
Rule: TypeAlias = Callable[[Found, Disclosure], Found | WithheldAnalysis]
"""What may be shown of a result of one kind, for which there are patients enough."""


def too_few_patients(disclosure: Disclosure) -> Withheld:
    """The mark for a value based on too few patients. It names the threshold that applied."""
    decided = "minimum_at_risk"
    if disclosure.minimum_cell > disclosure.minimum_at_risk:
        decided = "minimum_cell"
    return Withheld(f"{decided} {fewest_patients(disclosure)}")


def small_count(disclosure: Disclosure) -> Withheld:
    """The mark of a small count, and of what would give one away."""
    return Withheld(f"minimum_cell {disclosure.minimum_cell}")


def fewest_patients(disclosure: Disclosure) -> int:
    """The fewest patients on which anything that is shown is based; never fewer than a cell must hold."""
    return max(disclosure.minimum_at_risk, disclosure.minimum_cell)


def unless_small(count: Shown[int], disclosure: Disclosure) -> Shown[int]:
    """A count by itself, such as that of the patients who were left out."""
    return small_count(disclosure) if is_small(exact(count), disclosure.minimum_cell) else count


def whole(result: AnalysisResult, rule: Withheld) -> WithheldAnalysis:
    """A result of which nothing but its kind may be shown."""
    names = (name for name in as_json(result) if name not in ("kind", "warnings"))
    return WithheldAnalysis(result.kind, dict.fromkeys(names, rule))


def where_enough(
    result: Found, rule: Rule[Found], disclosure: Disclosure
) -> Found | WithheldAnalysis:
    """A result under the rule of its kind, where there are patients enough; else nothing of it."""
    if 0 < exact(result.n) < fewest_patients(disclosure):
        return whole(result, too_few_patients(disclosure))
    released = rule(result, disclosure)
    missing = unless_small(result.missing, disclosure)
    if isinstance(released, WithheldAnalysis) and isinstance(missing, Withheld):
        # Of a small count the mark says so, whatever else withholds the analysis.
        return WithheldAnalysis(released.kind, {**released.fields, "missing": missing})
    return released
