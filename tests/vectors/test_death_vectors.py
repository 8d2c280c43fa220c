"""The vectors of hidden deaths, which a second implementation wrote, replayed by the product: shares, and the last label."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import a_cohort, hidden_model_of, together
from tests.vectors.write_blind_vectors import secret
from tests.vectors.write_death_vectors import DEATHS, MOST

from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import from_bytes, to_bytes, to_integers
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, open_shares
from riskset_common.secure.blind.cox.hidden_deaths import death_shares

VECTORS = json.loads((Path(__file__).parent / "hidden_deaths.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize(
    "vector", VECTORS["committees"], ids=lambda each: f"{each['members']},{each['threshold']}"
)
def test_what_follows_from_hidden_deaths_is_that_of_the_vector(vector, ties):
    committee = Committee(tuple(range(vector["members"])), vector["threshold"])
    cohort = a_cohort(1, n=20, n_times=5)
    model = hidden_model_of(cohort, ties, days=[1.0, 2.0, 3.0, 4.0, 5.0], most=MOST)
    members = [
        Arithmetic(
            committee,
            i,
            {subset: secret("key", subset) for subset in committee.subsets_of(i)},
            bytes.fromhex(VECTORS["first_label"]),
        )
        for i in committee.members
    ]
    given = [from_bytes(bytes.fromhex(each)) for each in vector[ties]["shares"]]
    outcomes = together(
        committee,
        [death_shares(member, model, share) for member, share in zip(members, given, strict=True)],
    )
    found = [
        np.concatenate([each.none, each.whole, each.taken, each.logarithms], axis=1)
        if ties == "efron"
        else each.none
        for each in outcomes
    ]
    none = [int(d <= l) for d in DEATHS for l in range(MOST if ties == "efron" else 1)]

    assert {vector[ties]["label"]} == {member.label.hex() for member in members}
    assert vector[ties]["result"] == [to_bytes(each).hex() for each in found]
    assert none == to_integers(open_shares(committee, found))[: len(none)]
