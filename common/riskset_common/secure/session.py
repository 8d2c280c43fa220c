"""The site's side of a secure sum: join a session, accept its keys once, answer each round once.

Nothing here reads a clock, draws a random number or stores anything. A site's node draws the 32 bytes of a session key from its
operating system, writes the state down before a message leaves, and deletes it when the session closes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import ProtocolRefusal, RisksetError, SignatureRefusal
from riskset_common.secure.binding import (
    SessionKey,
    advertisement_statement,
    agreement_hash,
    offer_statement,
    refusal_statement,
    report_statement,
    session_id,
)
from riskset_common.secure.kdf import H, ephemeral_public, mask_key, pair_root, pair_streams
from riskset_common.secure.prg import add_masks, subtract_masks
from riskset_common.secure.ring import Words, encode_counts, encode_reals
from riskset_common.secure.roster import Roster
from riskset_common.secure.sections import vector_length
from riskset_common.secure.setup import Setup, check_keys, label_of, session_key
from riskset_common.signing import Identity, verify
from riskset_common.wire import (
    Advertisement,
    Keys,
    Offer,
    Refused,
    Report,
    RoundRequest,
    WireCode,
    masked_body,
)


@dataclass(frozen=True, slots=True)
class AnsweredRound:
    """What a site remembers of a round it answered: enough to answer again with the same bytes, and never with others.

    Attributes
    ----------
    round
        Its number.
    label
        What its masks were bound to, 32 bytes.
    content
        Hash of the numbers under the masks, 32 bytes.
    report
        The report that was sent.
    """

    round: int
    label: bytes
    content: bytes
    report: Report


@dataclass(frozen=True, slots=True)
class SiteSession:
    """All that a site keeps of one session, as a value: each step returns the next one, to be stored before anything is sent.

    Attributes
    ----------
    site_id
        The site's own number.
    sid
        The session, as the site computed it from plan, codebook, roster and nonce.
    roster
        The roster the site trusts.
    advertisement
        What it sent to join.
    ephemeral_private
        Its X25519 session key; dropped as soon as the keys of the pairs are derived from it.
    setup
        The frozen set of sites, once keys were accepted.
    mask_keys
        K_mask by peer. Secret: with them the reports of this session could be unmasked.
    answered
        The rounds answered so far.
    """

    site_id: int
    sid: bytes
    roster: Roster
    advertisement: Advertisement
    ephemeral_private: bytes | None = field(repr=False)
    setup: Setup | None = None
    mask_keys: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)
    answered: tuple[AnsweredRound, ...] = ()


def open_offer(offer: Offer, *, centre: bytes, roster: Roster) -> bytes:
    """The session (SID) of an offer from the centre this site knows, for the roster this site trusts; else a refusal.

    Whether the plan may run is for the site's approval and policy to say; this says only that the offer is the centre's.
    """
    if offer.centre != centre:
        raise SignatureRefusal(
            "The offer is signed with another key than that of the centre this site joined."
        )
    if offer.roster.hash != roster.hash:
        raise SignatureRefusal(
            f"The offer brings roster version {offer.roster.version}, which is not the one this site trusts "
            f"(version {roster.version}). A new roster must reach the site by the way agreed for rosters first."
        )
    plan_hash = agreement_hash(offer.plan_json, offer.codebook_json)
    sid = session_id(plan_hash, roster.hash, offer.nonce)
    verify(centre, offer.signature, offer_statement(sid), "the centre's offer")
    return sid


def advertise(
    identity: Identity,
    site_id: int,
    sid: bytes,
    ephemeral_private: bytes,
    snapshot_commitment: bytes,
    roster: Roster,
) -> tuple[SiteSession, Advertisement]:
    """Join a session (ADV). Run by a site, once for each session.

    Parameters
    ----------
    identity
        The site's signing key; the roster holds its public half.
    sid
        From `open_offer`; the caller makes sure that it was never used before.
    ephemeral_private
        32 bytes from the operating system's random source, made for this session alone.
    snapshot_commitment
        See `binding.snapshot_commitment`.
    """
    _require_own(identity, roster, site_id)
    key = SessionKey(site_id, ephemeral_public(ephemeral_private), snapshot_commitment)
    advertisement = Advertisement(
        sid=sid,
        site_id=site_id,
        ephemeral=key.ephemeral,
        snapshot=key.snapshot,
        signature=identity.sign(advertisement_statement(sid, roster.hash, key)),
    )
    return SiteSession(site_id, sid, roster, advertisement, ephemeral_private), advertisement


def accept_keys(state: SiteSession, keys: Keys, *, minimum_sites: int) -> SiteSession:
    """Freeze the set of sites and derive the pairs' keys (KEYS). Run by a site; accepts one set for a session, ever.

    Parameters
    ----------
    minimum_sites
        n_min: the stricter of what the plan and this site's policy ask for.
    """
    setup = check_keys(state.sid, state.roster, keys)
    if state.setup is not None:
        if state.setup != setup:
            raise ProtocolRefusal(
                "The centre sends other keys than those this site accepted for the session. Sums over two sets of sites would "
                "differ by single sites; a changed set needs a new session and a new approval."
            )
        return state
    if len(setup.keys) < minimum_sites:
        raise ProtocolRefusal(
            f"The session has {len(setup.keys)} sites; this site takes part in sums over {minimum_sites} or more only."
        )
    if session_key(state.advertisement) not in setup.keys:
        raise ProtocolRefusal(
            "The list of keys does not hold the session key that this site sent. The centre must list it unchanged."
        )
    return replace(state, setup=setup, mask_keys=_mask_keys(state, setup), ephemeral_private=None)


def report(
    state: SiteSession,
    request: RoundRequest,
    counts: NDArray[np.int64],
    reals: NDArray[np.float64],
    *,
    identity: Identity,
) -> tuple[SiteSession, Report]:
    """Mask and sign this site's numbers for one round (REP). Run by a site.

    Asked again for the same round with the same numbers, it gives the same bytes again. It refuses a second use of a round with
    another question or other numbers: two vectors under one mask reveal their difference, and one vector under two, in sums over
    changing company, reveals itself.

    Parameters
    ----------
    counts
        int64, shape (n_counts,): the counts of all sections in order.
    reals
        float64, shape (n_reals,): the reals of all sections in order.
    """
    setup = _accepted(state)
    _require_own(identity, state.roster, state.site_id)
    label = label_of(setup, request)
    masked = _encoded(request, counts, reals, parties=len(setup.keys))
    content = H(b"content", *(words.tobytes() for words in masked))
    for earlier in state.answered:
        if earlier.round == request.round:
            if (earlier.label, earlier.content) != (label, content):
                raise ProtocolRefusal(
                    f"Round {request.round} was already answered, to another question or with other numbers. "
                    "A round is answered once; the centre must go on with the report it has, or start a new session."
                )
            return state, earlier.report
    _mask(state, label, *masked)
    message = _signed(identity, state.site_id, label, *masked)
    answered = AnsweredRound(request.round, label, content, message)
    return replace(state, answered=(*state.answered, answered)), message


def refuse(
    identity: Identity, site_id: int, sid: bytes, round_number: int, error: RisksetError
) -> Refused:
    """Tell the centre that this site says no, and of what kind the reason is. Run by a site; the reason's words stay here."""
    known = error.wire_code in get_args(WireCode)
    wire_code = cast(WireCode, error.wire_code) if known else "failed"
    return Refused(
        sid=sid,
        site_id=site_id,
        round=round_number,
        wire_code=wire_code,
        signature=identity.sign(refusal_statement(sid, site_id, round_number, wire_code)),
    )


