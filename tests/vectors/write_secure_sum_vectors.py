"""Write the test vectors of SA-1 beside this script: sessions that must go as written, and steps that must be refused.

Run it with ``python -m tests.vectors.write_secure_sum_vectors`` from the top folder. Every number comes from
`plain_secure_sum.py`, none from the product, and no random source is read: the files come out the same each time.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.vectors.secure_sum_refusals import (
    bad_frames,
    bad_keys,
    bad_offers,
    bad_recoveries,
    bad_reports,
    bad_rounds,
    not_the_centres,
)
from tests.vectors.secure_sum_sessions import one_site, six_sites, three_sites

HERE = Path(__file__).parent


def write(name: str, content: object) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    good = three_sites()
    write("secure_sum_three_sites", good)
    write("secure_sum_one_site", one_site())
    recovered = six_sites()
    write("secure_sum_six_sites", recovered)
    cases = {"of": "secure_sum_six_sites", "cases": bad_recoveries(recovered)}
    write("secure_sum_bad_recoveries", cases)
    write(
        "secure_sum_not_the_centres",
        {"of": "secure_sum_six_sites", "cases": not_the_centres(recovered)},
    )
    for what, make in (
        ("offers", bad_offers),
        ("keys", bad_keys),
        ("rounds", bad_rounds),
        ("reports", bad_reports),
        ("frames", bad_frames),
    ):
        write(f"secure_sum_bad_{what}", {"of": "secure_sum_three_sites", "cases": make(good)})


if __name__ == "__main__":
    main()
