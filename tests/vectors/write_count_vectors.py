"""Write the test vectors of the uploads of counts beside this script: labels, bits, masks, and the two tests of a site.

Run it with ``python -m tests.vectors.write_count_vectors`` from the top folder. Every number comes from `plain_counts.py`, none from the
product, and no random source is read.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.vectors.plain_blind import bytes_of, interpolated
from tests.vectors.plain_counts import (
    bits_of,
    coefficients,
    masked,
    numbers_of,
    real_as_whole,
    setup_hash,
    share_of,
    short_bytes,
    strike_statement,
    tests,
    upload_label,
    wave_statement,
)

HERE = Path(__file__).parent
EVENTS = [[2, 0, 1], [0, 3, 1]]
"""Events by group and day, of 2 bits."""
PATIENTS = [3, 4]
"""By group, of 3 bits: the sums of the rows."""
MEAN = [-1.25, 2.3]
"""Reals of 2^-20 and 32 bits."""
SIZES = [(6, 2), (2, 3), (2, 32)]
EQUATIONS = [[(1, [0, 1, 2]), (-1, [6])], [(1, [3, 4, 5]), (-1, [7])]]
MARKS = [[(1, [0, 1, 2, 3, 4, 5])]]
"""An equation with a constant: the events are seven in all."""
WIDTH, FRACTION = 32, 20


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


def committee(m: int, t: int) -> dict[str, object]:
    """One site's upload as every member reads it, as it must be and with 2^90 added to its first bit."""
    setup = setup_hash(
        session=secret("session"),
        roster=secret("roster"),
        participants=list(range(m + 1)),
        members=list(range(m)),
        threshold=t,
        checked=(m, t) == (5, 1),
        work=secret(1),
    )
    opened = [b"first wave", b"second wave"]
    label, own = upload_label(setup, 3, opened), secret("site")
    whole = [real_as_whole(value, WIDTH, FRACTION) for value in MEAN]
    bits = [*bits_of([*EVENTS[0], *EVENTS[1]], 2), *bits_of(PATIENTS, 3), *bits_of(whole, WIDTH)]
    check = secret("check")
    c, u = coefficients(check, len(bits), 3)
    sites = []
    for added in (0, 1 << 90):
        sent = masked([bits[0] + added, *bits[1:]], setup, own, label, m, t)
        members = {}
        for member in range(1, m + 1):
            share = share_of(sent, setup, own, label, m, t, member)
            arrays = numbers_of(share, SIZES)
            members[member] = list(tests(share, arrays, c, u, EQUATIONS + MARKS, [0, 0, 7]))
        first = {member: members[member] for member in range(1, 2 * t + 2)}
        sites.append(
            {
                "added": str(added),
                "sent": short_bytes(sent),
                "tests": [bytes_of(each) for each in members.values()],
                "opened": bytes_of(interpolated(first)),
            }
        )
    return {
        "members": m,
        "threshold": t,
        "checked": (m, t) == (5, 1),
        "session": secret("session").hex(),
        "roster": secret("roster").hex(),
        "work": secret(1).hex(),
        "setup": setup.hex(),
        "opened": [each.hex() for each in opened],
        "label": label.hex(),
        "secret": own.hex(),
        "bits": "".join(map(str, bits)),
        "check": check.hex(),
        "c": bytes_of(c),
        "u": bytes_of(u),
        "sites": sites,
        "wave": wave_statement(setup, 4, label, b"body").hex(),
        "strike": strike_statement(setup, 1, 2).hex(),
    }


def main() -> None:
    content = {
        "events": EVENTS,
        "patients": PATIENTS,
        "mean": [value.hex() for value in MEAN],
        "width": WIDTH,
        "fraction_bits": FRACTION,
        "committees": [committee(m, t) for m, t in ((3, 1), (5, 2), (5, 1))],
    }
    text = json.dumps(content, indent=1) + "\n"
    (HERE / "count_uploads.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
