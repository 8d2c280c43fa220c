"""The base model of every YAML file and message: frozen, and without unknown keys."""

from __future__ import annotations

import datetime
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, model_validator


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

    @model_validator(mode="before")
    @classmethod
    def _is_what_it_seems(cls, written: object) -> object:
        """Refuse what would be turned into another kind of value: true into 1, and 20171231 into seconds since 1970."""
        if isinstance(written, Mapping):
            said = [
                f"{key}: {problem}"
                for name, field in cls.model_fields.items()
                for key in (field.alias or name,)
                for problem in _not_as_meant(written.get(key), field.annotation)
            ]
            if said:
                raise ValueError("\n".join(said))
        return written


def _not_as_meant(written: object, annotation: object) -> Iterator[str]:
    """Say it of a value, or of the first such entry of a list."""
    entries = written if isinstance(written, (list, tuple)) else (written,)
    suspects = [entry for entry in entries if type(entry) in _NUMBERS]
    if not suspects:
        return
    meant = _meant(annotation)
    truths = [str(entry).lower() for entry in suspects if isinstance(entry, bool)]
    if truths and meant <= {int, float}:
        yield f"a number was expected, and here stands {truths[0]}. Write one such as 5."
    elif meant == {datetime.date}:
        yield f"a date was expected, and here stands {str(suspects[0]).lower()}. Write year-month-day, such as 2026-12-31."


_NUMBERS = (bool, int, float)


def _meant(annotation: object) -> frozenset[object]:
    """The plain types that an annotation allows, of entries where it is a list."""
    if get_origin(annotation) is Annotated:
        return _meant(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType, tuple, list):
        inner = (_meant(each) for each in get_args(annotation) if each not in (type(None), ...))
        return frozenset[object]().union(*inner)
    return frozenset([annotation])
