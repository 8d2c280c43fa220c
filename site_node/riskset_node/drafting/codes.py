"""Codes of a category: which level each stands for, as far as words say it, and which of them a draft may show.

A draft is a file that is copied and sent, so it holds no value of a patient. A text of the file is shown only if it is a word of the
codebook or of the file's own value labels, or if it is short and stands for several patients; then it is a code, and no name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from riskset_common.study.codebook import CategoryVariable
from riskset_node.config import OPEN
from riskset_node.drafting.likeness import likeness, same_signs, word
from riskset_node.drafting.looks import LONGEST_CODE, MOST_CODES, ROWS_OF_A_CODE, Look
from riskset_node.drafting.settings import Proposal

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
    if len(texts) > MOST_CODES:
        return {}, f"{len(texts)} different values, too many for codes: they are not shown"
    meant = {text: _level(text, labels.get(text, ""), variable.levels) for text in texts}
    shown = {
        text: meant[text]
        for text, rows in texts.items()
        if not meant[text].is_open
        or text in labels
        or (one_row_a_patient and rows >= ROWS_OF_A_CODE and len(text) <= LONGEST_CODE)
    }
    hidden = len(texts) - len(shown)
    more = "1 more value, too rare" if hidden == 1 else f"{hidden} more values, too rare"
    note = f"{more} to be shown here: `data check` names them" if hidden else ""
    return _once_alike(shown), note


def _level(text: str, label: str, levels: Mapping[str, str]) -> Proposal:
    """The level that a code stands for by its text or by the file's label of it."""
    words = [each for each in (text, label) if each]
    by_label = f', labelled "{label}"' if label else ""
    equal = [
        level
        for level, said in levels.items()
        if {word(text) for text in words} & {word(level), word(said)}
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
    """How alike a code and a level are, of pairs that begin alike and have the same digits and signs."""
    return max(
        (
            likeness(written, name)
            for written in words
            for name in (level, said)
            if word(written)[:_SAME_BEGINNING] == word(name)[:_SAME_BEGINNING]
            and same_signs(written, name)
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
