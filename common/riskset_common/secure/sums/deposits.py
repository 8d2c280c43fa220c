"""Deposits: what a site leaves with the committee so that a round can be opened when some sites did not answer.

A site splits its self seed b_i and the seed s_ij of each of its pairs into shares, one of each for every member, and seals the
member's shares so that the member alone can read them. A member later gives away either its share of b_i (i is in the sum) or its
shares of s_ij (i dropped out), never both: together they would open the report of i.

A deposit for one member is one piece of 48 bytes for b_i and one for each neighbour of i in order: AES-256-GCM under
``X(K_env(i -> q), "dep", LABEL)``, which serves for this sender, member and round alone; the nonce counts the pieces.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import X, coefficient_key
from riskset_common.primitives.shamir import SHARE_BYTES, shares

SEALED_BYTES = SHARE_BYTES + 16
_OWN_SEED = (
    -1
)  # stands where a peer's number would, so that b_i and each s_ij have polynomials of their own


def share_out(
    self_root: bytes,
    label: bytes,
    seeds: Mapping[int, bytes],
    self_seed: bytes,
    committee: Sequence[int],
    threshold: int,
) -> dict[int, list[bytes]]:
    """Each member's shares: of b_i, then of s_ij for every neighbour in order. Run by a site.

    The member's own shares are computed, not stored: asked again, they come out the same.
    """
    secrets = [(_OWN_SEED, self_seed), *sorted(seeds.items())]
    columns = [
        shares(secret, threshold, committee, coefficient_key(self_root, label, about))
        for about, secret in secrets
    ]
    return {member: [column[k] for column in columns] for k, member in enumerate(committee)}


def seal(envelope_key: bytes, label: bytes, pieces: Sequence[bytes]) -> bytes:
    """One member's deposit, 48 bytes a piece. Run by a site."""
    cipher = AESGCM(_deposit_key(envelope_key, label))
    return b"".join(
        cipher.encrypt(_nonce(index), piece, _purpose(index) + label)
        for index, piece in enumerate(pieces)
    )


def open_pieces(
    envelope_key: bytes, label: bytes, sealed: Mapping[int, bytes], sender: int
) -> dict[int, bytes]:
    """The shares in some pieces of a deposit, by their index (0 is the self seed). Run by a committee member.

    Raises
    ------
    ProtocolRefusal
        Where a piece is not the one that `sender` sealed for this member, round and place.
    """
    cipher = AESGCM(_deposit_key(envelope_key, label))
    try:
        return {
            index: cipher.decrypt(_nonce(index), piece, _purpose(index) + label)
            for index, piece in sealed.items()
        }
    except InvalidTag:
        raise ProtocolRefusal(
            f"A deposit of site number {sender} cannot be opened: it was sealed for another member, round or place, or was changed. "
            "The centre must hand on each deposit as it received it."
        ) from None


def _deposit_key(envelope_key: bytes, label: bytes) -> bytes:
    return X(envelope_key, b"dep", label)


def _nonce(index: int) -> bytes:
    return struct.pack("<Q", index) + bytes(4)


def _purpose(index: int) -> bytes:
    return b"edge" if index else b"self"
