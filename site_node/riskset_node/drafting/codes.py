"""Codes of a category: which level each stands for, as far as words say it, and which of them a draft may show.

A draft is a file that is copied and sent, so it holds no value of a patient. A text of the file is shown only if it is a word of the
codebook or of the file's own value labels, or if it is short and stands for several patients; then it is a code, and no name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from riskset_common.study.codebook import CategoryVariable
from riskset_node.config import OPEN
from riskset_node.drafting.likeness import likeness, plain
from riskset_node.drafting.looks import MOST_CODES, Look
from riskset_node.drafting.settings import Proposal

_PATIENTS_OF_A_CODE = 3
"""A text that is no word of the codebook is shown if so many patients have it."""
_LONGEST_CODE = 30

_ALIKE_LEVEL = 0.75
_AHEAD = 0.15
"""By so much a level must be more alike than any other."""
_SAME_BEGINNING = 3
"""Letters with which both begin: what is put before a word may turn it into its opposite."""


def codes_of(
    look: Look, variable: CategoryVariable, labels: Mapping[str, str], *, one_row_a_patient: bool
) -> tuple[dict[str, Proposal], str]:
    """The codes of a column, and a note on those that are not shown; no codes are needed where all values are levels.

    Parameters
    ----------
    labels
        The file's own labels of the column's values.
    one_row_a_patient
        Whether rows are patients; if not, one patient may be in several rows.
    """
    texts = look.texts
    if all(text in variable.levels for text in texts):
        return {}, ""
    meant = {text: _level(text, labels.get(text, ""), variable.levels) for text in texts}
    if len(texts) > MOST_CODES:
        return {}, f"{len(texts)} different values, too many for codes: they are not shown"
    shown = {
        text: meant[text]
        for text, rows in texts.items()
        if not meant[text].is_open or text in labels or _is_code(text, rows, one_row_a_patient)
    }
    hidden = len(texts) - len(shown)
    note = f"{hidden} more values, too rare to be shown here; `data check` names them" if hidden else ""
    return _once_alike(shown), note


def _is_code(text: str, rows: int, one_row_a_patient: bool) -> bool:
    return one_row_a_patient and rows >= _PATIENTS_OF_A_CODE and len(text) <= _LONGEST_CODE


def _level(text: str, label: str, levels: Mapping[str, str]) -> Proposal:
    """The level that a code stands for by its text or by the file's label of it."""
    words = [word for word in (text, label) if word]
    by_label = f', labelled "{label}"' if label else ""
    equal = [
        level
        for level, said in levels.items()
        if {plain(word) for word in words} & {plain(level), plain(said)} - {""}
    ]
    if len(equal) == 1:
        return Proposal(equal[0], f"the same word{by_label}")
    ranked = sorted(
        ((_ratio(words, level, said), level) for level, said in levels.items()), reverse=True
    )
    (best, level), *others = ranked
    ahead = not others or best - others[0][0] >= _AHEAD
    if not equal and best >= _ALIKE_LEVEL and ahead:
        return Proposal(level, f"alike ({best:.2f}){by_label}")
    return Proposal(OPEN, f"one of {', '.join(levels)}{by_label}")


def _ratio(words: Sequence[str], level: str, said: str) -> float:
    """How alike a code and a level are, of pairs that begin alike."""
    return max(
        (
            likeness(word, name)
            for word in words
            for name in (level, said)
            if plain(word)[:_SAME_BEGINNING] == plain(name)[:_SAME_BEGINNING]
        ),
        default=0.0,
    )


def _once_alike(codes: Mapping[str, Proposal]) -> dict[str, Proposal]:
    """Of two codes that seem to mean one level none is sure; a word that is the level's own is."""
    taken: dict[str | int, int] = {}
    for each in codes.values():
        taken[each.value] = taken.get(each.value, 0) + 1
    return {
        text: Proposal(OPEN, f"{each.value}? {each.why}, but not the only one")
        if each.why.startswith("alike") and taken[each.value] > 1
        else each
        for text, each in codes.items()
    }
