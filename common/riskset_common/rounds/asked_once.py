"""Counts that several analyses share, asked once in a round: curves of the same patients in the same groups need the same counts.

A site answers what it is asked; what an analysis is not asked it has from another, at the centre and among the sums that a site checked.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest
from riskset_common.rounds.questions import shapes_of

Part = tuple[str, str]
"""An analysis, and a part of it; a part without a name where it is one by itself."""

Arrays = Mapping[str, Mapping[str, Any]]
"""Pooled arrays by analysis and name."""


@dataclass(frozen=True)
class Borrowed:
    """Arrays that a part has from another, and that other."""

    lender: Part
    arrays: tuple[str, ...]


@dataclass(frozen=True)
class AskedOnce:
    """The requests of a round, each count in one of them only.

    Attributes
    ----------
    requests
        What is asked, by analysis; an analysis whose counts are all asked elsewhere is not among them.
    borrowed
        The parts that have their counts from another.
    """

    requests: Mapping[str, AnyRequest]
    borrowed: Mapping[Part, Borrowed]

    def completed(self, pooled: Arrays) -> dict[str, dict[str, Any]]:
        """The pooled arrays of all analyses, as if each had been asked all that it needs; what the lender was not asked nobody has."""
        found = {name: dict(arrays) for name, arrays in pooled.items()}
        for (name, part), borrowed in self.borrowed.items():
            lender, lent = borrowed.lender
            if (
                not {_named(lent, each) for each in borrowed.arrays}
                <= pooled.get(lender, {}).keys()
            ):
                continue
            found.setdefault(name, {}).update(
                {_named(part, each): pooled[lender][_named(lent, each)] for each in borrowed.arrays}
            )
        return found


def ask_once(requests: Mapping[str, AnyRequest]) -> AskedOnce:
    """Ask each count in the first analysis that needs it."""
    asked: dict[str, AnyRequest] = {}
    borrowed: dict[Part, Borrowed] = {}
    lenders: dict[Hashable, Part] = {}
    for name, request in requests.items():
        estimator = estimator_of(request.spec.kind)
        parts, counted = estimator.parts(request), estimator.counted(request)
        left: dict[str, AnyRequest | None] = dict(parts)
        for part, counts in counted.items():
            lender = lenders.setdefault(counts, (name, part))
            if lender == (name, part):
                continue
            beside = estimator_of(parts[part].spec.kind).beside_counts(parts[part])
            borrowed[name, part] = Borrowed(lender, _without(parts[part], beside))
            left[part] = beside
        own = {part: each for part, each in left.items() if each is not None}
        if not any((name, part) in borrowed for part in parts):
            asked[name] = request
        elif own:
            asked[name] = estimator.with_parts(request, own)
    return AskedOnce(asked, borrowed)


def _without(part: AnyRequest, beside: AnyRequest | None) -> tuple[str, ...]:
    """The arrays of a question, less those that are asked beside its counts."""
    own = () if beside is None else shapes_of(beside)
    return tuple(array for array in shapes_of(part) if array not in own)


def _named(part: str, array: str) -> str:
    return f"{part}.{array}" if part else array
