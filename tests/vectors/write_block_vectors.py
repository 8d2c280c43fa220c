"""Write the test vectors of the building blocks beside this script: of each, shares of what goes in and comes out, and the last label.

Run it with ``python -m tests.vectors.write_block_vectors`` from the top folder. The last label hashes everything that was opened before.
Every number comes from `plain_blocks.py`, none from the product, and no random source is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.vectors import plain_blocks as plain
from tests.vectors.plain_blind import Vectors, subsets
from tests.vectors.plain_blocks import Members, content
from tests.vectors.write_blind_vectors import LABEL, secret, shares_of

HERE = Path(__file__).parent
UNIT = 1 << 64
COMPARED, K_BITS, THRESHOLDS = [-8, -1, 0, 3, 7], 5, [-3, 0, 4]
TESTED = [[0, 5, 7], [1, 2, 0], [3, 4, 9]]
ROUNDED, B, SIZE = [0, 8, 7, -8, -9, 100], 4, 8
NUMBERS, START, FACTORS, C_BITS = [1, 2, 3, 0], UNIT // 2, [9 << 20, 17 << 19], 23
FRACTIONS = [UNIT, UNIT // 2, UNIT // 3, 0, 5, UNIT // 7, UNIT, UNIT - 1, 3 * UNIT // 4, UNIT // 5]
SQUARES = [1 << 12, 1 << 15, 0]
PATH: dict[str, Any] = {
    "size": 16,
    "thresholds": [1 << 8, 1 << 12],
    "starts": [1 << 88, -(1 << 87)],
    "steps": [[3 << 63, 1 << 15], [3 << 63, 1 << 15]],
    "b_bits": 16,
}


def of_block(
    m: int, t: int, inputs: list[int], block: Callable[[Members, Vectors], Any]
) -> dict[str, Any]:
    """One run of a block under a label of its own."""
    keys = {subset: secret("key", subset) for subset in subsets(m, t)}
    members, shares = Members(m, t, keys, LABEL), shares_of(m, t, inputs)
    given = content(shares)
    found = block(members, shares)
    result = found if isinstance(found, list) else content(found)
    return {"shares": given, "result": result, "label": members.label.hex()}


def compared(members: Members, x: Vectors) -> Vectors:
    bits = plain.random_bits(members, K_BITS * len(COMPARED))
    return plain.joined(plain.at_least(members, x, K_BITS, THRESHOLDS, bits))


def tested(members: Members, x: Vectors) -> list[bool]:
    rows = len(TESTED)
    return plain.any_zero(members, [plain.cut(x, k * rows, (k + 1) * rows) for k in range(3)])


def rounded(members: Members, x: Vectors) -> Vectors:
    bits = plain.random_bits(members, B * len(ROUNDED))
    return plain.rounded(members, x, B, SIZE, bits)


def rooted(members: Members, x: Vectors) -> Vectors:
    bits = plain.random_bits(members, PATH["size"] * len(SQUARES))
    return plain.roots(members, x, PATH, bits)


def committee(m: int, t: int) -> dict[str, Any]:
    """All blocks."""
    columns = [row[k] for k in range(3) for row in TESTED]
    return {
        "members": m,
        "threshold": t,
        "comparison": of_block(m, t, COMPARED, compared),
        "zero_test": of_block(m, t, columns, tested),
        "rounding": of_block(m, t, ROUNDED, rounded),
        "reciprocals": of_block(
            m, t, NUMBERS, lambda c, n: plain.reciprocals(c, n, START, FACTORS, C_BITS)
        ),
        "running_products": of_block(
            m, t, FRACTIONS, lambda c, q: plain.running_products(c, q, 2, len(FRACTIONS) // 2)
        ),
        "roots": of_block(m, t, SQUARES, rooted),
    }


def main() -> None:
    found = {
        "first_label": LABEL.hex(),
        "committees": [committee(m, t) for m, t in ((3, 1), (5, 2), (5, 1))],
    }
    (HERE / "blind_blocks.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
