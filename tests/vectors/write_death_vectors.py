"""Write the test vectors of hidden deaths beside this script: shares of d, of what follows from it, and the last label.

Run it with ``python -m tests.vectors.write_death_vectors`` from the top folder. Every number comes from `plain_deaths.py`.
"""

from __future__ import annotations

import json
from typing import Any

from tests.vectors.plain_deaths import breslow, efron
from tests.vectors.write_blind_vectors import LABEL
from tests.vectors.write_block_vectors import HERE, of_block

DEATHS, MOST = [3, 0, 1, 2, 5], 5


def committee(m: int, t: int) -> dict[str, Any]:
    """Both ways of ties."""
    return {
        "members": m,
        "threshold": t,
        "efron": of_block(m, t, DEATHS, lambda members, d: efron(members, d, MOST)),
        "breslow": of_block(m, t, DEATHS, lambda members, d: breslow(members, d, MOST)),
    }


def main() -> None:
    found = {
        "first_label": LABEL.hex(),
        "committees": [committee(m, t) for m, t in ((3, 1), (5, 2), (5, 1))],
    }
    (HERE / "hidden_deaths.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
