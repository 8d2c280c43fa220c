"""How a moment is written for people: one form in every log, listing and refusal."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """Give a moment to the second, in UTC: `2026-11-30 22:14:05 UTC`. `at` has a time zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
