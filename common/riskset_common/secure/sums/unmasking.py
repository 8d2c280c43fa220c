"""The committee member's side of an opening: one set of shares for one round, and never both kinds for one site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import pair_seed, self_seed
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.contributors import check_contributors, check_header, dropped_pairs
from riskset_common.secure.sums.deposits import SEALED_BYTES, open_pieces, share_out
from riskset_common.secure.sums.setup import Setup
from riskset_common.secure.sums.site_session import (
    AnsweredRound,
    SessionSecrets,
    SiteSession,
    UnmaskedRound,
    accepted,
    require_own,
)
from riskset_common.secure.sums.statements import unmask_statement
from riskset_common.wire.messages import UnmaskAnswer, UnmaskRequest


def answer_unmask(
    state: SiteSession, request: UnmaskRequest, *, identity: Identity
) -> tuple[SiteSession, UnmaskAnswer]:
    """Give away this member's shares of one round (URES). Run by a committee member.

    Of each contributor the share of its self seed; of each of its peers that dropped out the share of the pair's seed. The set of
    contributors is fixed by this: the member answers for another set neither in this round nor in any later one. Asked again for
    the same set, it gives the same bytes.
    """
    setup, secrets = accepted(state)
    require_own(identity, state.roster, state.site_id)
    asked = _round_reported(state, setup, request)
    contributors = check_contributors(
        setup, state.frozen, request.contributors, minimum_sites=state.minimum_sites
    )
    for header in request.contributors:
        check_header(state.roster, request.label, header, request.round)
    for earlier in state.unmasked:
        if earlier.round == request.round:
            return state, earlier.answer
    shares = _shares(state, setup, secrets, request, contributors)
    statement = unmask_statement(request.label, state.site_id, contributors, shares)
    answer = UnmaskAnswer(
        label=request.label,
        site_id=state.site_id,
        shares_length=len(shares),
        signature=identity.sign(statement),
        body=shares,
    )
    answered = UnmaskedRound(asked.round, contributors, answer)
    return replace(state, unmasked=(*state.unmasked, answered), frozen=contributors), answer


def _round_reported(state: SiteSession, setup: Setup, request: UnmaskRequest) -> AnsweredRound:
    if request.sid != state.sid:
        raise ProtocolRefusal(
            "The request for shares belongs to another session than the one of this site."
        )
    if state.site_id not in setup.terms.committee:
        raise ProtocolRefusal(
            "This site is not on the committee of the session, so it holds no shares to give."
        )
    for earlier in state.answered:
        if earlier.round == request.round:
            if earlier.label != request.label:
                raise ProtocolRefusal(
                    f"The request for shares of round {request.round} is for another question than the one this site answered."
                )
            if earlier.profile == "strict":
                raise ProtocolRefusal(
                    f"Round {request.round} is strict: nobody holds shares of it, and the sum opens when all reports are there."
                )
            return earlier
    raise ProtocolRefusal(
        f"This site sent no report in round {request.round}, so it opens none. If it did send one, its state is older than that: "
        "a machine that was set back takes part in new sessions only."
    )


def _shares(
    state: SiteSession,
    setup: Setup,
    secrets: SessionSecrets,
    request: UnmaskRequest,
    contributors: tuple[int, ...],
) -> bytes:
    """Shares of the self seeds of all contributors, then of their pairs with sites that dropped out."""
    pairs = dropped_pairs(setup, contributors)
    wanted: dict[int, list[int]] = {j: [0] for j in contributors}
    for j, i in pairs:
        wanted[j].append(1 + setup.graph.neighbours(j).index(i))
    others = [j for j in contributors if j != state.site_id]
    if len(request.body) != SEALED_BYTES * sum(len(wanted[j]) for j in others):
        raise ProtocolRefusal(
            "The request for shares does not hold the deposits of its contributors and no others. "
            "A member opens one kind of share of a site, never both."
        )
    envelope = {peer.site_id: peer.to_open for peer in state.peers}
    opened: dict[int, dict[int, bytes]] = {}
    rest = request.body
    for j in others:
        sealed, rest = _pieces(rest, wanted[j])
        opened[j] = open_pieces(envelope[j], request.label, sealed, j)
    if state.site_id in wanted:
        own = _own_shares(state, setup, secrets, request.label)
        opened[state.site_id] = {index: own[index] for index in wanted[state.site_id]}
    ordered = [opened[j][0] for j in contributors]
    ordered += [opened[j][index] for j in contributors for index in wanted[j][1:]]
    return b"".join(ordered)


def _pieces(rest: bytes, indices: Sequence[int]) -> tuple[dict[int, bytes], bytes]:
    sealed = {
        index: rest[SEALED_BYTES * k : SEALED_BYTES * (k + 1)] for k, index in enumerate(indices)
    }
    return sealed, rest[SEALED_BYTES * len(indices) :]


def _own_shares(
    state: SiteSession, setup: Setup, secrets: SessionSecrets, label: bytes
) -> list[bytes]:
    """What this site would have sealed for itself."""
    terms, root = setup.terms, secrets.self_root
    neighbours = frozenset(setup.graph.neighbours(state.site_id))
    seeds = {
        peer.site_id: pair_seed(peer.mask, label)
        for peer in state.peers
        if peer.site_id in neighbours
    }
    own_seed = self_seed(root, label)
    alone = (state.site_id,)
    return share_out(root, label, seeds, own_seed, alone, terms.threshold)[state.site_id]
