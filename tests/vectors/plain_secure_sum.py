"""SA-1 in plain Python integers: the second implementation, which writes the test vectors and is compared with the first.

It shares no code with the product and none of its tricks: masks are integers cut from AES blocks one counter at a time, reals are
fractions, HKDF is two lines of HMAC. Only the primitives come from a library.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from fractions import Fraction

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

CHUNK = 32768
COUNTS, REALS = 1 << 64, 1 << 128


# ---------------------------------------------------------------- hashes and keys
def h(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(len(p).to_bytes(8, "little") + p for p in parts)).digest()


def u32(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "little") for number in numbers)


def hkdf_expand(key: bytes, info: bytes, length: int = 32) -> bytes:
    block, out = b"", b""
    while len(out) < length:
        counter = len(out) // 32 + 1
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


def x(key: bytes, *info: bytes) -> bytes:
    return hkdf_expand(key, b"riskset/sa1/" + h(*info))


def ed25519_public(private: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(private: bytes, message: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).sign(message)


def x25519_public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def pair_root(private: bytes, i: int, j: int, j_public: bytes, sid: bytes) -> bytes:
    key = X25519PrivateKey.from_private_bytes(private)
    shared = key.exchange(X25519PublicKey.from_public_bytes(j_public))
    publics = {i: x25519_public(private), j: j_public}
    low, high = min(i, j), max(i, j)
    info = b"riskset/sa1/pair" + h(u32(low, high), publics[low], publics[high])
    return hkdf_expand(hmac.digest(sid, shared, "sha256"), info)


def pair_stream_key(root: bytes, label: bytes) -> bytes:
    seed = bytearray(x(x(root, b"mask"), b"pairseed", label))
    seed[31] &= 0x7F
    return x(bytes(seed), b"prg")


# ---------------------------------------------------------------- masks and rings
def key_stream(key: bytes, length: int) -> bytes:
    blocks = b"".join(block.to_bytes(16, "big") for block in range(-(-length // 16)))
    return Cipher(AES256(key), ECB()).encryptor().update(blocks)[:length]


def mask(key: bytes, n_counts: int, n_reals: int) -> tuple[list[int], list[int]]:
    """A stream as ring elements: counts, then reals by chunks of low limbs followed by their high limbs."""
    stream = key_stream(key, 8 * n_counts + 16 * n_reals)
    words = list(struct.unpack(f"<{len(stream) // 8}Q", stream))
    counts, rest, reals = words[:n_counts], words[n_counts:], []
    for start in range(0, n_reals, CHUNK):
        c = min(CHUNK, n_reals - start)
        part = rest[2 * start : 2 * (start + c)]
        reals += [part[k] | part[c + k] << 64 for k in range(c)]
    return counts, reals


def fixed_point(value: float) -> int:
    return round(Fraction(value) * 2**80) % REALS


def signed(element: int, ring: int) -> int:
    return element - ring if element >= ring // 2 else element


def real(element: int) -> float:
    return signed(element, REALS) / 2**80


def masked(
    site: int, roots: dict[int, bytes], label: bytes, counts: list[int], reals: list[float]
) -> tuple[list[int], list[int]]:
    y = [value % COUNTS for value in counts]
    z = [fixed_point(value) for value in reals]
    for peer, root in roots.items():
        turn = 1 if site < peer else -1
        m, n = mask(pair_stream_key(root, label), len(y), len(z))
        y = [(a + turn * b) % COUNTS for a, b in zip(y, m, strict=True)]
        z = [(a + turn * b) % REALS for a, b in zip(z, n, strict=True)]
    return y, z


def body_of(y: list[int], z: list[int]) -> bytes:
    low, high = [element % COUNTS for element in z], [element // COUNTS for element in z]
    return b"".join(word.to_bytes(8, "little") for word in [*y, *low, *high])


def from_body(body: bytes, n_counts: int, n_reals: int) -> tuple[list[int], list[int]]:
    words = struct.unpack(f"<{len(body) // 8}Q", body)
    low, high = words[n_counts : n_counts + n_reals], words[n_counts + n_reals :]
    return list(words[:n_counts]), [a | b << 64 for a, b in zip(low, high, strict=True)]


# ---------------------------------------------------------------- messages
def canonical(value: object) -> bytes:
    """Enough of RFC 8785 for text, whole numbers, lists and mappings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def frame(kind: int, header: dict, body: bytes = b"", *, version: int = 1) -> bytes:
    text = canonical(header)
    return b"RS" + bytes([version, kind]) + u32(len(text)) + text + body


def unframe(message: bytes) -> tuple[dict, bytes]:
    end = 8 + int.from_bytes(message[4:8], "little")
    return json.loads(message[8:end]), message[end:]


