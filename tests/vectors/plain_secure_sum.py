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
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
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


def seed(key: bytes, *info: bytes) -> bytes:
    """The low 255 bits."""
    cut = bytearray(x(key, *info))
    cut[31] &= 0x7F
    return bytes(cut)


def pair_seed(root: bytes, label: bytes) -> bytes:
    return seed(x(root, b"mask"), b"pairseed", label)


def pair_stream_key(root: bytes, label: bytes) -> bytes:
    return x(pair_seed(root, label), b"prg")


# ---------------------------------------------------------------- shares and deposits
PRIME = (1 << 255) - 19


def polynomial(secret: bytes, self_root: bytes, label: bytes, about: int, t: int) -> list[int]:
    """Coefficients from the constant one upwards; `about` is a peer, or -1 for the self seed."""
    key = x(self_root, b"shamir", label, about.to_bytes(8, "little", signed=True))
    drawn = key_stream(key, 48 * (t - 1))
    rest = [int.from_bytes(drawn[48 * k : 48 * k + 48], "little") for k in range(t - 1)]
    return [int.from_bytes(secret, "little"), *(number % PRIME for number in rest)]


def share(coefficients: list[int], member: int) -> bytes:
    powers = (pow(member + 1, k, PRIME) for k in range(len(coefficients)))
    value = sum(a * b for a, b in zip(coefficients, powers, strict=True)) % PRIME
    return value.to_bytes(32, "little")


def secret_of(held: dict[int, bytes]) -> bytes:
    """Lagrange at 0, with fractions of the field."""
    total = 0
    for i, value in held.items():
        term = int.from_bytes(value, "little")
        for j in held:
            if j != i:
                term = term * (j + 1) * pow(j - i, PRIME - 2, PRIME) % PRIME
        total += term
    return (total % PRIME).to_bytes(32, "little")


def deposit_key(root: bytes, sender: int, receiver: int, label: bytes) -> bytes:
    return x(x(root, b"env", u32(sender, receiver)), b"dep", label)


def piece(key: bytes, label: bytes, index: int, content: bytes) -> bytes:
    """A sealed share; the self seed has index 0, the peers in order 1, 2, ..."""
    purpose = b"self" if index == 0 else b"edge"
    return AESGCM(key).encrypt(index.to_bytes(8, "little") + bytes(4), content, purpose + label)


def self_commitment(label: bytes, i: int, seed: bytes) -> bytes:
    return h(b"cb", label, u32(i), seed)


def pair_commitment(label: bytes, i: int, j: int, seed: bytes) -> bytes:
    return h(b"ck", label, u32(min(i, j), max(i, j)), seed)


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
    site: int,
    roots: dict[int, bytes],
    label: bytes,
    counts: list[int],
    reals: list[float],
    self_seed: bytes | None = None,
) -> tuple[list[int], list[int]]:
    y = [value % COUNTS for value in counts]
    z = [fixed_point(value) for value in reals]
    streams = [
        (1 if site < peer else -1, pair_stream_key(root, label)) for peer, root in roots.items()
    ]
    if self_seed is not None:
        streams.append((1, x(self_seed, b"prg")))
    for turn, key in streams:
        y, z = plus(y, z, key, turn)
    return y, z


def plus(y: list[int], z: list[int], key: bytes, turn: int) -> tuple[list[int], list[int]]:
    m, n = mask(key, len(y), len(z))
    y = [(a + turn * b) % COUNTS for a, b in zip(y, m, strict=True)]
    return y, [(a + turn * b) % REALS for a, b in zip(z, n, strict=True)]


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


def frame(kind: int, header: dict, body: bytes = b"", *, version: int = 2) -> bytes:
    text = canonical(header)
    return b"RS" + bytes([version, kind]) + u32(len(text)) + text + body


def from_centre(centre: bytes, kind: int, header: dict, body: bytes = b"") -> bytes:
    """A message of the centre, signed over its kind, its header but for the signature, and its body."""
    said = {key: value for key, value in header.items() if key != "signature"}
    statement = h(bytes([kind]), canonical(said), hashlib.sha256(body).digest())
    signature = sign(centre, b"riskset/sa1/centre" + statement)
    return frame(kind, said | {"signature": signature.hex()}, body)


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


def offer(
    centre: bytes, roster: dict, nonce: bytes, plan: bytes, codebook: bytes, run: int
) -> bytes:
    header = {
        "nonce": nonce.hex(),
        "run": run,
        "roster": roster,
        "centre": ed25519_public(centre).hex(),
        "plan_length": len(plan),
        "codebook_length": len(codebook),
    }
    return from_centre(centre, 1, header, plan + codebook)


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


