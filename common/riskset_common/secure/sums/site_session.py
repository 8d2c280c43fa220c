"""The site's side of a session: join it, accept its keys once, believe an opening once it adds up, and forget the keys at the end.

`reporting.py` answers a round, `unmasking.py` helps to open one. Nothing here reads a clock, draws a random number or stores anything: a
site's node draws the secrets from its operating system, writes each state down before a message leaves, and deletes it at the close.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NoReturn, cast, get_args

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal, RisksetError, RosterRefusal, SignatureRefusal
from riskset_common.primitives.hashing import (
    blind_key,
    envelope_key,
    ephemeral_public,
    mask_key,
    pair_root,
)
from riskset_common.primitives.signing import Identity
from riskset_common.primitives.strict_fields import Profile
from riskset_common.secure.sums.opening import verify_opening
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.setup import Setup, check_keys, session_key
from riskset_common.secure.sums.statements import (
    SessionKey,
    advertisement_statement,
    agreement_hash,
    refusal_statement,
    session_id,
)
from riskset_common.wire.messages import (
    Advertisement,
    Close,
    Keys,
    Offer,
    Opening,
    Refused,
    Report,
    UnmaskAnswer,
    WireCode,
)


@dataclass(frozen=True, slots=True)
class SessionSecrets:
    """What a site draws for one session alone, 32 bytes each: its X25519 session key, and the root of its self seeds."""

    ephemeral_private: bytes = field(repr=False)
    self_root: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PeerKeys:
    """What a site shares with one other: K_mask, K_env of what it seals for the peer, and K_env of what the peer seals for it."""

    site_id: int
    mask: bytes = field(repr=False)
    to_seal: bytes = field(repr=False)
    to_open: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnsweredRound:
    """What a site remembers of a round it answered: enough to answer again with the same bytes, and never with others.

    Attributes
    ----------
    round
        Its number.
    profile
        Whether its report came with deposits.
    label
        What its masks were bound to, 32 bytes.
    report
        The report that was sent.
    """

    round: int
    profile: Profile
    label: bytes
    report: Report


@dataclass(frozen=True, slots=True)
class UnmaskedRound:
    """What a committee member remembers of a round that it helped to open: for which sites, and the answer that was sent."""

    round: int
    contributors: tuple[int, ...]
    answer: UnmaskAnswer


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
    secrets
        What it drew for this session. Secret, as are the keys of `peers`: with them the reports of this session could be unmasked.
    minimum_sites
        n_min: the stricter of what the plan's rule and this site's policy ask for.
    setup
        The sites that joined, once keys were accepted.
    peers
        Keys by peer.
    frozen
        The set of sites in every sum, once it is fixed: by the keys in a strict session, else by the first opening.
    answered, unmasked
        The rounds answered so far, and those of which shares were given away.
    """

    site_id: int
    sid: bytes
    roster: Roster
    advertisement: Advertisement
    secrets: SessionSecrets | None
    minimum_sites: int = 0
    setup: Setup | None = None
    peers: tuple[PeerKeys, ...] = ()
    frozen: tuple[int, ...] | None = None
    answered: tuple[AnsweredRound, ...] = ()
    unmasked: tuple[UnmaskedRound, ...] = ()


def session_of(offer: Offer) -> bytes:
    """The session (SID) that an offer speaks of, whether or not it may be opened: what a refusal of it names, 32 bytes."""
    plan_hash = agreement_hash(offer.plan_json, offer.codebook_json)
    return session_id(plan_hash, offer.roster.hash, offer.nonce)


def open_offer(offer: Offer, *, centre: bytes, roster: Roster) -> bytes:
    """The session (SID) of an offer from the centre this site knows, for the roster this site trusts; else a refusal.

    Whether the plan may run is for the site's approval and policy to say; this says only that the offer is the centre's.
    """
    if offer.centre != centre:
        raise SignatureRefusal(
            "The offer is signed with another key than that of the centre this site joined."
        )
    offer.require_signed_by(centre)
    if offer.roster.hash != roster.hash:
        _refuse_roster(offer, roster)
    return session_of(offer)


def _refuse_roster(offer: Offer, here: Roster) -> NoReturn:
    """Say how the roster of an offer, which the centre signed, differs from the one here."""
    offered = offer.roster.version
    if offered > here.version:
        todo = "Get roster.yaml and roster.yaml.sig from the centre, then restart the node."
    elif offered < here.version:
        todo = "The centre must offer its plan with the newest roster."
    else:
        todo = "The two differ in content; a change of any kind makes a new version. Compare them with the centre."
    raise RosterRefusal(
        f"the centre's roster is version {offered}, here {here.version}; it is not the one this site trusts. {todo}",
        offered,
    )


