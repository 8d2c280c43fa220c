"""The attack on pooled risk-set sums, run on everything that the centre and one member of the committee receive.

Pooled S0 and S1 at event times are patients: from one event time to the next they change by the few who leave, and exp(x' β) at a few
known β tells which covariates these have. With q patterns of binary covariates, the differences are linear in the numbers of leavers by
pattern, and least squares finds whole numbers exactly. The attack recovers every patient from sums that are opened on purpose, and from
what two members of a committee of threshold 1 hold together; so it can fail.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import Cohort, channels_of, fit_blind, secret, setup_of

from riskset_common.primitives.prime_field import lagrange
from riskset_common.secure.blind.arithmetic.field import (
    add,
    constant,
    dot,
    from_bytes,
    multiply,
    subtract,
    to_integers,
    total,
)
from riskset_common.secure.blind.arithmetic.fixed_point import F, to_real
from riskset_common.secure.blind.arithmetic.random_shares import sum_of_streams
from riskset_common.secure.blind.arithmetic.shares import open_shares
from riskset_common.secure.blind.cox.wanted import WantedHazard
from riskset_common.secure.blind.parties.keys import accept_keys, unseal
from riskset_common.wire.blind_messages import BlindAsk, BlindInput, BlindKeys, BlindShare

N, P_COLUMNS, N_SITES = 150, 3, 5
PATTERNS = np.array(list(itertools.product([-1.0, 1.0], repeat=P_COLUMNS)))  # standardised


def binary_cohort() -> Cohort:
    random = np.random.default_rng(31)
    x = (random.random((N, P_COLUMNS)) < (0.5, 0.35, 0.25)).astype(float)
    hazard = np.exp(x @ (0.5, -0.4, 0.7)) / 300
    time = np.ceil(random.exponential(1 / hazard))
    return Cohort(time=time, event=random.random(N) < 0.8, x=x)


class Run:
    """A blind fit, and what its messages hold for whoever has the keys of some members."""

    def __init__(self):
        self.cohort = binary_cohort()
        site = np.random.default_rng(32).integers(0, N_SITES, N)
        self.model, outcome = fit_blind(self.cohort, site, N_SITES, ties="breslow")
        self.setup = setup_of(self.model, N_SITES)
        by_kind: dict[int, list[bytes]] = {}
        for message in outcome.carried:
            by_kind.setdefault(message[3], []).append(message)
        self.keys = [BlindKeys.from_bytes(each) for each in by_kind[BlindKeys.kind]]
        inputs = [BlindInput.from_bytes(each) for each in by_kind[BlindInput.kind]]
        self.inputs = [inputs[k : k + N_SITES] for k in range(0, len(inputs), N_SITES)]
        asks = [BlindAsk.from_bytes(each) for each in by_kind[BlindAsk.kind]]
        self.betas = list(dict.fromkeys(ask.beta for ask in asks))
        self.shares = [BlindShare.from_bytes(each) for each in by_kind[BlindShare.kind]]

    def held_by(self, member: int):
        """The keys that a member opened."""
        channels = channels_of(member, N_SITES)
        return accept_keys(self.setup, member, secret("site", member), channels, self.keys)

    def uploads(self):
        """The sums of all uploads, one vector for each evaluation: what the centre can add up."""
        return [
            total(np.stack([from_bytes(each.body) for each in group], axis=-1))
            for group in self.inputs
        ]

    def without_known_masks(self, member: int):
        """The same, less every mask of which a member has the key."""
        held = self.held_by(member).inputs
        found = []
        for upload, group in zip(self.uploads(), self.inputs, strict=True):
            keys = [key for site in held.values() for key in site.values()]
            found.append(
                subtract(upload, sum_of_streams(keys, b"input", group[0].label, upload.shape[1]))
            )
        return found

    def share_of(self, member: int):
        """A member's shares of the sums."""
        held, committee = self.held_by(member).inputs, self.setup.committee
        found = []
        for upload, group in zip(self.uploads(), self.inputs, strict=True):
            masks = [
                (
                    constant(committee.indicator(subset, member + 1)),
                    sum_of_streams(
                        [site[subset] for site in held.values()],
                        b"input",
                        group[0].label,
                        upload.shape[1],
                    ),
                )
                for subset in committee.subsets_of(member + 1)
            ]
            found.append(subtract(upload, dot(masks)))
        return found

    def first_openings(self):
        """What the members open first in each evaluation, A times a public start, as any member can put it together."""
        by_label: dict[bytes, dict[int, Any]] = {}
        for share in self.shares:
            channel = channels_of(share.receiver, N_SITES)[share.sender]
            content = unseal(
                channel, b"share", share.label, share.sender, share.receiver, share.body
            )
            by_label.setdefault(share.label, {})[share.sender] = from_bytes(content)
        return [
            open_shares(self.setup.committee, [held[i] for i in sorted(held)])
            for held in by_label.values()
        ]


@pytest.fixture(scope="module")
def run() -> Run:
    return Run()


