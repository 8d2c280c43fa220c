"""The floors under everything that is released rounded: fewest patients, fewest events, and the marks of what lies below."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from riskset_common.results.shown import WHEN_ASKED, Withheld, WithheldAnalysis
from riskset_common.results.whole_file import AnalysisResult
from riskset_common.study.plan import Disclosure


@dataclass(frozen=True)
class Floors:
    """The floors that a plan sets.

    Attributes
    ----------
    smallest
        k, `minimum_cell`: a count from 1 to k - 1 is small, and is not shown.
    fewest
        The fewest patients on whom anything that is shown is based: `minimum_at_risk`, and never fewer than k.
    """

    smallest: int
    fewest: int
    _named: str

    @classmethod
    def of(cls, disclosure: Disclosure) -> Floors:
        """Those of a plan."""
        fewest = max(disclosure.minimum_at_risk, disclosure.minimum_cell)
        named = "minimum_cell" if fewest > disclosure.minimum_at_risk else "minimum_at_risk"
        return cls(disclosure.minimum_cell, fewest, f"{named} {fewest}")

    @property
    def small(self) -> Withheld:
        """The mark of a small count."""
        return Withheld(f"minimum_cell {self.smallest}", "small")

    @property
    def protects(self) -> Withheld:
        """The mark of a number that would give a small count away."""
        return Withheld(f"minimum_cell {self.smallest}", "protects")

    @property
    def few(self) -> Withheld:
        """The mark of a number that is based on too few patients. It names the floor that is higher."""
        return Withheld(self._named, "small")


def nothing_of(
    result: type[AnalysisResult], kind: str, mark: Withheld, asked: Collection[str] = ()
) -> WithheldAnalysis:
    """An analysis of which nothing but its kind is shown.

    Parameters
    ----------
    result
        The dataclass of its results.
    asked
        Those of its fields that are only there when a plan asks for them, and that this plan asks for.
    """
    fields = dataclasses.fields(result)  # type: ignore[arg-type]  # results are dataclasses, which the protocol cannot say
    names = (field.name for field in fields if field.metadata != WHEN_ASKED or field.name in asked)
    return WithheldAnalysis(
        kind, dict.fromkeys((name for name in names if name not in ("kind", "warnings")), mark)
    )