def advertise(
    identity: Identity,
    site_id: int,
    sid: bytes,
    secrets: SessionSecrets,
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
    secrets
        Bytes from the operating system's random source, drawn for this session alone.
    snapshot_commitment
        See `statements.snapshot_commitment`.
    """
    require_own(identity, roster, site_id)
    key = SessionKey(site_id, ephemeral_public(secrets.ephemeral_private), snapshot_commitment)
    advertisement = Advertisement(
        sid=sid,
        site_id=site_id,
        ephemeral=key.ephemeral,
        snapshot=key.snapshot,
        signature=identity.sign(advertisement_statement(sid, roster.hash, key)),
    )
    return SiteSession(site_id, sid, roster, advertisement, secrets), advertisement


def accept_keys(state: SiteSession, keys: Keys, *, rule: Rule, minimum_sites: int) -> SiteSession:
    """Freeze the list of keys and derive those of the pairs (KEYS). Run by a site; accepts one list for a session, ever.

    Parameters
    ----------
    rule
        Who may open what, as the site works it out from plan and roster.
    minimum_sites
        What this site's own policy asks for; the stricter of it and the rule's holds.
    """
    if state.secrets is None:
        raise ProtocolRefusal("The session is closed and its keys are deleted. Join a new one.")
    setup = check_keys(state.sid, state.roster, keys, rule)
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
    return replace(
        state,
        setup=setup,
        peers=_peer_keys(state, setup, state.secrets),
        minimum_sites=max(rule.minimum_sites, minimum_sites),
        frozen=setup.initial_set(),
    )


def accept_opening(state: SiteSession, opening: Opening) -> SiteSession:
    """Check what a round opened, and fix the set of sites by it. Run by a site; one that did not answer the round refuses.

    Raises
    ------
    ProtocolRefusal, SignatureRefusal
        Where the published sum is not that of reports which enough sites signed, or of other sites than before.
    """
    setup, _ = accepted(state)
    if opening.sid != state.sid:
        raise ProtocolRefusal("The opening belongs to another session than the one of this site.")
    asked = next((each for each in state.answered if each.round == opening.round), None)
    if asked is None:
        raise ProtocolRefusal(
            f"This site sent no report in round {opening.round}, so it has nothing to compare its opening with. If it did send one, its "
            "state is older than that: a machine that was set back takes part in new sessions only."
        )
    contributors = verify_opening(
        setup,
        state.roster,
        opening,
        label=asked.label,
        profile=asked.profile,
        frozen=state.frozen,
        minimum_sites=state.minimum_sites,
    )
    return replace(state, frozen=contributors)


def close(state: SiteSession, message: Close, *, centre: bytes) -> SiteSession:
    """End the session: what could open its reports is dropped. Run by a site, whose node then deletes it from its file too."""
    if message.sid != state.sid:
        raise ProtocolRefusal("The close belongs to another session than the one of this site.")
    message.require_signed_by(centre)
    return replace(state, secrets=None, peers=())


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


def require_own(identity: Identity, roster: Roster, site_id: int) -> None:
    """Raise unless the roster lists this key for this site."""
    member = roster.member(site_id)
    if member.public != identity.public:
        raise ProtocolRefusal(
            f"The roster (version {roster.version}) lists another key for site {member.name!r} than the one in this site's key file. "
            "Use the key whose fingerprint was entered, or have the roster renewed."
        )


def accepted(state: SiteSession) -> tuple[Setup, SessionSecrets]:
    """Set-up and secrets of a session that is under way."""
    if state.secrets is None:
        raise ProtocolRefusal(
            "The session is closed and its keys are deleted. Whatever is to be asked now needs a new one."
        )
    if state.setup is None:
        raise ProtocolRefusal(
            "A round was asked before the keys of the session arrived. The centre must send them first."
        )
    return state.setup, state.secrets


def blind_channels(state: SiteSession) -> dict[int, bytes]:
    """For each other site that joined the key under which the two seal what they send each other of blind models."""
    setup, secrets = accepted(state)
    return {
        peer.site_id: blind_key(
            pair_root(
                secrets.ephemeral_private, state.site_id, peer.site_id, peer.ephemeral, state.sid
            )
        )
        for peer in setup.keys
        if peer.site_id != state.site_id
    }


def _peer_keys(state: SiteSession, setup: Setup, secrets: SessionSecrets) -> tuple[PeerKeys, ...]:
    """Keys with everybody with whom this site shares masks or deposits."""
    needed = {*setup.graph.neighbours(state.site_id), *setup.terms.committee}
    if state.site_id in setup.terms.committee:
        needed = set(setup.participants)
    own, peers = state.site_id, []
    for peer in setup.keys:
        if peer.site_id == own or peer.site_id not in needed:
            continue
        root = pair_root(secrets.ephemeral_private, own, peer.site_id, peer.ephemeral, state.sid)
        to_seal, to_open = (
            envelope_key(root, own, peer.site_id),
            envelope_key(root, peer.site_id, own),
        )
        peers.append(PeerKeys(peer.site_id, mask_key(root), to_seal, to_open))
    return tuple(peers)
