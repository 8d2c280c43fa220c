"""A value of a result: shown, or withheld by a disclosure rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from riskset_common.errors import EstimationError

T = TypeVar("T")

WHEN_ASKED: Final = {"when_asked": True}
"""Metadata of a result's field that is not written where it is None: what the plan did not ask for, or only a released result has."""


@dataclass(frozen=True)
class Withheld:
    """The mark in place of a value that a disclosure rule withholds; `rule` is the name of the rule, such as `minimum_cell 5`."""

    rule: str


Shown: TypeAlias = T | Withheld
"""A value that a disclosure rule may withhold."""


@dataclass(frozen=True)
class WithheldAnalysis:
    """An analysis of which nothing but its kind is shown.

    Attributes
    ----------
    kind
        The kind of analysis.
    fields
        The mark of each field that the result has, in the order of the result, without `kind` and `warnings`.
    warnings
        Always empty.
    """

    kind: str
    fields: Mapping[str, Withheld]
    warnings: tuple[()] = ()


def exact(value: T | Withheld | WithheldAnalysis) -> T:
    """A value of an exact result, or a part that is an analysis: nothing of it is withheld.

    Raises
    ------
    EstimationError
        Where it is withheld.
    """
    if isinstance(value, (Withheld, WithheldAnalysis)):
        raise EstimationError(
            f"A value that is needed is withheld: {value}. Take the result before its disclosure rules, not after."
        )
    return value
