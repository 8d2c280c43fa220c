"""The study codebook: the variables, levels and units that every site agrees on."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)

from riskset_common.errors import CodebookError, did_you_mean
from riskset_common.formats.names import StudyName, VariableName
from riskset_common.formats.strict_model import StrictModel, is_default
from riskset_common.formats.strict_yaml import InOrder, Name, parse_yaml, read_yaml, validate

BUILT_IN = ("site", "study_group")
"""Categories that every patient has without a column: the site that holds the record, and the group that node.yaml names."""

DAY = ".day"
DAY_LEVELS: Final = {"known": "Known", "approximate": "Approximate", "unknown": "Unknown"}
"""Levels of `NAME.day`, a category that every date and number has without a column: how well its day is known.

A day is approximate if a site completed month and year with it, or took a time with few decimals back to it. Where there is no date or time
the category is missing.
"""

Conditions = dict[str, list[Name]]
"""The only conditions that riskset knows: each named category has one of the named levels. There is no expression language."""


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
    """A measurement in one agreed unit.

    `range` holds its lowest and highest believable value, and `typical` between what the median of any site's patients lies.
    """

    kind: Literal["number"]
    label: str
    unit: str | None = None
    range: tuple[float, float] | None = None
    typical: tuple[float, float] | None = Field(default=None, exclude_if=is_default)
    required: bool = False

    @model_validator(mode="after")
    def _range_ascends(self) -> Self:
        for key, limits in (("range", self.range), ("typical", self.typical)):
            if limits is not None and not limits[0] < limits[1]:
                raise ValueError(f"{key} must ascend, but is {list(limits)}.")
        if self.range is not None and self.typical is not None:
            low, high = self.range
            if not low <= self.typical[0] < self.typical[1] <= high:
                raise ValueError(
                    f"typical must lie inside range {list(self.range)}, but is {list(self.typical)}."
                )
        return self


Variable = Annotated[DateVariable | CategoryVariable | NumberVariable, Field(discriminator="kind")]


class DatedEvent(StrictModel):
    """An event that happened on a date, if its conditions hold.

    `after: other` asks that the other date is known and not later; `before: other` is its opposite, so that the two
    never both count one death, and never both miss it.
    """

    date: str
    before: str | None = None
    after: str | None = None
    where: Conditions = {}

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if self.before is not None and self.after is not None:
            raise ValueError("give before or after, not both.")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """All variables that it reads: dates, then categories."""
        dates = (self.date, self.before, self.after)
        return (*(name for name in dates if name is not None), *self.where)


Bounds = tuple[float | None, float | None]
Days = tuple[datetime.date | None, datetime.date | None]
Alternatives = Annotated[
    tuple[Conditions, ...],
    BeforeValidator(lambda found: [found] if isinstance(found, dict) else found),
    Field(min_length=1),
]
"""Conditions of which one must hold; written as a mapping where there is only one."""


class Derived(StrictModel):
    """A category that riskset makes of other variables, by one of five rules.

    Attributes
    ----------
    groups
        Levels of a category joined.
    cut
        A number, or the days since another date (`since`), cut at half-open bounds [low, high).
    period
        A date cut at half-open bounds.
    rules
        For each level the conditions of which one must hold.
    first_of
        For each level a dated event; the first that happened is the level, or `otherwise` where none did.
    recorded
        The category in which the sites recorded the same thing themselves. The two must agree, and the recorded level holds where the
        rule has none.
    """

    source: str | None = Field(default=None, alias="from")
    label: str
    since: str | None = None
    groups: InOrder[list[Name]] | None = Field(default=None, min_length=1)
    cut: InOrder[Bounds] | None = Field(default=None, min_length=1)
    period: InOrder[Days] | None = Field(default=None, min_length=1)
    rules: InOrder[Alternatives] | None = Field(default=None, min_length=1)
    first_of: InOrder[DatedEvent] | None = Field(default=None, min_length=1)
    otherwise: Name | None = None
    recorded: str | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        given = [name for name in RULES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "give exactly one of groups (for a category), cut (for a number), period (for a date), "
                "rules (conditions) and first_of (dated events)."
            )
        if (self.source is None) == (given[0] in RULES_WITH_A_SOURCE):
            problem = "is missing" if self.source is None else "does not go with it"
            raise ValueError(f"{given[0]}: from {problem}.")
        for key, rule, value in (
            ("since", "cut", self.since),
            ("otherwise", "first_of", self.otherwise),
        ):
            if value is not None and given[0] != rule:
                raise ValueError(f"{key} belongs to {rule}, not to {given[0]}.")
        if self.otherwise is not None and self.otherwise in (self.first_of or {}):
            raise ValueError(f"otherwise: {self.otherwise!r} is the level of an event too.")
        _check_groups(self.groups or {})
        _check_cuts(self.cut or {}, float("-inf"), float("inf"))
        _check_cuts(self.period or {}, datetime.date.min, datetime.date.max)
        return self

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels in the order of the codebook."""
        named = self.groups or self.cut or self.period or self.rules or self.first_of or {}
        return tuple(named) if self.otherwise is None else (*named, self.otherwise)

    @property
    def conditions(self) -> tuple[Conditions, ...]:
        """All conditions on other categories."""
        rules = [condition for either in (self.rules or {}).values() for condition in either]
        return (*rules, *(event.where for event in (self.first_of or {}).values()))

    @property
    def sources(self) -> tuple[str, ...]:
        """Every variable that it is made of, derived ones too, each once."""
        named = [name for name in (self.source, self.since, self.recorded) if name is not None]
        named += [name for condition in self.conditions for name in condition]
        named += [name for event in (self.first_of or {}).values() for name in event.variables]
        return tuple(dict.fromkeys(named))