def _require_own(identity: Identity, roster: Roster, site_id: int) -> None:
    member = roster.member(site_id)
    if member.public != identity.public:
        raise ProtocolRefusal(
            f"The roster (version {roster.version}) lists another key for site {member.name!r} than the one in this site's key file. "
            "Use the key whose fingerprint was entered, or have the roster renewed."
        )


def _accepted(state: SiteSession) -> Setup:
    if state.setup is None:
        raise ProtocolRefusal(
            "A round was asked before the keys of the session arrived. The centre must send them first."
        )
    return state.setup


def _mask_keys(state: SiteSession, setup: Setup) -> tuple[tuple[int, bytes], ...]:
    if state.ephemeral_private is None:
        raise ProtocolRefusal(
            "The session key is gone: this state was stored in the middle of a step. Join a new session."
        )
    return tuple(
        (
            peer.site_id,
            mask_key(
                pair_root(
                    state.ephemeral_private,
                    state.site_id,
                    peer.site_id,
                    peer.ephemeral,
                    state.sid,
                )
            ),
        )
        for peer in setup.keys
        if peer.site_id != state.site_id
    )


def _encoded(
    request: RoundRequest, counts: NDArray[np.int64], reals: NDArray[np.float64], parties: int
) -> tuple[Words, Words]:
    encoded = encode_counts(counts, parties), encode_reals(reals, parties)
    asked = (
        vector_length(request.sections, "counts"),
        vector_length(request.sections, "reals"),
    )
    if (len(counts), len(reals)) != asked:
        raise ProtocolRefusal(
            f"Round {request.round} asks for {asked[0]} counts and {asked[1]} reals; the summary holds {len(counts)} and {len(reals)}. "
            "A summary's length follows from the request alone."
        )
    return encoded


def _mask(state: SiteSession, label: bytes, counts: Words, reals: Words) -> None:
    """``y_i = x_i + sum_j (+1 if i < j else -1) PRG(s_ij)``, in place: of each pair one site adds and the other subtracts."""
    streams = pair_streams(state.mask_keys, label)
    above = [key for peer, key in streams.items() if state.site_id < peer]
    below = [key for peer, key in streams.items() if state.site_id > peer]
    add_masks(counts, reals, above)
    subtract_masks(counts, reals, below)


def _signed(identity: Identity, site_id: int, label: bytes, counts: Words, reals: Words) -> Report:
    body = masked_body(counts, reals)
    return Report(
        label=label,
        site_id=site_id,
        counts_length=len(counts),
        reals_length=reals.shape[1],
        signature=identity.sign(report_statement(label, site_id, body)),
        body=body,
    )
