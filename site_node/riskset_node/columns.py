"""How one variable of the codebook is read: the column that holds it, and how its values are written there."""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import Name
from riskset_node.sources.date_forms import DateForms
from riskset_node.sources.source import DayOfMonth, DecimalSign, ThousandsSign, Token

LOCAL = "local"
"""The day of a moment is the one that is written."""


def _known_zone(name: str) -> str:
    if name != LOCAL:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"{name!r} is no time zone. Write one such as Europe/Vienna, or {LOCAL} if the day is the one that is written."
            ) from error
    return name


class ColumnMap(StrictModel):
    """How one variable of the codebook is read.

    Attributes
    ----------
    codes
        For a category: which code means which level.
    missing
        Texts that stand for a missing value here.
    unit, factor
        For a number: the column's unit, where it is not the codebook's; or what numbers are multiplied with, where no definition says.
    decimal, thousands
        For a number: the signs in this column, where they are not the source's.
    round
        For a time that was recorded in months or years with few decimals: the step to which it is rounded.
    dates, day
        For a date: its forms in this column, and the day of the month for forms without one.
    did_not_happen, day_unknown
        For a date of an event: texts that say that it did not happen, and that it happened on an unknown day.
    moments
        For a date that is stored as a moment: the time zone in which its day is meant, or `local` for the day as written.
    event
        For a project with events: that of which the values are taken, where it is not the source's.
    """

    column: str = Field(alias="from", min_length=1)
    codes: dict[Name, Name] | None = Field(default=None, min_length=1)
    missing: tuple[Token, ...] = ()
    unit: str | None = None
    factor: float | None = Field(default=None, gt=0)
    decimal: DecimalSign | None = None
    thousands: ThousandsSign | None = None
    round: Literal["day"] | None = None
    dates: DateForms | None = None
    day: DayOfMonth | None = None
    did_not_happen: tuple[Token, ...] = ()
    day_unknown: tuple[Token, ...] = ()
    moments: Annotated[str, AfterValidator(_known_zone)] | None = None
    event: str | None = Field(default=None, min_length=1)

    @property
    def in_source(self) -> str:
        """What a source calls the column: its name, with the event where one is named."""
        return self.column if self.event is None else f"{self.column}@{self.event}"

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if self.unit is not None and self.factor is not None:
            raise ValueError(
                "give unit (its conversion is known by definition) or factor, not both."
            )
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}.")
        meanings = {
            "codes": set(self.codes or ()),
            "missing": set(self.missing),
            "did_not_happen": set(self.did_not_happen),
            "day_unknown": set(self.day_unknown),
        }
        keys = list(meanings)
        for place, one in enumerate(keys):
            for other in keys[place + 1 :]:
                both = sorted(meanings[one] & meanings[other])
                if both:
                    raise ValueError(f"{', '.join(both)} stands both in {one} and in {other}.")
        return self


FOR_NUMBERS = ("unit", "factor", "decimal", "thousands", "round")
FOR_DATES = ("dates", "day", "did_not_happen", "day_unknown", "moments")
"""Keys that have a meaning for variables of one kind only."""