RULES: Final = ("groups", "cut", "period", "rules", "first_of")
RULES_WITH_A_SOURCE: Final = ("groups", "cut", "period")


def _check_groups(groups: Mapping[str, Sequence[str]]) -> None:
    members = [member for group in groups.values() for member in group]
    twice = sorted({member for member in members if members.count(member) > 1})
    if twice:
        raise ValueError(f"groups must not overlap, but {', '.join(twice)} stands in two of them.")


Edge = TypeVar("Edge", float, datetime.date)


def _check_cuts(
    cut: Mapping[str, tuple[Edge | None, Edge | None]], lowest: Edge, highest: Edge
) -> None:
    edges: list[tuple[Edge, Edge, str]] = []
    for level, (low, high) in cut.items():
        bottom = lowest if low is None else low
        top = highest if high is None else high
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
        # What is made of what can be followed where all names fit.
        problems = list(self._name_problems()) or list(self._circle_problems())
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
                continue
            for problem in dict.fromkeys(self._derived_problems(name, derived)):
                yield f"derived.{name}: {problem}"

    def _derived_problems(self, own: str, derived: Derived) -> Iterator[str]:
        """What a derived variable reads that is not there, or is of another kind."""
        if derived.source is not None and not (derived.groups and derived.source == "study_group"):
            kind, rule = next(
                (kind, rule)
                for kind, rule in (("category", "groups"), ("number", "cut"), ("date", "period"))
                if getattr(derived, rule) is not None
            )
            kind = "date" if derived.since is not None else kind
            yield from self._kind_problems(
                own, derived.source, kind, f"{rule} needs a {kind} variable, but from"
            )
            members = [level for group in (derived.groups or {}).values() for level in group]
            yield from self._level_problems(derived.source, members)
        if derived.since is not None:
            yield from self._kind_problems(
                own, derived.since, "date", "since needs a date variable, but it"
            )
        for event in (derived.first_of or {}).values():
            for name in event.variables[: len(event.variables) - len(event.where)]:
                yield from self._kind_problems(
                    own, name, "date", "first_of needs a date variable, but one"
                )
        for condition in derived.conditions:
            for name, levels in condition.items():
                yield from self._kind_problems(
                    own, name, "category", "a condition needs a category, but one"
                )
                yield from self._level_problems(name, levels)
        if derived.recorded is not None:
            yield from self._recorded_problems(own, derived, derived.recorded)

    def _recorded_problems(self, own: str, derived: Derived, recorded: str) -> Iterator[str]:
        yield from self._kind_problems(
            own, recorded, "category", "recorded needs a category, but it"
        )
        for level in self.levels(recorded) or ():
            if level not in derived.levels:
                yield f"recorded: {level!r} is a level of {recorded}, but not of this variable. {did_you_mean(level, derived.levels)}"

    def _kind_problems(self, own: str, name: str, kind: str, needs: str) -> Iterator[str]:
        """Say that a variable is not there or of another kind, or is the same for all patients of a site."""
        fitting = [key for key, each in self.variables.items() if each.kind == kind]
        if kind == "category":
            fitting += [
                key
                for key, each in self.derived.items()
                if each.source != "study_group" and key != own
            ]
        if name not in fitting:
            yield f"{needs} is {name!r}. {did_you_mean(name, fitting)}"

    def _level_problems(self, name: str, named: Iterable[str]) -> Iterator[str]:
        levels = self.levels(name) or ()
        for level in named if levels else ():
            if level not in levels:
                yield f"{level!r} is not a level of {name}. {did_you_mean(level, levels)}"

    def _circle_problems(self) -> Iterator[str]:
        try:
            self.derivation_order()
        except CycleError as error:
            yield f"derived: {' is made of '.join(error.args[1][::-1])}, which is a circle. Make one of them of variables only."

    def derivation_order(self) -> tuple[str, ...]:
        """Names of the derived variables, each after those that it is made of. Raises `graphlib.CycleError`."""
        made_of = {
            name: [source for source in derived.sources if source in self.derived]
            for name, derived in self.derived.items()
        }
        return tuple(TopologicalSorter(made_of).static_order())

    def behind(self, name: str) -> frozenset[str]:
        """The variables that sites have columns for, and built-in ones, of which a variable is made; itself where it is not derived."""
        found: set[str] = set()
        seen, waiting = {name}, [name]
        while waiting:
            each = waiting.pop()
            if each not in self.derived:
                found.add(self.with_day(each) or each)
                continue
            new = set(self.derived[each].sources) - seen
            seen |= new
            waiting += new
        return frozenset(found)

    def with_day(self, name: str) -> str | None:
        """The date or number whose day `NAME.day` is about; None for every other name."""
        about = name.removesuffix(DAY)
        variable = self.variables.get(about)
        is_day = about != name and isinstance(variable, DateVariable | NumberVariable)
        return about if is_day else None

    def levels(self, name: str) -> tuple[str, ...] | None:
        """Level names of a category or derived variable in the codebook's order, and those of `NAME.day`; None for any other name."""
        if self.with_day(name) is not None:
            return tuple(DAY_LEVELS)
        if name in self.derived:
            return self.derived[name].levels
        variable = self.variables.get(name)
        return tuple(variable.levels) if isinstance(variable, CategoryVariable) else None

    def label(self, name: str) -> str:
        """What a reader of the paper calls the variable."""
        if name in BUILT_IN:
            return {"site": "Site", "study_group": "Study group"}[name]
        about = self.with_day(name)
        if about is not None:
            return f"{self.variables[about].label}: day"
        found = self.derived.get(name) or self.variables[name]
        return found.label

    def level_label(self, name: str, level: str) -> str:
        """What a reader of the paper calls the level."""
        if self.with_day(name) is not None:
            return DAY_LEVELS.get(level, level)
        variable = self.variables.get(name)
        return (
            variable.levels.get(level, level) if isinstance(variable, CategoryVariable) else level
        )


def text_of_codebook(path: Path) -> str:
    """The text of a codebook.yaml that was read and is right. Raises as `read_codebook`."""
    read_codebook(path)
    return path.read_text(encoding="utf-8-sig")


def read_codebook(path: Path) -> Codebook:
    """Read and check codebook.yaml. Raises `YamlError` or `CodebookError` with every problem found."""
    return validate(Codebook, read_yaml(path), str(path), CodebookError)


def codebook_in(text: str, name: str) -> Codebook:
    """Check a codebook that came as a text; `name` says in messages where it stands. Raises `YamlError` or `CodebookError`."""
    return validate(Codebook, parse_yaml(text, name), name, CodebookError)