def keys_header(sid: bytes, advertisements: list[dict], committee: list[int] | None = None) -> dict:
    """The header of KEYS; `committee` are the members of a recoverable session, all of whom joined."""
    members = committee or []
    return {
        "sid": sid.hex(),
        "advertisements": advertisements,
        "committee": members,
        "threshold": 2 * len(members) // 3 + 1 if members else 0,
        "degree": len(advertisements) - 1,
    }


def setup_hash(keys: dict) -> bytes:
    entries = [
        u32(a["site_id"]) + bytes.fromhex(a["ephemeral"]) + bytes.fromhex(a["snapshot"])
        for a in keys["advertisements"]
    ]
    rule = u32(*keys["committee"]), u32(keys["threshold"], keys["degree"])
    return h(b"setup", bytes.fromhex(keys["sid"]), *entries, *rule)


def request_header(
    sid: bytes,
    number: int,
    participants: list[int],
    sections: list[dict],
    questions: bytes,
    *,
    profile: str = "strict",
    after: bytes = bytes(32),
) -> dict:
    return {
        "sid": sid.hex(),
        "round": number,
        "attempt": 0,
        "participants": participants,
        "profile": profile,
        "after": after.hex(),
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
        request["profile"].encode(),
    )


def roots_of(site: dict, keys: dict) -> dict[int, bytes]:
    """K_ij by peer."""
    i, sid = site["site_id"], bytes.fromhex(keys["sid"])
    private = bytes.fromhex(site["ephemeral_private"])
    return {
        peer["site_id"]: pair_root(
            private, i, peer["site_id"], bytes.fromhex(peer["ephemeral"]), sid
        )
        for peer in keys["advertisements"]
        if peer["site_id"] != i
    }


def report(
    site: dict,
    keys: dict,
    label: bytes,
    counts: list[int],
    reals: list[float],
    *,
    among: list[int] | None = None,
) -> bytes:
    """A strict report; `among` are the sites of the frozen set."""
    roots = roots_of(site, keys)
    if among is not None:
        roots = {peer: root for peer, root in roots.items() if peer in among}
    return signed_report(site, label, *masked(site["site_id"], roots, label, counts, reals))


def recoverable_report(
    site: dict, keys: dict, label: bytes, counts: list[int], reals: list[float]
) -> bytes:
    i, roots, root = site["site_id"], roots_of(site, keys), bytes.fromhex(site["self_root"])
    own = seed(root, b"self", label)
    seeds = {peer: pair_seed(roots[peer], label) for peer in sorted(roots)}
    commitments = [self_commitment(label, i, own)]
    commitments += [pair_commitment(label, i, peer, each) for peer, each in seeds.items()]
    secrets = {-1: own} | seeds
    polynomials = [
        polynomial(each, root, label, about, keys["threshold"]) for about, each in secrets.items()
    ]
    deposits = b""
    for member in keys["committee"]:
        if member == i:
            continue
        key = deposit_key(roots[member], i, member, label)
        for index, coefficients in enumerate(polynomials):
            deposits += piece(key, label, index, share(coefficients, member))
    y, z = masked(i, roots, label, counts, reals, own)
    return signed_report(site, label, y, z, deposits, commitments)


def report_header(message: bytes) -> dict:
    """What the site signed, in hashes."""
    header, body = unframe(message)
    end = len(body) - header["deposits_length"]
    commitments = h(b"commitments", *map(bytes.fromhex, header["commitments"]))
    return {
        "site_id": header["site_id"],
        "masked": hashlib.sha256(body[:end]).hexdigest(),
        "deposits": hashlib.sha256(body[end:]).hexdigest(),
        "commitments": commitments.hex(),
        "signature": header["signature"],
    }


def signed_report(
    site: dict,
    label: bytes,
    y: list[int],
    z: list[int],
    deposits: bytes = b"",
    commitments: list[bytes] | None = None,
) -> bytes:
    vector, committed = body_of(y, z), commitments or []
    header = {
        "label": label.hex(),
        "site_id": site["site_id"],
        "counts_length": len(y),
        "reals_length": len(z),
        "deposits_length": len(deposits),
        "commitments": [each.hex() for each in committed],
    }
    statement = b"riskset/sa1/report" + h(
        label,
        u32(site["site_id"]),
        hashlib.sha256(vector).digest(),
        hashlib.sha256(deposits).digest(),
        h(b"commitments", *committed),
    )
    header["signature"] = sign(bytes.fromhex(site["identity_private"]), statement).hex()
    return frame(5, header, vector + deposits)


