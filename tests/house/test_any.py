"""`Any` switches the checker off. It is for what other libraries leave open, and its number may only fall."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

PRODUCT = ("common", "server", "site_node", "deploy")
MOST = 77
"""The word in all modules of the product, as `grep -rnowE Any --include='*.py'` counts it. Lower it with each that goes."""


def test_there_is_no_more_any_than_there_was(checkout: Path) -> None:
    counted = Counter(
        {
            module.relative_to(checkout).as_posix(): len(
                re.findall(r"\bAny\b", module.read_text(encoding="utf-8"))
            )
            for folder in PRODUCT
            for module in (checkout / folder).rglob("*.py")
        }
    )

    assert counted.total() <= MOST, counted.most_common(10)
