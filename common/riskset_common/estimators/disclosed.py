"""The disclosures of a kind of analysis, for the person who approves a plan: short phrases, each with the arrays that it covers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LEFT_OUT = "patients left out because a value is missing"
GRID_LENGTH = "how many sites need each power of two of steps of the time grid"
LATE_ENTRY = "the endpoint has an entry"
ENTERED = "patients coming under observation at each step of the time grid"
SITE_TEST = "the test is stratified by site"
OWN_TEST = "of the test only observed, expected and covariance of all groups"
BY_LEVEL = "patients and events by level of each factor, and by exposure at the end of follow-up"
BY_CODE = "patients and events at the values -1, 0, 1, 2 and at all others of each number"
BY_CELL = "patients and events in every cell of two terms that interact"
LIKELIHOOD = "log-likelihood, score and information of the whole model at each iteration"
ON_SHARES = "log-likelihood, score and information at each iteration, also to the committee that computes them, but no sum over a risk set"
SPREADS = "how many sites need each power of two to hold a covariate"
"""Phrases that several kinds have."""


@dataclass(frozen=True)
class Shows:
    """One phrase.

    Attributes
    ----------
    what
        What is shown, of all sites together.
    arrays
        Names of the arrays of the sums that show it. In an analysis made of parts the sort of the part is in front: `curve.events`.
        None if no round opens it, but those who compute a model on shares do.
    """

    what: str
    arrays: tuple[str, ...]


def shows(what: str, *arrays: str) -> Shows:
    """A phrase about some arrays."""
    return Shows(what, arrays)


@dataclass(frozen=True)
class Disclosed:
    """What is shown of every analysis of a kind, counts and reals, and what besides under a condition that the plan or codebook sets."""

    counts: tuple[Shows, ...] = ()
    reals: tuple[Shows, ...] = ()
    when: Mapping[str, tuple[Shows, ...]] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """The phrases, those under a condition with it in front."""
        besides = (
            f"if {condition}: {each.what}"
            for condition, found in self.when.items()
            for each in found
        )
        return (*(each.what for each in (*self.counts, *self.reals)), *besides)

    @property
    def arrays(self) -> frozenset[str]:
        """Every array that is named."""
        return frozenset(array for each in self._all() for array in each.arrays)

    def _all(self) -> Iterator[Shows]:
        yield from (*self.counts, *self.reals)
        for found in self.when.values():
            yield from found
