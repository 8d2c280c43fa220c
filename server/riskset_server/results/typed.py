"""What pages ask of results in their types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from riskset_common.results.shown import Withheld

T = TypeVar("T")


def distinct(values: Iterable[T | Withheld | None]) -> list[T]:
    """Values that exist and are not withheld, each once, in their order."""
    return list(
        dict.fromkeys(
            value for value in values if value is not None and not isinstance(value, Withheld)
        )
    )
