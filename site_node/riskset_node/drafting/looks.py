"""What a column holds: dates, numbers, codes of a category, or other texts, and in which forms."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from riskset_node.drafting.likeness import LabelParts
from riskset_node.records.values.column import Column, is_midnight, text_of
from riskset_node.records.values.day_advice import USUAL_DATES
from riskset_node.records.values.numbers import decimal_text, may_be_grouped
from riskset_node.sources.date_forms import DAY_ZERO, Written, date_form
from riskset_node.sources.source import MISSING_TOKENS

MOST_CODES = 20
"""A column with more distinct values is taken for no category."""

ROWS_OF_A_CODE = 3
LONGEST_CODE = 30
"""A text of the file that is no word of the codebook is a code only if it is in so many rows, and no longer than this."""

_MOST_ODD = 3
"""Distinct texts among dates or numbers that may be signs for something else."""

_DIGITS_OF_A_DAY = 4
"""Day numbers of patients of our time have so many digits; ages in days have fewer."""

_EARLIEST, _EARLIEST_BY_NUMBER = datetime.date(1900, 1, 1), datetime.date(1940, 1, 1)
_GROUPED = ((",", "."), (".", ","), (",", " "), (".", " "), (",", "'"), (".", "'"))
"""Decimal signs with the signs between thousands that go with them."""
_FORMS = tuple(name for name in USUAL_DATES if date_form(name).has_day)
_SHORT_FORMS = tuple(name for name in USUAL_DATES if not date_form(name).has_day)

ANY_KIND = frozenset({"date", "number", "category"})


@dataclass(frozen=True)
class Look:
    """One column of the file, as far as a draft has to know it.

    Attributes
    ----------
    name, label
        Its name in the file, and the file's label of it.
    values, rows
        The distinct values that are no sign for missing, and in how many rows each is.
    kinds
        Kinds of variable that it can hold; all where it is empty, none where it holds other texts.
    forms
        Forms of dates in which all its texts can be read, those that read them as the same days once.
    decimals
        Decimal signs under which all its texts are numbers, of those that some text has.
    grouped
        Decimal signs, each with the sign between thousands, under which all its texts are numbers; empty if no thousands are parted.
    odd
        Texts among its dates or numbers that are neither.
    has_times
        Whether it holds moments with a time of day.
    is_unique
        Whether every row has a value that no other row has.
    """

    name: str
    label: str
    values: tuple[object, ...]
    rows: tuple[int, ...]
    kinds: frozenset[str]
    forms: tuple[str, ...] = ()
    decimals: tuple[str, ...] = ()
    grouped: tuple[tuple[str, str], ...] = ()
    odd: tuple[str, ...] = ()
    has_times: bool = False
    is_unique: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called: its name and its label, each also without what it sets apart, such as a unit."""
        return tuple(
            dict.fromkeys(
                text
                for each in (self.name, self.label)
                for text in (each, LabelParts.of(each).name)
            )
        )

    @property
    def is_text(self) -> bool:
        """Whether some value is a text, so that it has a form."""
        return any(isinstance(value, str) for value in self.values)

    def is_one_group(self, sign: str) -> bool:
        """Whether every sign of this kind could as well stand between thousands as before decimals."""
        texts = [value for value in self.values if isinstance(value, str) and sign in value]
        return bool(texts) and all(may_be_grouped(text_of(text)) for text in texts)

    @property
    def texts(self) -> dict[str, int]:
        """The values as texts, each with the number of its rows."""
        found: Counter[str] = Counter()
        for value, rows in zip(self.values, self.rows, strict=True):
            found[text_of(value)] += rows
        return dict(found)


def looks(
    columns: Mapping[str, Sequence[object]], labels: Mapping[str, str], today: datetime.date
) -> tuple[tuple[Look, ...], tuple[str, ...]]:
    """A look at each column; and the texts that stand among dates or numbers in more than one column, as signs for missing do."""
    read = {name: Column.of(values) for name, values in columns.items()}
    first = [_look(name, labels.get(name, ""), column, (), today) for name, column in read.items()]
    among = Counter(text for look in first for text in look.odd)
    rows = Counter({text: look.texts[text] for look in first for text in look.odd})
    signs = tuple(
        text
        for text, times in among.items()
        if times > 1
        and rows[text] >= ROWS_OF_A_CODE
        and len(text) <= LONGEST_CODE
        and not any(date_form(form).read(text) for form in USUAL_DATES)
    )
    if not signs:
        return tuple(first), ()
    again = (
        _look(name, labels.get(name, ""), column, signs, today) for name, column in read.items()
    )
    return tuple(again), signs


