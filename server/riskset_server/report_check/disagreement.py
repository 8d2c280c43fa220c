"""A disagreement: the check, the place in the report, and the two values that differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Disagreement:
    """Two numbers of a report that cannot both be right, or one that comes from no result."""

    check: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.check}: {self.where}: {self.what}"
