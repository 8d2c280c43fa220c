"""The displays of a plan: its tables and figures in the journal's words, and the panels that a figure is made of."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from riskset_common.formats.strict_model import StrictModel

AnalysisNames = Annotated[
    tuple[str, ...], BeforeValidator(lambda found: [found] if isinstance(found, str) else found)
]


class Panel(StrictModel):
    """What one table, one figure or one panel of a figure shows, and how."""

    of: AnalysisNames = Field(min_length=1)
    title: str | None = None
    drawn_as: Literal["consort", "curve", "forest", "table"] | None = Field(
        default=None, alias="as"
    )
    until: float | None = Field(default=None, gt=0)
    every: float | None = Field(default=None, gt=0)
    at_risk: tuple[Literal["at_risk", "censored", "events"], ...] | None = None
    horizons: tuple[float, ...] = ()
    minimum_at_risk: int | None = Field(default=None, ge=1)


class Display(Panel):
    """A table or figure of the report, in the journal's words; a figure may be made of panels A, B, C, ..."""

    table: str | None = None
    figure: str | None = None
    of: AnalysisNames = ()
    panels: tuple[Panel, ...] = Field(default=(), max_length=26)
    columns: int | None = Field(default=None, ge=1, le=4)
    style: Literal["jco"] = "jco"

    @model_validator(mode="after")
    def _table_or_figure(self) -> Self:
        if (self.table is None) == (self.figure is None):
            raise ValueError("a display is either a table or a figure.")
        if bool(self.of) == bool(self.panels):
            raise ValueError("give either of, or panels that have an of each.")
        if self.panels and self.figure is None:
            raise ValueError("a table has no panels; of may name several analyses.")
        if self.columns is not None and not self.panels:
            raise ValueError("columns are those of panels; without panels leave it out.")
        own: dict[str, object] = {"as": self.drawn_as, "until": self.until, "every": self.every}
        own |= {"at_risk": self.at_risk, "minimum_at_risk": self.minimum_at_risk}
        own |= {"horizons": self.horizons or None}
        misplaced = [name for name, value in own.items() if self.panels and value is not None]
        if misplaced:
            raise ValueError(
                f"{', '.join(misplaced)}: write it in the panels that it is meant for."
            )
        return self

    @property
    def name(self) -> str:
        """Its name as a table or a figure."""
        return self.table or self.figure or ""

    @property
    def shows(self) -> tuple[Panel, ...]:
        """Its panels; the display itself where it has none."""
        return self.panels or (self,)
