"""The hashes to which masks and signatures are bound: session, set-up and round, each over everything that must be the same for all.

All masks of a round derive from its label. A centre that shows two sites different plans, keys, questions or lists of participants
gives them different labels; their masks then do not cancel, and what it can add up is noise. Every input below is a value that the
party computed or checked itself, never a hash that another party sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from riskset_common.primitives.hashing import PREFIX, H, u32


class SessionKey(NamedTuple):
    """A site's part of the set-up: its number, X25519 session key and commitment to its frozen data."""

    site_id: int
    ephemeral: bytes
    snapshot: bytes


def agreement_hash(plan_json: bytes, codebook_json: bytes) -> bytes:
    """PLAN_HASH: the approved plan and the codebook that gives its words a meaning, both as canonical JSON."""
    return H(b"agreement", sha256(plan_json).digest(), sha256(codebook_json).digest())


def session_id(plan_hash: bytes, roster_hash: bytes, nonce: bytes) -> bytes:
    """``SID = H("sid", PLAN_HASH, ROSTER_HASH, nonce)``."""
    return H(b"sid", plan_hash, roster_hash, nonce)


def snapshot_commitment(salt: bytes, records_hash: bytes) -> bytes:
    """``snap = H("snap", salt, sha256(frozen records))``: an audit can later open it, nobody can guess it."""
    return H(b"snap", salt, records_hash)


def setup_hash(
    sid: bytes, keys: Sequence[SessionKey], committee: Sequence[int], threshold: int, degree: int
) -> bytes:
    """``SETUP_HASH = H("setup", SID, (i, ek_i, snap_i) in order of i, C, t, k)``."""
    entries = [u32(key.site_id) + key.ephemeral + key.snapshot for key in keys]
    return H(b"setup", sid, *entries, u32(*committee), u32(threshold, degree))


def round_label(
    setup: bytes,
    round_number: int,
    attempt: int,
    questions: bytes,
    participants: Iterable[int],
    schema: bytes,
    profile: str,
) -> bytes:
    """``LABEL = H("round", SETUP_HASH, r, a, sha256(questions), U1, schema, profile)``."""
    asked = sha256(questions).digest()
    numbers, sites = u32(round_number, attempt), u32(*participants)
    return H(b"round", setup, numbers, asked, sites, schema, profile.encode())


def advertisement_statement(sid: bytes, roster_hash: bytes, key: SessionKey) -> bytes:
    """What a site signs when it joins a session."""
    return PREFIX + b"adv" + H(sid, u32(key.site_id), key.ephemeral, roster_hash, key.snapshot)


def self_commitment(label: bytes, site_id: int, seed: bytes) -> bytes:
    """``com_b = H("cb", LABEL, i, b_i)``: what the centre puts together from shares must fit it."""
    return H(b"cb", label, u32(site_id), seed)


def pair_commitment(label: bytes, one: int, other: int, seed: bytes) -> bytes:
    """``com_k = H("ck", LABEL, min, max, s_ij)``: the same from both sites of a pair."""
    return H(b"ck", label, u32(min(one, other), max(one, other)), seed)


def commitments_hash(commitments: Iterable[bytes]) -> bytes:
    """One hash over com_b and every com_k of a report, which the site signs."""
    return H(b"commitments", *commitments)


def report_statement(
    label: bytes, site_id: int, masked: bytes, deposits: bytes, commitments: bytes
) -> bytes:
    """What a site signs under its report: the round and the hashes of masked numbers, deposits and commitments."""
    return PREFIX + b"report" + H(label, u32(site_id), masked, deposits, commitments)


def unmask_statement(
    label: bytes, site_id: int, contributors: Iterable[int], shares: bytes
) -> bytes:
    """What a committee member signs under the shares that it gives away."""
    return PREFIX + b"unmask" + H(label, u32(site_id), u32(*contributors), sha256(shares).digest())


def refusal_statement(sid: bytes, site_id: int, round_number: int, wire_code: str) -> bytes:
    """What a site signs when it says no."""
    return PREFIX + b"refused" + H(sid, u32(site_id), u32(round_number), wire_code.encode())
