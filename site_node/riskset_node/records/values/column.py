"""A column as it is in the file: its distinct values, their texts, and the codes that those texts spell.

A column has far fewer distinct values than rows, mostly; each distinct value is looked at once, and the rows follow by index.
"""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from types import NoneType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from riskset_common.formats.seen import as_seen
from riskset_common.study.patients import Bools, Integers
from riskset_node.sources.source import Note

Scalar = TypeVar("Scalar", bound=np.generic)

_CODE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


@dataclass(frozen=True)
class Column:
    """A column as it is in the file.

    Attributes
    ----------
    index
        Position of each row's value in `distinct`, -1 where the source holds none, shape (n,).
    distinct
        The distinct values, in the order of the file.
    unit
        The unit of its numbers where the source knows it.
    approximate
        Rows whose date was completed in the source, shape (n,); None where none was.
    from_1904
        Whether its day numbers count from 1904, so that `excel` is no form of them.
    """

    index: Integers
    distinct: tuple[object, ...]
    unit: str | None = None
    approximate: Bools | None = None
    from_1904: bool = False

    @classmethod
    def of(cls, values: Sequence[object], note: Note | None = None) -> Column:
        """Take the distinct values of a column as a source reads it; None and what is not a number stand for no value."""
        column = cls._of_values(values)
        if note is None:
            return column
        approximate = np.array(note.approximate, dtype=np.bool_) if note.approximate else None
        return replace(column, unit=note.unit, approximate=approximate, from_1904=note.from_1904)

    @classmethod
    def _of_values(cls, values: Sequence[object]) -> Column:
        kinds = set(map(type, values)) - {NoneType}
        if (bool in kinds and len(kinds) > 1) or datetime.datetime in kinds:
            # Python takes True for 1, and a moment for the same one in another zone; a person does not.
            keys: Sequence[object] = [(type(value), repr(value)) for value in values]
            first = dict(zip(reversed(keys), reversed(values), strict=True))
        else:
            keys, first = values, {}
        # The next number for a value that was not met yet: one pass over the rows, all of it in C.
        place: defaultdict[object, int] = defaultdict(count().__next__)
        found = np.fromiter(map(place.__getitem__, keys), np.int64, len(values))
        met = [first.get(key, key) for key in place]
        # NaN is unlike itself.
        known = np.array([value is not None and value == value for value in met], dtype=np.bool_)  # noqa: PLR0124
        distinct = tuple(value for value, is_known in zip(met, known, strict=True) if is_known)
        if known.all():
            return cls(found, distinct)
        return cls(np.where(known, np.cumsum(known) - 1, -1)[found], distinct)

    def spread(
        self, of_distinct: Sequence[object], missing: object, dtype: type[Scalar]
    ) -> NDArray[Scalar]:
        """Give every row what its distinct value became, and `missing` where it has none. Shape (n,)."""
        # Index -1 takes the last entry.
        return np.array([*of_distinct, missing], dtype=dtype)[self.index]

    def rows(self, chosen: Bools | Integers) -> Column:
        """The same column for some of the rows: marked, shape (n,), or by their numbers, of any length."""
        approximate = None if self.approximate is None else self.approximate[chosen]
        return replace(self, index=self.index[chosen], approximate=approximate)

    def rows_with(self, positions: Iterable[int]) -> Bools:
        """Rows that hold one of the distinct values at these positions, shape (n,)."""
        chosen = np.zeros(len(self.distinct) + 1, dtype=np.bool_)
        chosen[list(positions)] = True
        return chosen[self.index]


def text_of(value: object) -> str:
    """Write a value as a person sees it: whole numbers without a point, days as ISO 8601, a moment at midnight as its day."""
    if isinstance(value, str):
        return as_seen(value)
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if is_midnight(value) else value.isoformat(" ")
    if isinstance(value, float | np.floating):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def is_midnight(moment: datetime.datetime) -> bool:
    """Whether a moment has no time of day."""
    return moment.time() == datetime.time.min


def plain_code(text: str, decimal: str = ".") -> str:
    """One spelling for a code that is a number: 1, 1.0 and 1.00 are the same code; 01 is another."""
    number = text.replace(decimal, ".")
    if not _CODE_NUMBER.fullmatch(number):
        return text
    plain = number.rstrip("0").rstrip(".") if "." in number else number
    return "0" if plain == "-0" else plain


@dataclass(frozen=True)
class Tokens:
    """Texts with a meaning: by their exact spelling, or else as the same number."""

    exact: Mapping[str, str]
    numbers: Mapping[str, str]
    decimal: str

    @classmethod
    def of(cls, meanings: Mapping[str, str], decimal: str) -> Tokens:
        """Learn what each text means, under the file's decimal sign."""
        meanings = {as_seen(text): meaning for text, meaning in meanings.items()}
        same: dict[str, set[str]] = {}
        for text, meaning in meanings.items():
            plain = plain_code(text, decimal)
            if _CODE_NUMBER.fullmatch(plain):
                same.setdefault(plain, set()).add(meaning)
        # Two spellings of one number that mean two things count as they are spelt only.
        numbers = {plain: min(meant) for plain, meant in same.items() if len(meant) == 1}
        return cls(meanings, numbers, decimal)

    def meaning(self, text: str) -> str | None:
        """What a text means; None where it means nothing."""
        if text in self.exact:
            return self.exact[text]
        return self.numbers.get(plain_code(text, self.decimal)) if self.numbers else None

    def of_value(self, value: object) -> str | None:
        """What a value means by its text; of true and false any way to write them counts, because programs show them differently."""
        if isinstance(value, bool | np.bool_):
            return next(
                (meant for text, meant in self.exact.items() if text.lower() == text_of(value)),
                None,
            )
        return self.meaning(text_of(value))
