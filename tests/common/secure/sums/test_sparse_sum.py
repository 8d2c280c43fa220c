"""Sums over a sparse graph: as exact as over the complete one, with sites lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.sums import rule as rules
from riskset_common.secure.sums.rule import Rule


@pytest.fixture
def sparse(monkeypatch):
    """Six peers a site, whatever the number of sites."""
    monkeypatch.setattr(rules, "degree_for", lambda n_sites: 6)


def test_a_sparse_session_with_losses_opens_the_exact_sum(sparse, consortium, question):
    committee = tuple(range(0, 30, 4))
    study = consortium(30, "first", Rule("recoverable", committee, 20))
    rng = np.random.default_rng(3)
    answers = {i: (rng.integers(0, 99, 40), rng.normal(size=10)) for i in range(30)}
    asked = question(answers)
    lost = frozenset({1, 2, 15})

    outcome = study.run([_without(asked, lost), asked])

    here = [i for i in range(30) if i not in lost]
    for pooled in outcome.pooled:
        assert np.sum([answers[i][0] for i in here], axis=0).tolist() == pooled.counts.tolist()
        assert tuple(here) == pooled.participants


def test_a_centre_that_says_a_sites_peers_dropped_out_is_refused(sparse, consortium):
    study = consortium(30, "first", Rule("recoverable", tuple(range(0, 30, 4)), 5))
    setup, _, states = study.joined()
    request = study.request(setup, 1, 0)
    reports = study.reports(states, request, study.zeros(1, 0))
    around = setup.graph.neighbours(7)
    left = {i: each for i, each in reports.items() if i not in around[:5]}
    with pytest.raises(ProtocolRefusal, match="peers of site number"):
        study.unmasked(setup, states, request, left)


def _without(asked, lost):
    return replace(asked, lost=lost)
