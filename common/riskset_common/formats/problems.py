"""One problem that pydantic found in what was read."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Problem(TypedDict):
    """What `ValidationError.errors` gives: its kind, where it is, pydantic's words, what was found, and what belongs to the kind."""

    type: str
    loc: tuple[int | str, ...]
    msg: str
    input: object
    ctx: NotRequired[dict[str, object]]
