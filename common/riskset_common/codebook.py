"""The study codebook: the variables, levels and units that every site agrees on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riskset_common.errors import CodebookError, did_you_mean
from riskset_common.strict_yaml import InOrder, Name, read_yaml, validate

BUILT_IN = ("site", "study_group")
"""Categories that every patient has without a column: the site that holds the record, and the group that node.yaml names."""

VariableName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
StudyName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]


Conditions = dict[str, list[Name]]
"""The only conditions that riskset knows: each named category has one of the named levels. There is no expression language."""


class StrictModel(BaseModel):
    """A value that a person wrote down: immutable, and no key that nobody reads."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )


class DateVariable(StrictModel):
    """A calendar day."""

    kind: Literal["date"]
    label: str
    required: bool = False


class CategoryVariable(StrictModel):
    """One of a few named levels; the order of the levels is the order of tables, and the first is the reference."""

    kind: Literal["category"]
    label: str
    levels: InOrder[str] = Field(min_length=1, max_length=400)
    required: bool = False


class NumberVariable(StrictModel):
    """A measurement in one agreed unit; `range` holds its lowest and highest believable value."""

    kind: Literal["number"]
    label: str
    unit: str | None = None
    range: tuple[float, float] | None = None
    required: bool = False

    @model_validator(mode="after")
    def _range_ascends(self) -> Self:
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"range must ascend, but is {list(self.range)}.")
        return self


Variable = Annotated[DateVariable | CategoryVariable | NumberVariable, Field(discriminator="kind")]

Bounds = tuple[float | None, float | None]


class Derived(StrictModel):
    """A category made of another variable: levels joined (`groups`), or a number cut at half-open bounds [low, high) (`cut`)."""

    source: str = Field(alias="from")
    label: str
    groups: InOrder[list[Name]] | None = Field(default=None, min_length=1)
    cut: InOrder[Bounds] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.groups is None) == (self.cut is None):
            raise ValueError("give exactly one of groups (for a category) and cut (for a number).")
        if self.groups is not None:
            members = [member for group in self.groups.values() for member in group]
            twice = sorted({member for member in members if members.count(member) > 1})
            if twice:
                raise ValueError(
                    f"groups must not overlap, but {', '.join(twice)} stands in two of them."
                )
        if self.cut is not None:
            _check_cuts(self.cut)
        return self

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels in the order of the codebook."""
        return tuple(self.groups if self.groups is not None else self.cut or ())


def _check_cuts(cut: dict[str, Bounds]) -> None:
    edges: list[tuple[float, float, str]] = []
    for level, (low, high) in cut.items():
        bottom = float("-inf") if low is None else low
        top = float("inf") if high is None else high
        if not bottom < top:
            raise ValueError(f"cut {level!r} must ascend, but is [{low}, {high}].")
        edges.append((bottom, top, level))
    edges.sort()
    for (_, top, level), (bottom, _, following) in pairwise(edges):
        if bottom < top:
            raise ValueError(f"cut {level!r} and {following!r} overlap.")


class Codebook(StrictModel):
    """The words of one study, in one version."""

    codebook: StudyName
    version: int = Field(ge=1)
    unit: Literal["patient"] = "patient"
    variables: dict[VariableName, Variable] = Field(min_length=1)
    derived: dict[VariableName, Derived] = {}

    @property
    def reference(self) -> str:
        """How a plan names this codebook: name@version."""
        return f"{self.codebook}@{self.version}"

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        problems = list(self._name_problems())
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _name_problems(self) -> Iterator[str]:
        for section, names in (("variables", self.variables), ("derived", self.derived)):
            for name in names:
                if name in BUILT_IN:
                    yield f"{section}.{name}: built in (who holds the record), and cannot be defined again."
        for name, derived in self.derived.items():
            if name in self.variables:
                yield f"derived.{name}: a variable has this name too. Give one of them another."
            for problem in self._derived_problems(derived):
                yield f"derived.{name}: {problem}"

    def _derived_problems(self, derived: Derived) -> Iterator[str]:
        if derived.groups is None:
            yield from self._source_problems(derived.source, NumberVariable, "cut needs a number")
            return
        if derived.source == "study_group":
            return
        yield from self._source_problems(
            derived.source, CategoryVariable, "groups needs a category"
        )
        source = self.variables.get(derived.source)
        if isinstance(source, CategoryVariable):
            for member in (level for group in derived.groups.values() for level in group):
                if member not in source.levels:
                    yield f"{member!r} is not a level of {derived.source}. {did_you_mean(member, source.levels)}"

    def _source_problems(
        self, source: str, kind: type[NumberVariable | CategoryVariable], needs: str
    ) -> Iterator[str]:
        fitting = [name for name, each in self.variables.items() if isinstance(each, kind)]
        if source not in fitting:
            yield f"{needs} variable, but from is {source!r}. {did_you_mean(source, fitting)}"

    def levels(self, name: str) -> tuple[str, ...] | None:
        """Level names of a category or derived variable in the codebook's order; None for any other name."""
        if name in self.derived:
            return self.derived[name].levels
        variable = self.variables.get(name)
        return tuple(variable.levels) if isinstance(variable, CategoryVariable) else None

    def label(self, name: str) -> str:
        """What a reader of the paper calls the variable."""
        if name in BUILT_IN:
            return {"site": "Site", "study_group": "Study group"}[name]
        found = self.derived.get(name) or self.variables[name]
        return found.label

    def level_label(self, name: str, level: str) -> str:
        """What a reader of the paper calls the level."""
        variable = self.variables.get(name)
        return (
            variable.levels.get(level, level) if isinstance(variable, CategoryVariable) else level
        )


def read_codebook(path: Path) -> Codebook:
    """Read and check codebook.yaml. Raises `YamlError` or `CodebookError` with every problem found."""
    return validate(Codebook, read_yaml(path), str(path), CodebookError)