def recovered(run: Run, views) -> int:
    """How many patients' covariates follow from S0 and S1, given one view of the sums for each evaluation."""
    model, rows = run.model, []
    design = np.column_stack([np.ones(len(PATTERNS)), PATTERNS])
    for beta, view in zip(run.betas, views, strict=True):
        sums = to_real(to_integers(view), F)[: (1 + P_COLUMNS) * model.n_slots]
        at_risk = sums.reshape(1 + P_COLUMNS, model.n_slots)
        left = at_risk - np.append(at_risk[:, 1:], np.zeros((1 + P_COLUMNS, 1)), axis=1)
        rows.append((np.exp(PATTERNS @ beta)[:, np.newaxis] * design, left))
    equations = np.concatenate([each for each, _ in rows], axis=1).T
    seen = np.concatenate([left for _, left in rows])
    found = np.rint(np.linalg.lstsq(equations, seen, rcond=1e-13)[0])
    truth = leavers(run)
    right = np.all(found == truth, axis=0)
    return int(truth[:, right].sum())


def leavers(run: Run) -> np.ndarray:
    """The true numbers of patients by pattern who leave after each event time, shape (patterns, n_slots)."""
    standard = run.model.standardised(run.cohort.x)
    pattern = np.array([int(np.flatnonzero((PATTERNS == row).all(axis=1))[0]) for row in standard])
    slot = np.searchsorted(np.array(run.model.slot_times), run.cohort.time, side="right") - 1
    table = np.zeros((len(PATTERNS), run.model.n_slots))
    np.add.at(table, (pattern[slot >= 0], slot[slot >= 0]), 1)
    return table


def at_risk_anywhere(run: Run) -> int:
    return int(leavers(run).sum())


def test_opened_sums_give_every_patient_away(run):
    """Two members of a committee of threshold 1 put their shares together: the sums, and with them everybody."""
    first, second = run.share_of(0), run.share_of(1)
    weights = [constant(each) for each in lagrange([1, 2], 0)]
    opened = [
        dot(list(zip(weights, pair, strict=True))) for pair in zip(first, second, strict=True)
    ]

    assert N * 0.95 < at_risk_anywhere(run)
    assert at_risk_anywhere(run) == recovered(run, opened)


def test_what_the_centre_receives_gives_nobody_away(run):
    assert recovered(run, run.uploads()) == 0


@pytest.mark.parametrize("member", [0, 1, 2])
def test_what_the_centre_and_one_member_hold_together_gives_nobody_away(run, member):
    assert recovered(run, run.without_known_masks(member)) == 0
    assert recovered(run, run.share_of(member)) == 0


@pytest.mark.parametrize("member", [0, 1, 2])
def test_uploads_less_all_known_masks_stay_uniform(run, member):
    """Chi-square of the upper bytes, 255 degrees of freedom."""
    views = run.without_known_masks(member)
    counted = np.zeros(256)
    for view in views:
        values = [abs(value) >> 200 & 0xFFFFFFFFFF for value in to_integers(view)]
        raw = b"".join(value.to_bytes(5, "little") for value in values)
        counted += np.bincount(np.frombuffer(raw, np.uint8), minlength=256)
    expected = counted.sum() / 256

    assert float(((counted - expected) ** 2 / expected).sum()) < 340


def test_no_opened_value_is_one_of_the_hidden_sums(run):
    """Every value a member sees opened, apart from the results, carries a mask of its own: nowhere is one near what it hides."""
    first, second = run.share_of(0), run.share_of(1)
    weights = [constant(each) for each in lagrange([1, 2], 0)]
    hidden = to_integers(dot([(weights[0], first[0]), (weights[1], second[0])]))
    sizes = {abs(value).bit_length() for value in hidden}
    n_results = 1 + P_COLUMNS + P_COLUMNS * (P_COLUMNS + 1) // 2
    masked = [opened for opened in run.first_openings() if opened.shape[1] > n_results]

    assert max(sizes) < 80
    assert len(masked) > 30
    for opened in masked:
        values = [abs(value).bit_length() for value in to_integers(opened)]

        # Masks have 240 bits; all but one in a thousand million keep more than 210.
        assert min(values) > 210


def test_the_same_sum_is_never_masked_twice_alike(run):
    """Differences of two evaluations' uploads, and of two members' views, hide as much as each of them."""
    views = run.without_known_masks(0)
    apart = [subtract(a, b) for a, b in itertools.pairwise(views)]
    both = [add(a, b) for a, b in zip(views, run.without_known_masks(1), strict=True)]

    assert recovered(run, [*apart, apart[0]]) == 0
    assert recovered(run, both) == 0
    assert recovered(run, [multiply(view, constant(2)) for view in views]) == 0


def test_an_exact_hazard_of_a_block_gives_its_deaths_away_and_one_of_few_bits_does_not():
    """20 single deaths, one binary covariate: all patterns are tried against the hazard and its first variance term, as opened.

    The covariate of the last death shows in no risk set of the block; 19 others do.
    """
    m, n_exposed, n = 20, 30, 60
    codes = np.arange(1 << (m - 1))
    exposed = np.full(len(codes), float(n_exposed))
    hazard, square = np.zeros(len(codes)), np.zeros(len(codes))
    for k in range(m):
        step = 1 / (exposed * np.exp(0.4) + (n - k - exposed))
        hazard += step
        square += step**2
        exposed -= codes >> k & 1
    truth = int(np.random.default_rng(33).choice(codes))

    def fitting(bits: int) -> int:
        wanted = WantedHazard((1.0,), (0.0,), bits)
        near = np.abs(hazard - hazard[truth]) <= 2.0**-bits
        return int((near & (np.abs(square - square[truth]) <= 2.0**-wanted.variance_bits)).sum())

    assert fitting(50) == 1
    assert fitting(m // 2) > 1000
