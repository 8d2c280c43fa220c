"""Faults in the patient records: how many rows, which patients and values, and what to do. Findings never leave the site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import DataError
from riskset_common.programs.screen import one_line
from riskset_common.study.patients import Bools, Integers
from riskset_node.finding_kinds import ACCEPTABLE, ONLY_WARNS, FindingKind

IDS_SHOWN = 20
VALUES_SHOWN = 10


class Severity(StrEnum):
    """Whether the records can be used as they are."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class LocalIds:
    """What the site itself calls its patients: the patient column, or row numbers from 1 after the header."""

    names: NDArray[np.object_] | None
    in_file: Integers
    """Number of each row in the source, from 0, shape (n,)."""

    def at(self, rows: Integers) -> tuple[str, ...]:
        """Local ids of these rows (indices from 0); the row number where the patient column is empty."""
        if self.names is None:
            return tuple(str(row + 1) for row in self.in_file[rows])
        return tuple(str(self.names[row] or f"row {self.in_file[row] + 1}") for row in rows)

    def rows(self, order: Integers) -> LocalIds:
        """Those of these rows (indices from 0)."""
        return LocalIds(None if self.names is None else self.names[order], self.in_file[order])

    @property
    def noun(self) -> str:
        """What the ids are ids of."""
        return "rows" if self.names is None else "patients"


@dataclass(frozen=True)
class Mark:
    """Rows with one thing wrong, before they are given their local ids.

    Attributes
    ----------
    kind
        What is wrong.
    about
        The variables concerned.
    rows
        Which rows, shape (n,).
    found
        What was found, as a sentence without the values.
    advice
        What to do, as a sentence.
    values
        Distinct raw values found, in the order of the file.
    """

    kind: FindingKind
    about: tuple[str, ...]
    rows: Bools
    found: str
    advice: str
    values: tuple[str, ...] = ()

    def finding(self, local_ids: LocalIds, accept: Sequence[FindingKind] = ()) -> Finding:
        """Name the rows by their local ids, and see whether the data manager accepts them."""
        rows = np.flatnonzero(self.rows)
        accepted = self.kind in accept
        warns = accepted or self.kind in ONLY_WARNS
        return Finding(
            kind=self.kind,
            severity=Severity.WARNING if warns else Severity.ERROR,
            about=self.about,
            rows=rows.size,
            ids_of=local_ids.noun,
            local_ids=local_ids.at(rows[:IDS_SHOWN]),
            values=self.values[:VALUES_SHOWN],
            more_values=max(0, len(self.values) - VALUES_SHOWN),
            found=self.found,
            advice=f"Accepted: {ACCEPTABLE[self.kind]}." if accepted else self.advice,
        )


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with some rows of the site's file.

    Attributes
    ----------
    rows
        Number of rows.
    ids_of
        Whether `local_ids` are patients or row numbers.
    local_ids
        The first 20 of them.
    values
        Up to 10 distinct raw values; `more_values` counts the rest.
    """

    kind: FindingKind
    severity: Severity
    about: tuple[str, ...]
    rows: int
    ids_of: str
    local_ids: tuple[str, ...]
    values: tuple[str, ...]
    more_values: int
    found: str
    advice: str

    @property
    def said(self) -> str:
        """What was found, with its values."""
        if not self.values:
            return self.found
        more = f" and {self.more_values} more" if self.more_values else ""
        return f"{self.found.removesuffix('.')}: {', '.join(map(repr, self.values))}{more}."

    @property
    def where(self) -> str:
        """In how many rows, and which."""
        if not self.local_ids:
            return ""
        more = self.rows - len(self.local_ids)
        ids = ", ".join(self.local_ids) + (f" and {more} more" if more else "")
        noun = self.ids_of if self.rows > 1 else self.ids_of.removesuffix("s")
        count = f"{self.rows:,} {'rows' if self.rows > 1 else 'row'}"
        return f"{noun} {ids}" if self.ids_of == "rows" and not more else f"{count}, {noun} {ids}"

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        said = f"{self.severity}: {self.kind}: {self.said.removesuffix('.')}{where}. {self.advice}"
        return one_line(said)


def check_usable(findings: Sequence[Finding], site: str) -> None:
    """Raise `DataError` with every finding that is an error; warnings pass."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        head = f"site {site}: the patient records cannot be used as they are."
        raise DataError("\n".join([head, *map(str, errors)]))
