"""One analysis as the plan writes it: the keys that every kind has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from riskset_common.formats.strict_model import StrictModel
from riskset_common.study.codebook import Conditions

if TYPE_CHECKING:
    from riskset_common.study.study import Site, Study


AnalysisId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)]


def one_or_more(value: object) -> object:
    """One word stands for a list of one."""
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(one_or_more)]
"""One name, or a list of names."""


class AnalysisSpec(StrictModel):
    """One analysis as the plan writes it: the keys that every kind has."""

    id: AnalysisId
    kind: str
    title: str | None = None
    population: str | None = None
    where: Conditions = {}
    planned: Literal["planned", "post_hoc"] = "planned"
    primary: bool = False

    def categories(self) -> tuple[str, ...]:
        """Variables that the analysis uses as categories; a patient who misses one is not complete."""
        return ()

    def shown_categories(self) -> tuple[str, ...]:
        """Every variable that must be a category, also those that may be missing in a complete case."""
        return self.categories()

    def opened_by(self, study: Study) -> tuple[str, ...]:
        """Categories for whose levels pooled numbers are opened one by one."""
        del study
        return self.shown_categories()

    def numbers(self) -> tuple[str, ...]:
        """Variables that the analysis uses as numbers; a patient who misses one is not complete."""
        return ()

    def shown_numbers(self) -> tuple[str, ...]:
        """Every variable that must be a number, also those that may be missing in a complete case."""
        return self.numbers()

    def times(self) -> tuple[str, ...]:
        """Dates or numbers that say when something happened; missing in whom it did not, who is complete all the same."""
        return ()

    def endpoint_name(self) -> str | None:
        """The endpoint that the analysis follows, if it follows one."""
        return getattr(self, "endpoint", None)

    def also_asks(self) -> tuple[str, ...]:
        """Tests, and kinds of analysis within this one, that a site allows by names of their own."""
        return ()

    def rests_on(self, study: Study) -> tuple[str, ...]:
        """Names of sums on which later questions of the analysis rest: a site takes them from an opening that it checked."""
        del study
        return ()

    def is_blind(self, sites: Sequence[Site]) -> bool:
        """Whether a model of the analysis has risk sets of several sites, whose sums nobody may see."""
        del sites
        return False

    def cause_names(self) -> tuple[str, ...]:
        """Kinds of event of the endpoint that the plan names."""
        return ()

    def problems(self, study: Study) -> Sequence[str]:
        """What the kind itself cannot do with this plan and codebook, in words; empty when it can."""
        del study
        return ()


def twice(where: str, names: Sequence[str]) -> Iterator[str]:
    """Say which names stand more than once where each has a meaning once."""
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{where}: {name} stands there {names.count(name)} times. Name it once."
