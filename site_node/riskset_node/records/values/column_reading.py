"""How one column is read: what its keys in node.yaml and its source say together, and how marks speak of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from riskset_node.columns import ColumnMap
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Mark
from riskset_node.records.values.column import Column, Tokens, text_of
from riskset_node.sources.date_forms import DateForm, date_form
from riskset_node.sources.source import SourceSettings


@dataclass(frozen=True)
class ColumnReading:
    """One variable's column under the settings of its source; the column's own keys come first.

    Attributes
    ----------
    labels
        What the file says in words of its values, by their texts.
    """

    name: str
    column: ColumnMap
    source: SourceSettings
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def setting(self) -> str:
        """Where node.yaml describes the column."""
        return f"data.columns.{self.name}"

    @property
    def decimal(self) -> str:
        """The decimal sign of numbers that are written as text; the other one, if the column has the source's between thousands."""
        if self.column.decimal is not None:
            return self.column.decimal
        sign = self.source.decimal_sign
        return {".": ",", ",": "."}[sign] if self.column.thousands == sign else sign

    @property
    def thousands(self) -> str | None:
        """The sign between thousands of numbers that are written as text."""
        sign = self.column.thousands or self.source.thousands_sign
        # A column whose decimal sign is the source's sign between thousands has none of these.
        return None if sign == self.decimal else sign

    @property
    def forms(self) -> tuple[DateForm, ...]:
        """The forms of dates."""
        return tuple(date_form(name) for name in self.column.dates or self.source.dates)

    @property
    def day(self) -> int | None:
        """The day of the month that completes a date without one."""
        return self.column.day or self.source.day

    def tokens(self, meanings: Mapping[str, str]) -> Tokens:
        """Texts with a meaning in this column."""
        return Tokens.of(meanings, self.decimal)

    def missing(self) -> Tokens:
        """What stands for a missing value: nothing, and what the source and the column say."""
        every = ("", *self.source.missing, *self.source.MORE_MISSING, *self.column.missing)
        return self.tokens(dict.fromkeys(every, "missing"))

    def marks(
        self, kind: FindingKind, raw: Column, bad: Sequence[int], found: str, advice: str
    ) -> list[Mark]:
        """One mark for the rows with these distinct values, or none."""
        if not bad:
            return []
        column = self.column.column
        where = self.name if column == self.name else f"{self.name} (column {column!r})"
        texts = dict.fromkeys(text_of(raw.distinct[position]) for position in bad)
        values = tuple(
            f'{text} ("{self.labels[text]}")' if text in self.labels else text for text in texts
        )
        return [Mark(kind, (self.name,), raw.rows_with(bad), f"{where} {found}", advice, values)]
