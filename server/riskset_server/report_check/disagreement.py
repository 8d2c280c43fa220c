"""What a check found: which check, where in the report, and what does not agree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Disagreement:
    """Two numbers of a report that cannot both be right, or one that stands in no result."""

    check: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.check}: {self.where}: {self.what}"
