"""Keys of a blind computation: each site makes its own, seals them for the members that may have them, and signs commitments to them.

A site has one input key for each subset of the committee; the masks of its inputs are the sum of their streams, so that t members
together lack at least one of each site. A member has, besides, made the committee's keys of the subsets whose smallest member it is.
All follow from one secret of the site and the set-up, so that a site that starts again sends the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import HASH_BYTES, H, X, u32
from riskset_common.primitives.signing import Identity, verify
from riskset_common.secure.blind.arithmetic.committee import Subset, subset_bytes
from riskset_common.secure.blind.parties.bound import BoundSetup
from riskset_common.wire.blind_messages import BlindKeys

_NONCE = bytes(12)


@dataclass(frozen=True)
class MemberKeys:
    """What a member holds once all sites' keys arrived.

    Attributes
    ----------
    committee
        Its keys of the committee, by subset.
    inputs
        Its input keys of each site, by site and subset.
    commitments
        Hash over all sites' commitments, 32 bytes: members that were given different keys draw different labels.
    """

    committee: Mapping[Subset, bytes] = field(repr=False)
    inputs: Mapping[int, Mapping[Subset, bytes]] = field(repr=False)
    commitments: bytes


def make_keys(
    setup: BoundSetup,
    identity: Identity,
    site_id: int,
    secret: bytes,
    channels: Mapping[int, bytes],
) -> BlindKeys:
    """Run by every participant, once for each set-up.

    Parameters
    ----------
    secret
        32 bytes from the operating system's random source, kept for this session alone.
    channels
        For each other site a key that these two sites alone have, from `hashing.pair_root`.
    """
    keys = _own_keys(setup, site_id, secret)
    boxes = []
    for member, receiver in zip(setup.committee.members, setup.committee.site_ids, strict=True):
        if receiver != site_id:
            content = b"".join(key for name, key in keys.items() if member in name.subset)
            boxes.append(seal(channels[receiver], b"keys", setup.hash, site_id, receiver, content))
    commitments = tuple(_commitment(setup, name, key) for name, key in keys.items())
    body = b"".join(boxes)
    return BlindKeys(
        setup=setup.hash,
        site_id=site_id,
        commitments=commitments,
        boxes=tuple(len(box) for box in boxes),
        signature=identity.sign(setup.keys_statement(site_id, commitments, body)),
        body=body,
    )


def accept_keys(
    setup: BoundSetup,
    site_id: int,
    secret: bytes,
    channels: Mapping[int, bytes],
    messages: Sequence[BlindKeys],
) -> MemberKeys:
    """Open and check the keys of all participants, in the order of the sites. Run by a member."""
    member = setup.committee.member(site_id)
    if tuple(message.site_id for message in messages) != setup.participants:
        raise ProtocolRefusal("The keys of all participants are needed, in the order of the sites.")
    committee: dict[Subset, bytes] = {}
    inputs: dict[int, dict[Subset, bytes]] = {sender: {} for sender in setup.participants}
    for message in messages:
        _check_signature(setup, message)
        sender = message.site_id
        if sender == site_id:
            opened = _own_keys(setup, site_id, secret)
        else:
            opened = _unsealed(setup, message, member, site_id, channels)
        commitments = dict(zip(_names(setup, sender), message.commitments, strict=True))
        for name, key in opened.items():
            if _commitment(setup, name, key) != commitments[name]:
                raise ProtocolRefusal(
                    f"Site {setup.roster.name(sender)!r} sealed another key than the one it committed to."
                )
            if member in name.subset:
                (inputs[sender] if name.kind == b"input" else committee)[name.subset] = key
    digest = H(*(each for message in messages for each in message.commitments))
    return MemberKeys(committee, inputs, digest)


def input_keys(setup: BoundSetup, secret: bytes) -> tuple[bytes, ...]:
    """The keys of a site's own masks, for every subset of the committee."""
    return tuple(
        _key(setup, KeyName(b"input", subset), secret) for subset in setup.committee.subsets
    )


def seal(
    channel: bytes, purpose: bytes, label: bytes, sender: int, receiver: int, content: bytes
) -> bytes:
    """AES-256-GCM under a key that serves this purpose, label and direction once."""
    key = X(channel, b"bc1", purpose, label, u32(sender, receiver))
    return AESGCM(key).encrypt(_NONCE, content, label)


def unseal(
    channel: bytes, purpose: bytes, label: bytes, sender: int, receiver: int, box: bytes
) -> bytes:
    """What `seal` was given; refused where anything differs."""
    key = X(channel, b"bc1", purpose, label, u32(sender, receiver))
    try:
        return AESGCM(key).decrypt(_NONCE, box, label)
    except InvalidTag:
        raise ProtocolRefusal(
            f"A sealed message from site number {sender} does not open: it was changed on its way, or sealed under another label. "
            "Have it sent again; if it fails again, start a new session."
        ) from None


class KeyName(NamedTuple):
    """b"input" or b"committee", and the subset whose members hold the key."""

    kind: bytes
    subset: Subset


def _names(setup: BoundSetup, site_id: int) -> list[KeyName]:
    """The keys that a site makes: its input keys, and the committee's of which it is the smallest member."""
    names = [KeyName(b"input", subset) for subset in setup.committee.subsets]
    for subset in setup.committee.subsets:
        if setup.committee.site_ids[subset[0] - 1] == site_id:
            names.append(KeyName(b"committee", subset))
    return names


def _own_keys(setup: BoundSetup, site_id: int, secret: bytes) -> dict[KeyName, bytes]:
    return {name: _key(setup, name, secret) for name in _names(setup, site_id)}


def _key(setup: BoundSetup, name: KeyName, secret: bytes) -> bytes:
    return X(secret, b"bc1", name.kind, setup.hash, subset_bytes(name.subset))


def _commitment(setup: BoundSetup, name: KeyName, key: bytes) -> bytes:
    return H(b"bc1-commitment", setup.hash, name.kind, subset_bytes(name.subset), key)


def _check_signature(setup: BoundSetup, message: BlindKeys) -> None:
    name = setup.roster.name(message.site_id)
    awaited = (
        len(_names(setup, message.site_id)),
        sum(receiver != message.site_id for receiver in setup.committee.site_ids),
    )
    if message.setup != setup.hash or (len(message.commitments), len(message.boxes)) != awaited:
        raise ProtocolRefusal(f"The keys of site {name!r} belong to another set-up than this one.")
    statement = setup.keys_statement(message.site_id, message.commitments, message.body)
    verify(
        setup.roster.member(message.site_id).public,
        message.signature,
        statement,
        f"the keys of site {name!r}",
    )


def _unsealed(
    setup: BoundSetup,
    message: BlindKeys,
    member: int,
    site_id: int,
    channels: Mapping[int, bytes],
) -> dict[KeyName, bytes]:
    """The keys in a member's box."""
    sender = message.site_id
    receivers = [each for each in setup.committee.site_ids if each != sender]
    box = message.box(receivers.index(site_id))
    content = unseal(channels[sender], b"keys", setup.hash, sender, site_id, box)
    names = [name for name in _names(setup, sender) if member in name.subset]
    if len(content) != HASH_BYTES * len(names):
        raise ProtocolRefusal(
            f"Site {setup.roster.name(sender)!r} sealed {len(content)} bytes of keys in place of {HASH_BYTES * len(names)}."
        )
    return {
        name: content[HASH_BYTES * place : HASH_BYTES * (place + 1)]
        for place, name in enumerate(names)
    }
