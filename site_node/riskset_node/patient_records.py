"""What node.yaml says of the patient records: their source, the column of each variable, and what the data manager accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self, Union

from pydantic import BeforeValidator, Field, model_validator

from riskset_common.errors import did_you_mean
from riskset_common.formats.strict_model import StrictModel
from riskset_node.columns import ColumnMap
from riskset_node.finding_kinds import ACCEPTABLE, FindingKind
from riskset_node.sources import SOURCES, source_of
from riskset_node.sources.cut import CutSettings
from riskset_node.sources.date_forms import date_form
from riskset_node.sources.source import SourceSettings


def _named_column(written: object) -> object:
    return {"from": written} if isinstance(written, str) else written


def _acceptable(kind: object) -> object:
    if not isinstance(kind, str) or kind in ACCEPTABLE:
        return kind
    if kind in tuple(FindingKind):
        raise ValueError(
            f"{kind} cannot be accepted, because no reading of such a row is right. Mend the file. "
            f"What can be accepted: {', '.join(ACCEPTABLE)}."
        )
    known = [acceptable.value for acceptable in ACCEPTABLE]
    raise ValueError(f"{kind!r} is no kind of finding. {did_you_mean(kind, known)}")


AcceptedKind = Annotated[FindingKind, BeforeValidator(_acceptable)]

if TYPE_CHECKING:
    AnySource = SourceSettings
else:
    AnySource = Annotated[
        Union[tuple(source.settings for source in SOURCES)],  # noqa: UP007 - known only at run time
        Field(discriminator="kind"),
    ]


class PatientRecords(StrictModel):
    """The site's file and how to read it; without `columns` every variable is read from the column of its own name.

    `absent` names variables that the site does not hold, each with the reason; `accept` names kinds of finding that the data
    manager accepts (`ACCEPTABLE` says what then happens).
    """

    source: AnySource
    patient: str | None = None
    columns: dict[str, Annotated[ColumnMap, BeforeValidator(_named_column)]] | None = None
    absent: dict[str, str] = {}
    accept: tuple[AcceptedKind, ...] = ()

    @model_validator(mode="after")
    def _a_cut_is_coded(self) -> Self:
        if isinstance(self.source, CutSettings):
            written = [
                key for key in ("columns", "absent", "accept") if key in self.model_fields_set
            ]
            if written:
                raise ValueError(
                    f"{', '.join(written)}: a cut holds the variables as they were read and accepted when it was made. Remove "
                    f"{' and '.join(written)}; to read them in another way, make another cut from the records."
                )
        return self

    @model_validator(mode="after")
    def _read_or_absent(self) -> Self:
        both = sorted(set(self.columns or ()) & set(self.absent))
        if both:
            raise ValueError(f"{', '.join(both)} stands both in columns and in absent.")
        return self

    @model_validator(mode="after")
    def _days_are_said(self) -> Self:
        """Check that a form without a day has one to complete it, and that no day is without effect."""
        columns = {f"columns.{name}": column for name, column in (self.columns or {}).items()}
        used = [("source", self.source.dates, self.source.day)]
        used += [
            (name, column.dates or self.source.dates, column.day or self.source.day)
            for name, column in columns.items()
        ]
        for name, forms, day in used:
            short = [form for form in forms if not date_form(form).has_day]
            if short and day is None and (name != "source" or not columns):
                raise ValueError(
                    f"{name}: {short[0]!r} has month and year, and no day. Write also the day that completes such dates, for example "
                    "day: 15; results then say how many dates were completed."
                )
        for name, column in columns.items():
            if column.day is not None and all(
                date_form(form).has_day for form in column.dates or self.source.dates
            ):
                raise ValueError(
                    f"{name}: day: {column.day} has no effect, because every form of its dates has a day. Remove it."
                )
        return self

    @model_validator(mode="after")
    def _events_are_known(self) -> Self:
        named = [name for name, column in (self.columns or {}).items() if column.event is not None]
        if named and not self.source.HAS_EVENTS:
            raise ValueError(
                f"columns.{named[0]}: event is for projects of REDCap, and the source is of kind {self.source.kind}. Remove it."
            )
        return self

    @model_validator(mode="after")
    def _patients_are_named(self) -> Self:
        if self.patient is None and isinstance(self.source, CutSettings):
            raise ValueError(
                "patient: write the column from which the cut took the patients' ids, as `riskset-node data cut` printed it."
            )
        if self.patient is None and not source_of(self.source.kind).ordered:
            raise ValueError(
                f"patient: the rows of a source of kind {self.source.kind} come in no order of their own. Name the column with the "
                "patients' ids, by which they are sorted."
            )
        return self
