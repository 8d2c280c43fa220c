"""The opening of a round: the sum, and the transcript from which everybody can add it up again.

After a round is opened its masked reports and seeds are no secret any more: they tell what the sum tells. The centre publishes them,
and a site that checks them knows that the result is the sum of what the sites signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

import numpy as np

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import stream_key
from riskset_common.primitives.masks import add_masks, subtract_masks
from riskset_common.primitives.ring import WORD, Words, add_counts, add_reals
from riskset_common.primitives.strict_fields import Profile
from riskset_common.secure.sums.contributors import check_contributors, check_header, dropped_pairs
from riskset_common.secure.sums.setup import Setup
from riskset_common.secure.sums.statements import commitments_hash, pair_commitment, self_commitment
from riskset_common.wire.messages import Opening, words_of

Pairs = Sequence[tuple[int, int]]


def unmasked_sum(
    vectors: Iterable[bytes | memoryview],
    lengths: tuple[int, int],
    self_seeds: Iterable[bytes],
    pairs: Pairs,
    pair_seeds: Sequence[bytes],
) -> tuple[Words, Words]:
    """The sum of masked vectors without the masks that are left in it. Run by the centre, and by whoever checks it.

    ``sum_j y_j - sum_j PRG(b_j) - sum_{(j, i)} (+1 if j < i else -1) PRG(s_ji)``, j a contributor and i a peer that dropped out.

    Parameters
    ----------
    lengths
        Counts and reals in each vector.
    """
    counts, reals = np.zeros(lengths[0], WORD), np.zeros((2, lengths[1]), WORD)
    for vector in vectors:
        more_counts, more_reals = words_of(vector, lengths[0])
        add_counts(counts, more_counts)
        add_reals(reals, more_reals)
    keyed = list(zip(pairs, map(stream_key, pair_seeds), strict=True))
    added = [*map(stream_key, self_seeds), *(key for (j, i), key in keyed if j < i)]
    subtract_masks(counts, reals, added)
    add_masks(counts, reals, [key for (j, i), key in keyed if j > i])
    return counts, reals


def check_seeds(
    setup: Setup,
    label: bytes,
    contributors: Sequence[int],
    commitments: Sequence[Sequence[bytes]],
    seeds: Sequence[bytes],
) -> tuple[int, ...]:
    """Places of the seeds (self seeds, then dropped pairs) that differ from what their sites committed to. Empty when all fit."""
    pairs = dropped_pairs(setup, contributors)
    own = dict(zip(contributors, commitments, strict=True))
    expected = [own[j][0] for j in contributors]
    expected += [own[j][1 + setup.graph.neighbours(j).index(i)] for j, i in pairs]
    recomputed = [
        self_commitment(label, j, seed) for j, seed in zip(contributors, seeds, strict=False)
    ]
    recomputed += [
        pair_commitment(label, j, i, seed)
        for (j, i), seed in zip(pairs, seeds[len(contributors) :], strict=True)
    ]
    return tuple(k for k, each in enumerate(recomputed) if each != expected[k])


def verify_opening(
    setup: Setup,
    roster: Roster,
    opening: Opening,
    *,
    label: bytes,
    profile: Profile,
    frozen: tuple[int, ...] | None,
    minimum_sites: int,
) -> tuple[int, ...]:
    """The sites in the sum, or a refusal unless the published sum is that of reports which these sites signed. Run by a site.

    Parameters
    ----------
    label, profile
        Of the round as this party was asked it.
    frozen
        The set, where this party knows it already.
    """
    if opening.label != label:
        raise ProtocolRefusal(
            f"The opening of round {opening.round} belongs to another question than the one this site was asked."
        )
    contributors = check_contributors(
        setup, frozen, opening.contributors, minimum_sites=minimum_sites
    )
    _, *vectors = opening.vectors
    for header, vector, commitments in zip(
        opening.contributors, vectors, opening.commitments, strict=True
    ):
        if (header.masked, header.commitments) != (
            sha256(vector).digest(),
            commitments_hash(commitments),
        ):
            raise ProtocolRefusal(
                f"The opening of round {opening.round} shows another report of site {roster.name(header.site_id)!r} than the one it signed."
            )
        check_header(roster, label, header, opening.round)
    _check_sum(setup, opening, contributors, profile)
    return contributors


def _check_sum(
    setup: Setup, opening: Opening, contributors: tuple[int, ...], profile: Profile
) -> None:
    recoverable = profile == "recoverable"
    pairs = dropped_pairs(setup, contributors) if recoverable else ()
    awaited = len(contributors) + len(pairs) if recoverable else 0
    if len(opening.seeds) != awaited:
        raise ProtocolRefusal(
            f"The opening of round {opening.round} shows {len(opening.seeds)} seeds; {awaited} are needed to add the sum up again."
        )
    own, rest = opening.seeds[: len(contributors)], opening.seeds[len(contributors) :]
    if recoverable and check_seeds(
        setup, opening.label, contributors, opening.commitments, opening.seeds
    ):
        raise ProtocolRefusal(
            f"The opening of round {opening.round} shows seeds to which no site committed itself."
        )
    shown, *vectors = opening.vectors
    lengths = opening.counts_length, opening.reals_length
    counts, reals = unmasked_sum(vectors, lengths, own, pairs, rest)
    if not all(map(np.array_equal, (counts, reals), words_of(shown, lengths[0]))):
        raise ProtocolRefusal(
            f"The sum that the centre publishes for round {opening.round} is not the sum of the reports. "
            "Keep the opening as evidence, and ask the centre what it reported."
        )
