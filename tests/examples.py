"""How many examples a test draws that cannot afford as many as the others, or needs more."""

from __future__ import annotations

from hypothesis import settings

IN_THE_GATE = 25


def examples(number: int) -> settings:
    """So many in the gate, and in the same proportion more where the profile says more."""
    profile = settings.default
    assert profile is not None
    return settings(max_examples=number * profile.max_examples // IN_THE_GATE)
