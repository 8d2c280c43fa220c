"""Write the test vectors of the arithmetic of BC-2 beside this script: what each member computes, and shares that must be refused.

Run it with ``python -m tests.vectors.write_blind_vectors`` from the top folder. Every number comes from `plain_blind.py`, none from
the product, and no random source is read.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.vectors.plain_blind import (
    P,
    bytes_of,
    interpolated,
    iteration,
    next_label,
    subsets,
    truncated,
    truncation,
    upload,
    weight,
    zero,
)

HERE = Path(__file__).parent
SECRETS = [3 << 100, -(5 << 127), 0, (1 << 159) + 12345, -1]
VALUES = [0.0, 1.0, -1.0, 0.1, -123456.789, 2.0**60, -(2.0**-40), 3.5e-20]
BITS = 64
LABEL = hashlib.sha256(b"label").digest()
HIDDEN = [1 << 64, 3 << 70, 5 << 44]
"""Numbers of 2^-64 whose reciprocals are looked for: 1, 192 and 5 millionths."""
START = [(1 << 64) // 400] * 3
FACTOR = 3 << 20


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


def shares_of(m: int, t: int, secrets: list[int] = SECRETS) -> dict[int, list[int]]:
    """Shares of the secrets, of degree t."""
    found = {}
    for member in range(1, m + 1):
        found[member] = [
            (
                value
                + sum(int.from_bytes(secret(k, l), "little") * member**l for l in range(1, t + 1))
            )
            % P
            for k, value in enumerate(secrets)
        ]
    return found


def reciprocals(m: int, t: int, *, near: bool) -> dict:
    """An iteration towards reciprocals, from a public start or from the last ones times a factor: three fine squarings and two others."""
    keys = {subset: secret("key", subset) for subset in subsets(m, t)}
    A, last = shares_of(m, t, HIDDEN), shares_of(m, t, [2**128 // value for value in HIDDEN])
    scaled = {i: [FACTOR * value % P for value in last[i]] for i in last}
    w = scaled if near else dict.fromkeys(A, START)
    found, chain, opened = iteration(m, t, keys, LABEL, A, w, 159 if near else 128, 3, 2)
    return {
        "A": [bytes_of(A[i]) for i in A],
        "last": [bytes_of(last[i]) for i in last] if near else None,
        "start": None if near else [str(each) for each in START],
        "factor": FACTOR if near else None,
        "fine": 3,
        "squarings": 5,
        "opened": [bytes_of(each) for each in opened],
        "w": [bytes_of(found[i]) for i in A],
        "chain": [[bytes_of(each[i]) for each in chain] for i in A],
    }


def committee(m: int, t: int) -> dict:
    """One truncation, from every member's share to every member's share, and a wrong share where it must be noticed."""
    keys = {subset: secret("key", subset) for subset in subsets(m, t)}
    shares = shares_of(m, t)
    steps = {i: truncation(m, t, i, keys, LABEL, shares[i], BITS) for i in shares}
    sent = {i: steps[i][0] for i in shares}
    opened = interpolated({i: sent[i] for i in range(1, 2 * t + 2)})
    results = {i: truncated(m, t, opened, steps[i][1], BITS) for i in shares}
    wrong = {i: [(each + (i == m)) % P for each in sent[i]] for i in sent}
    return {
        "members": m,
        "threshold": t,
        "label": LABEL.hex(),
        "bits": BITS,
        "keys": [
            {
                "subset": list(subset),
                "key": key.hex(),
                "weights": {str(i): bytes_of([weight(m, subset, i)]) for i in subset},
            }
            for subset, key in keys.items()
        ],
        "shares": [bytes_of(shares[i]) for i in shares],
        "zeros": [bytes_of(zero(m, t, i, keys, LABEL, 3)) for i in shares],
        "sent": [bytes_of(sent[i]) for i in shares],
        "opened": bytes_of(opened),
        "next_label": next_label(LABEL, opened).hex(),
        "results": [bytes_of(results[i]) for i in shares],
        "truncated": [str(value >> BITS) for value in SECRETS],
        "refused": [bytes_of(wrong[i]) for i in shares] if m > 2 * t + 1 else None,
        "reciprocals": [reciprocals(m, t, near=near) for near in (False, True)],
    }


def main() -> None:
    keys = [secret("input", k) for k in range(3)]
    content = {
        "committees": [committee(m, t) for m, t in ((3, 1), (5, 2), (5, 1))],
        "input": {
            "keys": [key.hex() for key in keys],
            "label": LABEL.hex(),
            "values": [value.hex() for value in VALUES],
            "body": bytes_of(upload(keys, LABEL, VALUES)),
        },
    }
    text = json.dumps(content, indent=1) + "\n"
    (HERE / "blind_arithmetic.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
