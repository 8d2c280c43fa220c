"""Which column holds which variable: one of the same kind with a name alike, or with the levels of that variable alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from riskset_common.study.codebook import CategoryVariable, Codebook
from riskset_node.drafting.likeness import ALIKE, most_alike, plain, word
from riskset_node.drafting.looks import Look

_PATIENT_WORDS = (
    "patient", "pat", "subject", "subjid", "usubjid", "record", "id", "nr", "no", "num", "number", "nummer", "numer", "numero", "code"
)  # fmt: skip
_BEGINNINGS = ("patient", "pat", "subj", "usubjid", "record")
_ENDINGS = ("nummer", "number", "numer", "nr")
_ENOUGH_LEVELS = 2


@dataclass(frozen=True)
class Match:
    """A variable's column, and why."""

    look: Look
    why: str
    same_name: bool = False


def patient_columns(looks: Sequence[Look]) -> tuple[Look, ...]:
    """Columns that may hold the patients' ids: one value a row, and no dates; those with a word for it in their name, if there are any."""
    unique = [look for look in looks if look.is_unique and not _is_measure(look)]
    named = [look for look in unique if set(plain(look.name).split()) & set(_PATIENT_WORDS)]
    joined = [
        look
        for look in unique
        if plain(look.name).startswith(_BEGINNINGS) or plain(look.name).endswith(_ENDINGS)
    ]
    return tuple(named or joined or unique)


def _is_measure(look: Look) -> bool:
    """Whether a column holds days, or numbers with decimals."""
    is_whole = all(text.isdigit() for text in look.texts)
    return bool(look.kinds & {"date", "number"}) and not is_whole


def matches(codebook: Codebook, looks: Sequence[Look]) -> dict[str, Match]:
    """A column for each variable for which one can be proposed; none for two variables."""
    found: dict[str, Match] = {}
    free = {look.name: look for look in looks}
    for name, variable in codebook.variables.items():
        if name in free and variable.kind in free[name].kinds:
            found[name] = Match(free.pop(name), "same kind, same name", same_name=True)
    for ratio, name, look in _ranked(codebook, looks):
        if name not in found and look.name in free:
            found[name] = Match(free.pop(look.name), f"same kind, name alike ({ratio:.2f})")
    for name, look in _by_levels(codebook, found, free):
        found[name] = Match(look, "its values are levels of this variable and of no other")
    return found


def _ranked(codebook: Codebook, looks: Sequence[Look]) -> list[tuple[float, str, Look]]:
    """Variables and columns of the same kind with names alike, the most alike first."""
    pairs = [
        (most_alike((name, variable.label), look.names), name, look)
        for name, variable in codebook.variables.items()
        for look in looks
        if variable.kind in look.kinds
    ]
    return sorted((pair for pair in pairs if pair[0] >= ALIKE), key=lambda pair: -pair[0])


def _by_levels(
    codebook: Codebook, found: Mapping[str, Match], free: Mapping[str, Look]
) -> Iterator[tuple[str, Look]]:
    """Pairs of a variable and a column whose values are levels of no other variable, where no other column has such values."""
    fits: dict[str, list[Look]] = {}
    for look in free.values():
        words = {word(text) for text in look.texts}
        having = [
            name
            for name, variable in codebook.variables.items()
            if isinstance(variable, CategoryVariable)
            and "category" in look.kinds
            and len(words) >= _ENOUGH_LEVELS
            and words <= {word(text) for pair in variable.levels.items() for text in pair}
        ]
        if len(having) == 1:
            fits.setdefault(having[0], []).append(look)
    for name, columns in fits.items():
        if len(columns) == 1 and name not in found:
            yield name, columns[0]