# ---------------------------------------------------------------- opening
def dropped_pairs(keys: dict, contributors: list[int]) -> list[tuple[int, int]]:
    everybody = [a["site_id"] for a in keys["advertisements"]]
    return [(j, i) for j in contributors for i in everybody if i not in contributors]


def unmask_request(
    centre: bytes, keys: dict, number: int, label: bytes, member: int, reports: dict[int, bytes]
) -> bytes:
    everybody = [a["site_id"] for a in keys["advertisements"]]
    contributors, pieces = sorted(reports), b""
    for j in contributors:
        if j == member:
            continue
        header, body = unframe(reports[j])
        deposits = body[len(body) - header["deposits_length"] :]
        others = [each for each in keys["committee"] if each != j]
        peers = [each for each in everybody if each != j]
        places = [0] + [1 + k for k, peer in enumerate(peers) if peer not in contributors]
        first = others.index(member) * len(everybody)
        for place in places:
            pieces += deposits[48 * (first + place) : 48 * (first + place + 1)]
    header = {
        "sid": keys["sid"],
        "round": number,
        "label": label.hex(),
        "contributors": [report_header(reports[j]) for j in contributors],
        "envelopes_length": len(pieces),
    }
    return from_centre(centre, 7, header, pieces)


def unmask_answer(
    member: dict, sites: dict[int, dict], keys: dict, label: bytes, contributors: list[int]
) -> bytes:
    """A member's shares, computed from everybody's secrets and not from the deposits."""
    q, t = member["site_id"], keys["threshold"]

    def of(j: int, about: int, secret: bytes) -> bytes:
        root = bytes.fromhex(sites[j]["self_root"])
        return share(polynomial(secret, root, label, about, t), q)

    shares = b"".join(
        of(j, -1, seed(bytes.fromhex(sites[j]["self_root"]), b"self", label)) for j in contributors
    )
    for j, i in dropped_pairs(keys, contributors):
        shares += of(j, i, pair_seed(roots_of(sites[j], keys)[i], label))
    statement = b"riskset/sa1/unmask" + h(
        label, u32(q), u32(*contributors), hashlib.sha256(shares).digest()
    )
    header = {
        "label": label.hex(),
        "site_id": q,
        "shares_length": len(shares),
        "signature": sign(bytes.fromhex(member["identity_private"]), statement).hex(),
    }
    return frame(8, header, shares)


def opening(
    centre: bytes,
    keys: dict,
    number: int,
    label: bytes,
    reports: dict[int, bytes],
    answers: dict[int, bytes],
) -> bytes:
    """A strict round has no answers."""
    contributors = sorted(reports)
    headers = {j: unframe(reports[j])[0] for j in contributors}
    n_counts = headers[contributors[0]]["counts_length"]
    n_reals = headers[contributors[0]]["reals_length"]
    vectors = [unframe(reports[j])[1][: 8 * n_counts + 16 * n_reals] for j in contributors]
    pairs = dropped_pairs(keys, contributors) if answers else []
    bodies = {q: unframe(message)[1] for q, message in answers.items()}
    n_seeds = len(contributors) + len(pairs) if answers else 0
    seeds = [
        secret_of({q: body[32 * k : 32 * k + 32] for q, body in bodies.items()})
        for k in range(n_seeds)
    ]
    y, z = [0] * n_counts, [0] * n_reals
    for vector in vectors:
        counts, reals = from_body(vector, n_counts, n_reals)
        y = [(a + b) % COUNTS for a, b in zip(y, counts, strict=True)]
        z = [(a + b) % REALS for a, b in zip(z, reals, strict=True)]
    for k, each in enumerate(seeds):
        turn = -1
        if k >= len(contributors):
            j, i = pairs[k - len(contributors)]
            turn = -1 if j < i else 1
        y, z = plus(y, z, x(each, b"prg"), turn)
    header = {
        "sid": keys["sid"],
        "round": number,
        "label": label.hex(),
        "contributors": [report_header(reports[j]) for j in contributors],
        "commitments": [headers[j]["commitments"] for j in contributors],
        "seeds": [each.hex() for each in seeds],
        "counts_length": n_counts,
        "reals_length": n_reals,
    }
    return from_centre(centre, 9, header, b"".join([body_of(y, z), *vectors]))


def close(centre: bytes, sid: bytes) -> bytes:
    return from_centre(centre, 10, {"sid": sid.hex()})


def pooled(opened: bytes) -> tuple[list[int], list[float]]:
    """The numbers of an opening."""
    header, body = unframe(opened)
    n_counts, n_reals = header["counts_length"], header["reals_length"]
    y, z = from_body(body[: 8 * n_counts + 16 * n_reals], n_counts, n_reals)
    return [signed(element, COUNTS) for element in y], [real(element) for element in z]
