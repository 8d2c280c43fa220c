"""Hashes and keys of SA-1: how every secret of a secure sum follows from an agreed key and a label.

``H(a, b, ...)`` is SHA-256 over its parts, each prefixed with its length (u64, little endian), so that no two lists of parts run
together. ``X(key, info..., length)`` is HKDF-Expand (Krawczyk & Eronen 2010, RFC 5869, section 2.3) with SHA-256 and the info
``"riskset/sa1/" || H(info...)``. Pairs of sites agree on a key by X25519 (RFC 7748).
"""

from __future__ import annotations

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from riskset_common.errors import ProtocolRefusal

PREFIX = b"riskset/sa1/"
HASH_BYTES = 32
_SEED_BITS = 255  # a seed is also a secret to be shared over the field of 2^255 - 19 elements


def H(*parts: bytes) -> bytes:
    """SHA-256 over the parts, each after its length; 32 bytes."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(struct.pack("<Q", len(part)))
        sha.update(part)
    return sha.digest()


def X(key: bytes, *info: bytes, length: int = 32) -> bytes:
    """Expand a uniformly random key into `length` bytes for one purpose, named by `info`."""
    return HKDFExpand(SHA256(), length, PREFIX + H(*info)).derive(key)


def u32(*numbers: int) -> bytes:
    """Numbers as u32, little endian, one after another."""
    return struct.pack(f"<{len(numbers)}I", *numbers)


def ephemeral_public(private: bytes) -> bytes:
    """The X25519 public key that belongs to 32 private bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def pair_root(private: bytes, own_id: int, peer_id: int, peer_public: bytes, sid: bytes) -> bytes:
    """K_ij, which sites i and j alone can compute, for one session.

    ``K_ij = HKDF(X25519, salt=SID, info="riskset/sa1/pair" || H(min, max, ek_min, ek_max))``; min and max are the site numbers in order.
    """
    own = X25519PrivateKey.from_private_bytes(private)
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(peer_public))
    except ValueError:
        raise ProtocolRefusal(
            f"The session key of site number {peer_id} lets anyone compute the secret shared with it (a point of low order). "
            "Nothing is sent under it; the site's node must make a new key in a new session."
        ) from None
    (low, low_public), (high, high_public) = sorted(
        [(own_id, own.public_key().public_bytes_raw()), (peer_id, peer_public)]
    )
    info = PREFIX + b"pair" + H(u32(low, high), low_public, high_public)
    return HKDF(SHA256(), HASH_BYTES, salt=sid, info=info).derive(shared)


def mask_key(root: bytes) -> bytes:
    """K_mask: the key from which a pair's seeds of all rounds follow."""
    return X(root, b"mask")


def envelope_key(root: bytes, sender: int, receiver: int) -> bytes:
    """K_env(i -> j): the key under which site i seals what only site j may read."""
    return X(root, b"env", u32(sender, receiver))


def blind_key(root: bytes) -> bytes:
    """The key under which two sites seal what they send each other of blind models."""
    return X(root, b"blind")


def pair_seed(key: bytes, label: bytes) -> bytes:
    """s_ij of the round with this label: the low 255 bits of ``X(K_mask, "pairseed", LABEL)``."""
    return _low_bits(X(key, b"pairseed", label))


def self_seed(self_root: bytes, label: bytes) -> bytes:
    """b_i of the round with this label: the low 255 bits of ``X(selfroot_i, "self", LABEL)``."""
    return _low_bits(X(self_root, b"self", label))


def coefficient_key(self_root: bytes, label: bytes, about: int) -> bytes:
    """The key of one secret's polynomial: ``X(selfroot_i, "shamir", LABEL, j)``, j the peer or -1 for the self seed."""
    return X(self_root, b"shamir", label, struct.pack("<q", about))


def stream_key(seed: bytes) -> bytes:
    """The AES-256-CTR key of the mask that a seed stands for."""
    return X(seed, b"prg")


def _low_bits(derived: bytes) -> bytes:
    seed = int.from_bytes(derived, "little") & ((1 << _SEED_BITS) - 1)
    return seed.to_bytes(HASH_BYTES, "little")