def roster_hash(roster: dict) -> bytes:
    entries = [
        h(
            u32(member["site_id"]),
            bytes.fromhex(member["public"]),
            member["name"].encode(),
            member["study_group"].encode(),
        )
        for member in roster["members"]
    ]
    return h(b"roster", u32(roster["version"]), *entries)


def session_id(roster: dict, nonce: bytes, plan: bytes, codebook: bytes) -> bytes:
    agreement = h(b"agreement", hashlib.sha256(plan).digest(), hashlib.sha256(codebook).digest())
    return h(b"sid", agreement, roster_hash(roster), nonce)


def offer(centre: bytes, roster: dict, nonce: bytes, plan: bytes, codebook: bytes) -> bytes:
    sid = session_id(roster, nonce, plan, codebook)
    header = {
        "nonce": nonce.hex(),
        "roster": roster,
        "centre": ed25519_public(centre).hex(),
        "signature": sign(centre, b"riskset/sa1/offer" + h(sid)).hex(),
        "plan_length": len(plan),
        "codebook_length": len(codebook),
    }
    return frame(1, header, plan + codebook)


def advertisement(site: dict, sid: bytes, roster: dict) -> dict:
    """The header of ADV."""
    i, snapshot = site["site_id"], bytes.fromhex(site["snapshot"])
    ephemeral = x25519_public(bytes.fromhex(site["ephemeral_private"]))
    statement = b"riskset/sa1/adv" + h(sid, u32(i), ephemeral, roster_hash(roster), snapshot)
    return {
        "sid": sid.hex(),
        "site_id": i,
        "ephemeral": ephemeral.hex(),
        "snapshot": snapshot.hex(),
        "signature": sign(bytes.fromhex(site["identity_private"]), statement).hex(),
    }


def keys_header(sid: bytes, advertisements: list[dict]) -> dict:
    """The header of KEYS in profile S."""
    degree = len(advertisements) - 1
    return {
        "sid": sid.hex(),
        "advertisements": advertisements,
        "committee": [],
        "threshold": 0,
        "degree": degree,
    }


def setup_hash(keys: dict) -> bytes:
    entries = [
        u32(a["site_id"]) + bytes.fromhex(a["ephemeral"]) + bytes.fromhex(a["snapshot"])
        for a in keys["advertisements"]
    ]
    rule = u32(*keys["committee"]), u32(keys["threshold"], keys["degree"])
    return h(b"setup", bytes.fromhex(keys["sid"]), *entries, *rule)


def request_header(
    sid: bytes, number: int, participants: list[int], sections: list[dict], questions: bytes
) -> dict:
    return {
        "sid": sid.hex(),
        "round": number,
        "attempt": 0,
        "participants": participants,
        "sections": sections,
        "questions_length": len(questions),
    }


def label_of(keys: dict, request: dict, questions: bytes) -> bytes:
    return h(
        b"round",
        setup_hash(keys),
        u32(request["round"], request["attempt"]),
        hashlib.sha256(questions).digest(),
        u32(*request["participants"]),
        hashlib.sha256(canonical(request["sections"])).digest(),
    )


def report(site: dict, keys: dict, label: bytes, counts: list[int], reals: list[float]) -> bytes:
    i, sid = site["site_id"], bytes.fromhex(keys["sid"])
    private = bytes.fromhex(site["ephemeral_private"])
    roots = {
        peer["site_id"]: pair_root(
            private, i, peer["site_id"], bytes.fromhex(peer["ephemeral"]), sid
        )
        for peer in keys["advertisements"]
        if peer["site_id"] != i
    }
    return signed_report(site, label, *masked(i, roots, label, counts, reals))


def signed_report(site: dict, label: bytes, y: list[int], z: list[int]) -> bytes:
    body = body_of(y, z)
    statement = b"riskset/sa1/report" + h(
        label, u32(site["site_id"]), hashlib.sha256(body).digest()
    )
    header = {
        "label": label.hex(),
        "site_id": site["site_id"],
        "counts_length": len(y),
        "reals_length": len(z),
        "signature": sign(bytes.fromhex(site["identity_private"]), statement).hex(),
    }
    return frame(5, header, body)


def pooled(reports: list[bytes], n_counts: int, n_reals: int) -> tuple[list[int], list[float]]:
    y, z = [0] * n_counts, [0] * n_reals
    for message in reports:
        counts, reals = from_body(unframe(message)[1], n_counts, n_reals)
        y = [(a + b) % COUNTS for a, b in zip(y, counts, strict=True)]
        z = [(a + b) % REALS for a, b in zip(z, reals, strict=True)]
    return [signed(element, COUNTS) for element in y], [real(element) for element in z]
