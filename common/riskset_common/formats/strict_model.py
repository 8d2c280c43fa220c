"""The base model of every YAML file and message: frozen, and without unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


def is_default(value: object) -> bool:
    """Whether a key need not travel: a file that does not use it says what it said before there was the key, and has the same hash."""
    return not value


class StrictModel(BaseModel):
    """A value that a person wrote down: immutable, and no key that nobody reads.

    `REFUSED` names keys that a person might write and that this release refuses: for each the reason, and what to do.
    """

    REFUSED: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        allow_inf_nan=False,
        # What is behind an error of ours may be logged, and what was written may be a password.
        hide_input_in_errors=True,
    )
