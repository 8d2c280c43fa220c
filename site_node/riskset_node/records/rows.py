"""Which rows of a source are patients of this site, and what the site calls them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from unicodedata import normalize

import numpy as np

from riskset_common.errors import NodeConfigError
from riskset_common.study.patients import Bools, Integers
from riskset_node.config import NodeConfig
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import LocalIds, Mark
from riskset_node.records.values.column import Column, Tokens, text_of

_VALUES_SHOWN = 8


def chosen_rows(
    raw: Mapping[str, Column],
    where: Mapping[str, Sequence[str]],
    n: int,
    place: str,
    decimal: str = ".",
) -> Integers:
    """Numbers of the rows, from 0, in which each column that `where` names has one of its values.

    An empty value, as files write it or leave it out, is `""`. Numbers that are texts have this decimal sign.

    Raises
    ------
    NodeConfigError
        If a value is in no row of the file.
    """
    chosen = np.ones(n, dtype=np.bool_)
    for name, wanted in where.items():
        column = raw[name]
        tokens = Tokens.of(dict(zip(wanted, wanted, strict=True)), decimal)
        meant = [tokens.of_value(value) for value in column.distinct]
        empty = (column.index < 0) & ("" in tokens.exact)
        found = {*meant, *([""] if empty.any() else [])}
        lacking = [value for value in wanted if value not in found]
        if lacking and n:
            held = [text_of(value) for value in column.distinct]
            more = f" and {len(held) - _VALUES_SHOWN} more" if len(held) > _VALUES_SHOWN else ""
            raise NodeConfigError(
                f"data.source.where.{name}: {place} has no row with {', '.join(map(repr, lacking))} there. "
                f"It has {', '.join(map(repr, held[:_VALUES_SHOWN])) or 'no value'}{more}."
            )
        chosen &= empty | column.rows_with(
            place for place, value in enumerate(meant) if value is not None
        )
    return np.flatnonzero(chosen)


@dataclass(frozen=True)
class PatientIds:
    """The patients of the rows that are read.

    Attributes
    ----------
    n
        Number of rows.
    local_ids
        What the site calls them.
    marks
        What is wrong with their ids.
    """

    n: int
    local_ids: LocalIds
    marks: tuple[Mark, ...]

    @classmethod
    def of(cls, column: Column | None, config: NodeConfig, rows: Integers) -> PatientIds:
        """Take the ids from the patient column, or the numbers of the rows where there is none."""
        if column is None or config.data.patient is None:
            return cls(rows.size, LocalIds(None, rows), (_no_patient_column(rows.size),))
        name = config.data.patient
        missing = {"", *config.data.source.missing, *config.data.source.MORE_MISSING}
        texts = ["" if (text := text_of(value)) in missing else text for value in column.distinct]
        names = column.spread(texts, "", np.object_)
        written: list[str] = names.tolist()
        marks = [
            Mark(kind, (name,), found, f"column {name!r} {said}", advice)
            for kind, found, said, advice in (
                (
                    FindingKind.DUPLICATE_PATIENT,
                    _repeated(written),
                    "names the same patient in more than one row",
                    "Keep one row for each patient, or choose rows with data.source.where.",
                ),
                (
                    FindingKind.SIMILAR_PATIENTS,
                    _alike(written),
                    "has ids that differ only in capital letters or blanks",
                    "If they are one patient, keep one row. If they are not, accept similar_patients.",
                ),
                (
                    FindingKind.MISSING_REQUIRED,
                    names == "",
                    "names no patient",
                    "Give each row its patient, so that none can be counted twice.",
                ),
            )
            if found.any()
        ]
        return cls(rows.size, LocalIds(names, rows), tuple(marks))

    def order(self) -> Integers:
        """Numbers of the rows sorted by the text of their ids, shape (n,)."""
        names = self.local_ids.names
        if names is None:
            return np.arange(self.n)
        return np.array(sorted(range(self.n), key=lambda row: str(names[row])), dtype=np.int64)

    def rows(self, order: Integers) -> PatientIds:
        """The same patients in another order."""
        marks = tuple(replace(mark, rows=mark.rows[order]) for mark in self.marks)
        return replace(self, local_ids=self.local_ids.rows(order), marks=marks)


def _repeated(names: Sequence[str]) -> Bools:
    """Rows whose id another row has, shape (n,)."""
    counts = Counter(names)
    if len(counts) == len(names):
        return np.zeros(len(names), dtype=np.bool_)
    return np.array([name != "" and counts[name] > 1 for name in names], dtype=np.bool_)


def _alike(names: Sequence[str]) -> Bools:
    """Rows whose id is another's but for capital letters and blanks, shape (n,)."""
    spellings: dict[str, set[str]] = {}
    folded = ["".join(normalize("NFKC", name).split()).casefold() for name in names]
    if len(set(folded)) == len(set(names)):
        return np.zeros(len(names), dtype=np.bool_)
    for name, fold in zip(names, folded, strict=True):
        spellings.setdefault(fold, set()).add(name)
    return np.array([len(spellings[fold]) > 1 for fold in folded], dtype=np.bool_)


def _no_patient_column(n: int) -> Mark:
    return Mark(
        FindingKind.NO_PATIENT_COLUMN,
        (),
        np.zeros(n, dtype=np.bool_),
        "node.yaml names no column with the patients' ids, so a patient in several rows would count several times",
        "Set data.patient to the column with their ids.",
    )
