"""What a round asks once for several analyses: curves of the same patients in the same groups are made of the same counts.

The sites know nothing of it. They answer what they are asked, and what an analysis is not asked it has from another.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from riskset_common.estimators.catalogue import counted_by, estimator_of, parts_of
from riskset_common.estimators.composed.landmark import Landmark
from riskset_common.estimators.curves.counts import COUNTED
from riskset_common.rounds.questions import AnyRequest

Part = tuple[str, str]
"""An analysis, and a part of it; a part without a name where it is one by itself."""

Arrays = Mapping[str, Mapping[str, Any]]
"""Pooled arrays by analysis and name."""


@dataclass(frozen=True)
class AskedOnce:
    """The requests of a round, each count in one of them only.

    Attributes
    ----------
    requests
        What is asked, by analysis; an analysis whose counts are all asked elsewhere is not among them.
    borrowed
        The parts that have their counts from another, and that other.
    """

    requests: Mapping[str, AnyRequest]
    borrowed: Mapping[Part, Part]

    def completed(self, pooled: Arrays) -> dict[str, dict[str, Any]]:
        """The pooled arrays of all analyses, as if each had been asked all that it needs."""
        found = {name: dict(arrays) for name, arrays in pooled.items()}
        for (name, part), (lender, lent) in self.borrowed.items():
            arrays = pooled[lender]
            found.setdefault(name, {}).update(
                {
                    _named(part, each): arrays[_named(lent, each)]
                    for each in COUNTED
                    if _named(lent, each) in arrays
                }
            )
        return found


def ask_once(requests: Mapping[str, AnyRequest]) -> AskedOnce:
    """Ask each count in the first analysis that needs it."""
    asked: dict[str, AnyRequest] = {}
    borrowed: dict[Part, Part] = {}
    lenders: dict[Hashable, Part] = {}
    for name, request in requests.items():
        parts = parts_of(request)
        lent = {
            part: lenders.setdefault(_counts(request, each), (name, part))
            for part, each in parts.items()
        }
        borrows = {part: lender for part, lender in lent.items() if lender != (name, part)}
        if not borrows:
            asked[name] = request
            continue
        borrowed |= {(name, part): lender for part, lender in borrows.items()}
        left = {
            part: _beside_counts(each) if part in borrows else each for part, each in parts.items()
        }
        own = {part: each for part, each in left.items() if each is not None}
        if own:
            asked[name] = _with_parts(request, own)
    return AskedOnce(asked, borrowed)


def _counts(request: AnyRequest, part: AnyRequest) -> Hashable:
    """What the counts of a part depend on; what is like no other where it counts nothing, or other patients than its endpoint has."""
    at_landmark = isinstance(estimator_of(request.spec.kind), Landmark)
    counts = None if at_landmark else counted_by(part)
    return (request.spec.id, part.spec.id) if counts is None else counts


def _beside_counts(part: AnyRequest) -> AnyRequest | None:
    """What a part asks beside its counts, if it does."""
    if part.state.n_steps is None:
        return None
    rest = replace(part, state=part.state.model_copy(update={"counted": True}))
    return rest if estimator_of(part.spec.kind).shapes(rest) else None


def _with_parts(request: AnyRequest, left: Mapping[str, AnyRequest]) -> AnyRequest:
    """An analysis that asks some of its parts only."""
    return left[""] if "" in left else replace(request, state=type(request.state).of(left))


def _named(part: str, array: str) -> str:
    return f"{part}.{array}" if part else array
