"""How alike two names are, and what a label says of the unit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
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


@cache
def plain(text: str) -> str:
    """A name in lower case, without accents, its words parted by one blank."""
    apart = unicodedata.normalize("NFKD", as_seen(text).casefold().translate(_WHOLE_LETTERS))
    letters = "".join(mark for mark in apart if not unicodedata.combining(mark))
    return " ".join(re.findall(r"[^\W_]+", letters))


@cache
def likeness(one: str, other: str) -> float:
    """How alike two names are, from 0 to 1, whichever comes first."""
    a, b = plain(one), plain(other)
    if not a or not b:
        return 0.0
    return max(
        SequenceMatcher(None, a, b, autojunk=False).ratio(),
        SequenceMatcher(None, b, a, autojunk=False).ratio(),
    )


def most_alike(ones: Iterable[str], others: Iterable[str]) -> float:
    """The ratio of the two that are most alike."""
    names = tuple(others)
    return max((likeness(one, other) for one in ones for other in names), default=0.0)


def units_in(label: str) -> tuple[str, ...]:
    """Units that a label names: what stands in brackets, or after its last comma."""
    found = _IN_BRACKETS.findall(label)
    _, comma, last = label.rpartition(",")
    words = [each.strip() for each in (*found, *([last] if comma else []))]
    return tuple(word for word in words if word and conversion(word, word) is not None)
