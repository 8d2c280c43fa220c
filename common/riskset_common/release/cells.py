"""Counts that may be shown, by what they count: one count has one verdict in the whole plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from riskset_common.results.shown import Shown


@dataclass(frozen=True, order=True)
class Cell:
    """A count of patients.

    Attributes
    ----------
    conditions
        Variables and the levels of which a patient has one, in the order of their names; UNKNOWN stands for a missing value.
    followed
        The endpoint that the patients are followed for, if the count is of those in whom it is known, else empty.
    events
        Kinds of event of that endpoint that are counted; empty where patients are.
    """

    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    followed: str = ""
    events: tuple[str, ...] = ()


UNKNOWN = "?"
"""The level of a condition that stands for a missing value; no level of a codebook is called so."""

Verdicts: TypeAlias = Mapping[Cell, Shown[int]]
"""Of every cell of the plan: its count, or the rule that holds it back with its reason."""
