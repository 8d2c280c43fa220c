"""Write the test vectors of BC-1 beside this script: what each member computes, and shares that must be refused.

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


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


def shares_of(m: int, t: int) -> dict[int, list[int]]:
    """Shares of the secrets, of degree t."""
    found = {}
    for member in range(1, m + 1):
        found[member] = [
            (
                value
                + sum(int.from_bytes(secret(k, l), "little") * member**l for l in range(1, t + 1))
            )
            % P
            for k, value in enumerate(SECRETS)
        ]
    return found


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
