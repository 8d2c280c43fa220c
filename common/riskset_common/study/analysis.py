"""One analysis as the plan writes it: the keys that every kind has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator

from riskset_common.formats.names import AnalysisId
from riskset_common.formats.strict_model import StrictModel
from riskset_common.study.codebook import Conditions


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

    def endpoint_name(self) -> str | None:
        """The endpoint that the analysis follows, if it follows one."""
        return None

    def cause_name(self) -> str | None:
        """The kind of event that alone counts, if the analysis names one and censors the others."""
        return None

    def grouped_by(self) -> tuple[str, ...]:
        """The variables whose levels are the groups; empty without groups."""
        return ()


class EndpointSpec(AnalysisSpec):
    """An analysis that follows an endpoint."""

    endpoint: str

    def endpoint_name(self) -> str:
        """The endpoint that the analysis follows."""
        return self.endpoint


def twice(where: str, names: Sequence[str]) -> Iterator[str]:
    """Say which names are given more than once where each has a meaning once."""
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{where}: {name} stands there {names.count(name)} times. Name it once."
