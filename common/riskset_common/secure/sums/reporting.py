"""A site's report of one round: its numbers under masks, and what it deposits so that the round can be opened without everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import HASH_BYTES, pair_seed, self_seed, stream_key
from riskset_common.primitives.masks import add_masks, subtract_masks
from riskset_common.primitives.ring import Words, encode_counts, encode_reals
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.deposits import seal, share_out
from riskset_common.secure.sums.setup import Setup, label_of
from riskset_common.secure.sums.site_session import (
    AnsweredRound,
    SessionSecrets,
    SiteSession,
    accepted,
    require_own,
)
from riskset_common.secure.sums.statements import (
    commitments_hash,
    pair_commitment,
    report_statement,
    self_commitment,
)
from riskset_common.wire.messages import Report, RoundRequest, masked_body
from riskset_common.wire.sections import vector_length

NO_ROUND = bytes(HASH_BYTES)
"""What the first request of a session comes after."""


@dataclass(frozen=True, slots=True)
class _Seeds:
    """The seeds of one round: s_ij by peer, and b_i in a recoverable one."""

    pairs: Mapping[int, bytes] = field(repr=False)
    own: bytes | None = field(repr=False)


def check_round(state: SiteSession, request: RoundRequest, *, identity: Identity) -> Report | None:
    """The report of a round that this site answered before; None where it may answer now; else a refusal. Run by a site.

    It looks at the session alone, and is to be called before the site looks at its records: whatever is refused here is refused in
    the same words and bytes whoever its patients are. A round is answered once. Two vectors under one mask reveal their difference,
    and one vector under two, in sums over changing company, reveals itself.

    Raises
    ------
    ProtocolRefusal
        Where session, set, profile, number, the round before or a repetition are not what they must be.
    """
    setup, _ = accepted(state)
    require_own(identity, state.roster, state.site_id)
    for earlier in state.answered:
        if earlier.round == request.round:
            _require_same(state, setup, earlier, request)
            return earlier.report
    label_of(setup, state.frozen, request)
    _require_next(state, request)
    return None


def report(
    state: SiteSession,
    request: RoundRequest,
    counts: NDArray[np.int64],
    reals: NDArray[np.float64],
    *,
    identity: Identity,
) -> tuple[SiteSession, Report]:
    """Mask and sign this site's numbers for one round (REP), after `check_round`. Run by a site.

    Asked again for a round that it answered, it gives the same bytes again, without a look at the numbers.

    Parameters
    ----------
    counts
        int64, shape (n_counts,): the counts of all sections in order.
    reals
        float64, shape (n_reals,): the reals of all sections in order.

    Raises
    ------
    EstimationError
        Where a number is too large for the sum.
    """
    earlier = check_round(state, request, identity=identity)
    if earlier is not None:
        return state, earlier
    setup, secrets = accepted(state)
    label = label_of(setup, state.frozen, request)
    _require_lengths(request, counts, reals)
    parties = len(setup.keys)
    masked = encode_counts(counts, parties), encode_reals(reals, parties)
    seeds = _seeds(state, setup, secrets, request, label)
    _mask(state.site_id, seeds, *masked)
    deposits = _deposits(state, setup, secrets, label, seeds)
    message = _signed(identity, state.site_id, label, seeds, deposits, *masked)
    answered = AnsweredRound(request.round, request.profile, label, message)
    return replace(state, answered=(*state.answered, answered)), message


def _require_lengths(
    request: RoundRequest, counts: NDArray[np.int64], reals: NDArray[np.float64]
) -> None:
    """Raise where there are not as many numbers as asked for."""
    asked = vector_length(request.sections, "counts"), vector_length(request.sections, "reals")
    if (len(counts), len(reals)) != asked:
        raise ProtocolRefusal(
            f"Round {request.round} asks for {asked[0]} counts and {asked[1]} reals; the summary holds {len(counts)} and {len(reals)}. "
            "A summary's length follows from the request alone."
        )


def _require_same(
    state: SiteSession, setup: Setup, earlier: AnsweredRound, request: RoundRequest
) -> None:
    """Raise unless a round that was answered is asked again as it was."""
    frozen = None if earlier.profile == "recoverable" else state.frozen
    before = [each.label for each in state.answered if each.round == request.round - 1]
    after = before[0] if before else NO_ROUND
    if (earlier.label, after) != (label_of(setup, frozen, request), request.after):
        raise ProtocolRefusal(
            f"Round {request.round} was already answered, to another question. "
            "A round is answered once; the centre must go on with the report it has, or start a new session."
        )


def _require_next(state: SiteSession, request: RoundRequest) -> None:
    """Raise unless the request follows on what this site signed last: rounds have no gaps, and a state that was set back shows."""
    if state.site_id not in request.participants:
        raise ProtocolRefusal(
            "This site is not one of those whose sums are opened: the first sum was opened without its report."
        )
    last = state.answered[-1] if state.answered else None
    number, label = (0, NO_ROUND) if last is None else (last.round, last.label)
    if request.round != number + 1 or request.after != label:
        raise ProtocolRefusal(
            f"Round {request.round} does not follow on round {number}, the last that this site knows. Either the centre left one out, or "
            "this site's state is older than what it sent: a machine that was set back takes part in new sessions only."
        )


def _seeds(
    state: SiteSession, setup: Setup, secrets: SessionSecrets, request: RoundRequest, label: bytes
) -> _Seeds:
    asked = frozenset(request.participants)
    masked_with = asked.intersection(setup.graph.neighbours(state.site_id))
    pairs = {
        peer.site_id: pair_seed(peer.mask, label)
        for peer in state.peers
        if peer.site_id in masked_with
    }
    recoverable = request.profile == "recoverable"
    return _Seeds(pairs, self_seed(secrets.self_root, label) if recoverable else None)


def _mask(site_id: int, seeds: _Seeds, counts: Words, reals: Words) -> None:
    """``y_i = x_i + PRG(b_i) + sum_j (+1 if i < j else -1) PRG(s_ij)``, in place; b_i in a recoverable round only."""
    above = [stream_key(seed) for peer, seed in seeds.pairs.items() if site_id < peer]
    below = [stream_key(seed) for peer, seed in seeds.pairs.items() if site_id > peer]
    own = [] if seeds.own is None else [stream_key(seeds.own)]
    add_masks(counts, reals, [*above, *own])
    subtract_masks(counts, reals, below)


def _deposits(
    state: SiteSession, setup: Setup, secrets: SessionSecrets, label: bytes, seeds: _Seeds
) -> bytes:
    """A deposit for each other member of the committee, in order; nothing in a strict round."""
    if seeds.own is None:
        return b""
    terms, keys = setup.terms, {peer.site_id: peer.to_seal for peer in state.peers}
    shared = share_out(
        secrets.self_root, label, seeds.pairs, seeds.own, terms.committee, terms.threshold
    )
    return b"".join(
        seal(keys[member], label, shared[member])
        for member in terms.committee
        if member != state.site_id
    )


def _commitments(site_id: int, label: bytes, seeds: _Seeds) -> tuple[bytes, ...]:
    """com_b, then com_k for every neighbour in order; nothing in a strict round, where no seed is ever shown."""
    if seeds.own is None:
        return ()
    pairs = (pair_commitment(label, site_id, peer, seed) for peer, seed in seeds.pairs.items())
    return (self_commitment(label, site_id, seeds.own), *pairs)


def _signed(
    identity: Identity,
    site_id: int,
    label: bytes,
    seeds: _Seeds,
    deposits: bytes,
    counts: Words,
    reals: Words,
) -> Report:
    masked, commitments = masked_body(counts, reals), _commitments(site_id, label, seeds)
    statement = report_statement(
        label,
        site_id,
        sha256(masked).digest(),
        sha256(deposits).digest(),
        commitments_hash(commitments),
    )
    return Report(
        label=label,
        site_id=site_id,
        counts_length=len(counts),
        reals_length=reals.shape[1],
        deposits_length=len(deposits),
        commitments=commitments,
        signature=identity.sign(statement),
        body=masked + deposits,
    )
