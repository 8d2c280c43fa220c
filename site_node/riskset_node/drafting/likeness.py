"""How alike two names are, and what a label says of the unit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from riskset_common.formats.seen import as_seen
from riskset_node.records.values.units import conversion

ALIKE = 0.6
"""Names are alike from this ratio on: twice the letters in common, in order, over all letters of both (Ratcliff and Obershelp)."""

_WHOLE_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "þ": "th", "ð": "d"}
)
"""Letters that do not fall apart into a plain letter and a mark."""

_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")


def _without_accents(text: str) -> str:
    apart = unicodedata.normalize("NFKD", as_seen(text).casefold().translate(_WHOLE_LETTERS))
    return "".join(mark for mark in apart if not unicodedata.combining(mark))


@cache
def plain(text: str) -> str:
    """A name in lower case, without accents, its words parted by one blank."""
    return " ".join(re.findall(r"[^\W_]+", _without_accents(text)))


@cache
def word(text: str) -> str:
    """A code in lower case, without accents, a blank for what joins two words; its other signs stay, because + is not -."""
    return re.sub(r"(?<=[^\W\d_])[\s_/-]+(?=[^\W\d_])", " ", _without_accents(text))


def same_signs(one: str, other: str) -> bool:
    """Whether two codes have the same digits and signs, in the same order."""
    return re.findall(r"[\W\d]", word(one).replace(" ", "")) == re.findall(
        r"[\W\d]", word(other).replace(" ", "")
    )


@cache
def likeness(one: str, other: str) -> float:
    """How alike two names are, from 0 to 1, whichever comes first; names with different numbers in them are not."""
    a, b = plain(one), plain(other)
    digits = [re.findall(r"\d+", name) for name in (a, b)]
    if not a or not b or (all(digits) and digits[0] != digits[1]):
        return 0.0
    return max(
        SequenceMatcher(None, a, b, autojunk=False).ratio(),
        SequenceMatcher(None, b, a, autojunk=False).ratio(),
    )


def most_alike(ones: Iterable[str], others: Iterable[str]) -> float:
    """The ratio of the two that are most alike."""
    names = tuple(others)
    return max((likeness(one, other) for one in ones for other in names), default=0.0)


@dataclass(frozen=True)
class LabelParts:
    """A label, parted into what it names and what it sets apart: in brackets, or after its last comma."""

    name: str
    in_brackets: tuple[str, ...]
    after_comma: str

    @classmethod
    def of(cls, label: str) -> LabelParts:
        """Part a label."""
        name, comma, last = _IN_BRACKETS.sub("", label).rpartition(",")
        apart = tuple(each.strip() for each in _IN_BRACKETS.findall(label))
        return cls(name.strip() if comma else last.strip(), apart, last.strip() if comma else "")

    def units(self, unit: str) -> tuple[str, ...]:
        """Units in it that can be turned into this one."""
        apart = (*self.in_brackets, self.after_comma)
        return tuple(each for each in apart if each and conversion(each, unit) is not None)
