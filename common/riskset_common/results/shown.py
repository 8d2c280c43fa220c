"""A value of a result: shown, or withheld by a disclosure rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from riskset_common.errors import EstimationError

T = TypeVar("T")

NO_RESULT: Final = "no result"
"""The mark in place of every value of an analysis that could not be carried out."""

WHEN_ASKED: Final = {"when_asked": True}
"""Metadata of a result's field that is not written where it is None: what the plan did not ask for, or only a released result has."""


Reason: TypeAlias = Literal["small", "protects"]
"""Why a rule withholds a value: it is too small, or its kind is too few; or it is not, but would tell one that is."""


@dataclass(frozen=True)
class Withheld:
    """The mark in place of a value that a disclosure rule withholds.

    Attributes
    ----------
    rule
        The name of the rule, such as `minimum_cell 5`.
    reason
        Which of its two reasons holds; None for a rule that has only one, or where there is no result.
    """

    rule: str
    reason: Reason | None = None


Shown: TypeAlias = T | Withheld
"""A value that a disclosure rule may withhold."""


@dataclass(frozen=True)
class WithheldAnalysis:
    """An analysis of which nothing but its kind is shown, or of which there is no result.

    Attributes
    ----------
    kind
        The kind of analysis.
    fields
        The mark of each field that the result has, in the order of the result, without `kind` and `warnings`.
    warnings
        Why there is no result; empty where there is one that a disclosure rule withholds.
    """

    kind: str
    fields: Mapping[str, Withheld]
    warnings: tuple[str, ...] = ()

    @property
    def n(self) -> Withheld | None:
        """The mark of the number of patients; None if a result of the kind has none."""
        return self.fields.get("n")

    @property
    def missing(self) -> Withheld | None:
        """The mark of the number of patients who were left out; None if a result of the kind has none."""
        return self.fields.get("missing")

    @property
    def events(self) -> Withheld | None:
        """The mark of the number of events; None if a result of the kind has none."""
        return self.fields.get("events")

    @property
    def test(self) -> Withheld | None:
        """The mark of the test between its groups, or of those by cause; None if the plan asks for none."""
        return self.fields.get("test", self.fields.get("tests"))


def written_fields(result: object) -> Iterator[tuple[str, object]]:
    """The fields of a result that are written, with their values, in their order; one that is only there `WHEN_ASKED` unless it is None.

    Raises
    ------
    TypeError
        If it is no dataclass.
    """
    if not dataclasses.is_dataclass(result):
        raise TypeError(f"A result is a dataclass, and {type(result).__name__} is none.")
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if value is not None or field.metadata != WHEN_ASKED:
            yield field.name, value


class Measured:
    """A result whose sequences have lengths, or whose mappings have names, that belong together; `from_json` refuses it otherwise."""

    def lengths(self) -> Iterator[tuple[str, int, int]]:
        """Each sequence by name, its length, and the length that it must have; what is withheld has none."""
        yield from ()

    def names(self) -> Iterator[tuple[str, Collection[str], Iterable[str]]]:
        """Each mapping by name, its keys, and those that it must have."""
        yield from ()


class Parallel(Measured):
    """A dataclass whose sequences all have the same length."""

    def lengths(self) -> Iterator[tuple[str, int, int]]:
        """All are as long as the first."""
        found = [
            (name, len(value)) for name, value in written_fields(self) if isinstance(value, tuple)
        ]
        for name, length in found:
            yield name, length, found[0][1]


def sized(**sequences: object) -> Iterator[tuple[str, int]]:
    """The sequences that are there and not withheld, with their lengths."""
    for name, value in sequences.items():
        if isinstance(value, tuple):
            yield name, len(value)


def exact(value: T | Withheld | WithheldAnalysis) -> T:
    """A value of an exact result, or a part that is an analysis: nothing of it is withheld.

    Raises
    ------
    EstimationError
        Where it is withheld.
    """
    if isinstance(value, (Withheld, WithheldAnalysis)):
        raise EstimationError(
            f"A value that is needed is withheld: {value}. Take the result before its disclosure rules, not after."
        )
    return value
