"""Sums over whoever reported are exact: any committee, any loss that it can spare, values up to the edges of the rings."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.secure.sums.rule import Rule


@st.composite
def sessions(draw):
    """Answers of 4 to 9 sites in 1 to 3 rounds, a committee, who is lost in the first round, and who keeps silent."""
    n_sites = draw(st.integers(4, 9))
    committee = draw(st.sets(st.integers(0, n_sites - 1), min_size=3))
    rule = Rule("recoverable", tuple(sorted(committee)), 2)
    to_spare = len(committee) - rule.threshold
    away = draw(st.lists(st.sampled_from(sorted(committee)), max_size=to_spare, unique=True))
    n_lost = draw(st.integers(0, len(away)))
    lost, silent = set(away[:n_lost]), set(away[n_lost:])
    others = [i for i in range(n_sites) if i not in committee]
    lost |= draw(st.sets(st.sampled_from(others))) if others else set()
    limit = 2**62 // n_sites
    real_limit = float(2**47 // n_sites)
    real = st.floats(-real_limit, real_limit, exclude_min=True, exclude_max=True)
    on_grid = real.map(lambda v: v if v == 0 or abs(v) >= 2.0**-28 else 0.0)
    rounds = []
    for _ in range(draw(st.integers(1, 3))):
        n_counts, n_reals = draw(st.integers(0, 4)), draw(st.integers(0, 4))
        count = st.integers(1 - limit, limit - 1)
        rounds.append(
            {
                i: (
                    np.array(draw(st.lists(count, min_size=n_counts, max_size=n_counts)), np.int64),
                    np.array(
                        draw(st.lists(on_grid, min_size=n_reals, max_size=n_reals)), np.float64
                    ),
                )
                for i in range(n_sites)
            }
        )
    return n_sites, rule, rounds, lost, silent


@given(drawn=sessions())
def test_the_sum_over_those_who_reported_is_exact(consortium, question, drawn):
    n_sites, rule, rounds, lost, silent = drawn
    asked = [question(rounds[0])] + [question(answers) for answers in rounds[1:]]
    asked[0] = replace(asked[0], lost=frozenset(lost), silent=frozenset(silent))
    study = consortium(n_sites, "first", rule)
    here = tuple(i for i in range(n_sites) if i not in lost)
    if len(here) < rule.minimum_sites:
        return

    outcome = study.run(asked)

    for answers, pooled in zip(rounds, outcome.pooled, strict=True):
        counts = [answers[i][0].tolist() for i in here]
        reals = [answers[i][1].tolist() for i in here]
        exact = [sum(map(Fraction, column), Fraction(0)) for column in zip(*reals, strict=True)]

        assert here == pooled.participants
        assert [sum(column) for column in zip(*counts, strict=True)] == pooled.counts.tolist()
        assert [float(value) for value in exact] == pooled.reals.tolist()
