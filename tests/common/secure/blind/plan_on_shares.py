"""The programs of a whole plan at all members of a committee, on shares of the pooled counts, in one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tests.common.release.rounded import computation
from tests.common.secure.blind.blind_parties import arithmetics, shared, together
from tests.common.secure.blind.on_shares import program_on_shares

from riskset_common.rounds.counting import Outcome
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import from_integers
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.expressions.on_shares import OnShares
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study


def released_on_shares(
    study: Study,
    sites: Sequence[Patients],
    committee: Committee,
    watched: Callable[[Arithmetic, Opening[Outcome]], Opening[Outcome]] = lambda _, each: each,
    others: Sequence[Sequence[Patients]] = (),
) -> tuple[Outcome, Arithmetic]:
    """What the plan of a study gives of the patients of its sites, at the first member; all members come to the same.

    With others, who may be as many and of the same days, what is counted tells of these patients and of those in turn.
    """
    work, facts = computation(study, sites)
    members = arithmetics(committee)
    data: list[dict[Any, dict[str, Any]]] = [{} for _ in members]
    prepared = [[work.values(each) for each in those] for those in (sites, *others)]
    for number, counted in enumerate(work.counted(facts)):
        own = [counted.of(each, work.study) for each in prepared[number % len(prepared)]]
        for name, array in counted.arrays(work.study).items():
            pooled = np.sum([each[name] for each in own], axis=0)
            unit = 1 << array.fraction_bits
            numbers = from_integers(
                int(x) if unit == 1 else round(float(x) * unit) for x in pooled.ravel()
            )
            largest = facts.patients if array.largest is None else len(sites) * array.largest
            dealt = zip(members, data, shared(committee, numbers), strict=True)
            for member, held, share in dealt:
                hidden = OnShares(member).hidden(share, array.shape, largest, array.fraction_bits)
                held.setdefault(counted, {})[name] = hidden
    programs = [
        watched(member, program_on_shares(member, work.program(facts, held, OnShares(member))))
        for member, held in zip(members, data, strict=True)
    ]
    outcomes = together(committee, programs)
    # Written out, as a number that is none equals no other.
    assert 1 == len({repr(each) for each in outcomes})
    return outcomes[0], members[0]