def _look(
    name: str, label: str, column: Column, signs: Sequence[str], today: datetime.date
) -> Look:
    rows = np.bincount(column.index[column.index >= 0], minlength=len(column.distinct)).tolist()
    nothing = {*MISSING_TOKENS, *signs}
    known = [
        (value, count)
        for value, count in zip(column.distinct, rows, strict=True)
        if text_of(value) not in nothing
    ]
    values, counts = tuple(value for value, _ in known), tuple(count for _, count in known)
    is_unique = len(values) == sum(counts) == column.index.size > 1
    look = Look(name, label, values, counts, frozenset(), is_unique=is_unique)
    if not values:
        return replace(look, kinds=ANY_KIND)
    if all(isinstance(value, datetime.date) for value in values):
        times = any(
            isinstance(value, datetime.datetime) and not is_midnight(value) for value in values
        )
        return replace(look, kinds=frozenset({"date"}), has_times=times)
    return _of_texts(look, today)


def _of_texts(look: Look, today: datetime.date) -> Look:
    """The look at a column of texts, numbers, or both."""
    texts = list(dict.fromkeys(text_of(value) for value in look.values))
    kinds = {"category"} if len(texts) <= MOST_CODES else set()
    if all(isinstance(value, bool) for value in look.values):
        return replace(look, kinds=frozenset(kinds))
    days = [
        text for text in texts if any(_reads(form, text, today) for form in _FORMS + _SHORT_FORMS)
    ]
    numbers = [text for text in texts if _is_number(text)]
    by_number = [
        text
        for text in texts
        if len(text) >= _DIGITS_OF_A_DAY and any(_reads(form, text, today) for form in DAY_ZERO)
    ]
    if _mostly(days, texts):
        forms = _forms(days, _FORMS, today) or _forms(days, _SHORT_FORMS, today)
        kinds = {"date"}
        look = replace(look, forms=forms, odd=_without(texts, days))
    elif len(by_number) == len(texts):
        kinds.add("date")
        look = replace(look, forms=_forms(texts, tuple(DAY_ZERO), today))
    if "date" not in kinds and (grouped := _grouped(texts)):
        kinds.add("number")
        look = replace(look, grouped=grouped)
    elif _mostly(numbers, texts):
        kinds.add("number")
        odd = look.odd if "date" in kinds else _without(texts, numbers)
        look = replace(look, decimals=_decimals(look, numbers), odd=odd)
    has_times = any(
        isinstance(written.day, datetime.datetime) and not is_midnight(written.day)
        for text in days
        for form in look.forms
        if (written := date_form(form).read(text)) is not None
    )
    return replace(look, kinds=frozenset(kinds), has_times=has_times)


def _mostly(fitting: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether the texts are of one kind, but for a few that may be signs for something else."""
    odd = len(texts) - len(fitting)
    return bool(fitting) and odd <= min(_MOST_ODD, len(fitting))


def _without(texts: Iterable[str], some: Iterable[str]) -> tuple[str, ...]:
    taken = set(some)
    return tuple(text for text in texts if text not in taken)


def _reads(form: str, text: str, today: datetime.date) -> bool:
    written = date_form(form).read(text)
    earliest = _EARLIEST_BY_NUMBER if form in DAY_ZERO else _EARLIEST
    return written is not None and earliest <= _date(written) <= today


def _date(written: Written) -> datetime.date:
    day = written.day
    return day.date() if isinstance(day, datetime.datetime) else day


def _forms(texts: Sequence[str], forms: Sequence[str], today: datetime.date) -> tuple[str, ...]:
    """Forms that read all the texts; of several that read them as the same days the first."""
    found: dict[tuple[object, ...], str] = {}
    for form in forms:
        if all(_reads(form, text, today) for text in texts):
            found.setdefault(tuple(date_form(form).read(text) for text in texts), form)
    return tuple(found.values())


def _is_number(text: str) -> bool:
    return any(decimal_text(text, sign) is not None for sign in ".,")


def _decimals(look: Look, numbers: Sequence[str]) -> tuple[str, ...]:
    """The decimal signs under which all these texts are numbers, if one of them was written as text and has a sign."""
    written = {text_of(value) for value in look.values if isinstance(value, str)} & set(numbers)
    if not any(sign in text for text in written for sign in ".,"):
        return ()
    return tuple(
        sign for sign in ".," if all(decimal_text(text, sign) is not None for text in written)
    )


def _grouped(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Signs under which all texts are numbers, if some have parted thousands; of several that give the same numbers the first."""
    if any(all(decimal_text(text, sign) is not None for text in texts) for sign in ".,"):
        return ()
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    for signs in _GROUPED:
        read = tuple(number for text in texts if (number := decimal_text(text, *signs)) is not None)
        if len(read) == len(texts):
            found.setdefault(read, signs)
    return tuple(found.values())
