"""Terms of a regression model: factors with a reference level, numbers, exposures, and interactions, as columns of a design.

Treatment contrasts as in R's `contr.treatment` and SAS's `param=ref`: one column for each level but the reference. In an
interaction the columns of the first term vary fastest, as in R's `model.matrix`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from riskset_common.errors import did_you_mean
from riskset_common.estimators.cohort.exposure import LEVELS, NOT_EXPOSED
from riskset_common.formats.strict_model import StrictModel, is_default
from riskset_common.formats.strict_yaml import Name
from riskset_common.study.analysis import twice
from riskset_common.study.codebook import Conditions
from riskset_common.study.patients import Patients, Reals
from riskset_common.study.study import Study


class Term(StrictModel):
    """A main effect: `{factor: name, reference: level}`, `{number: name}`, or `{exposure: name}`, which begins during follow-up.

    An exposure may have conditions, `{exposure: name, where: {category: [level]}}`: who does not meet them was never exposed.
    """

    factor: str | None = None
    number: str | None = None
    exposure: str | None = None
    reference: Name | None = None
    where: Conditions = Field(default={}, exclude_if=is_default)

    @model_validator(mode="after")
    def _one_of_three(self) -> Term:
        named = [each for each in (self.factor, self.number, self.exposure) if each is not None]
        if len(named) != 1:
            raise ValueError(
                "a term is one of {factor: name, reference: level}, {number: name} and {exposure: name}."
            )
        if self.number is not None and self.reference is not None:
            raise ValueError(
                f"number {self.number} has no reference level. Write factor for a category."
            )
        if self.exposure is not None and self.reference is not None:
            raise ValueError(
                f"exposure {self.exposure} is compared with {NOT_EXPOSED!r} always. Leave reference out."
            )
        if self.exposure is None and self.where:
            raise ValueError(
                f"{self.name}: where says who was exposed, and goes with an exposure. To choose patients write where beside terms."
            )
        return self

    @property
    def name(self) -> str:
        """The variable."""
        return self.factor or self.number or self.exposure or ""


@dataclass(frozen=True)
class Part:
    """One variable's share in a column: an indicator of a level of a factor or an exposure, or the value of a number (level None)."""

    variable: str
    level: str | None
    reference: str | None
    is_exposure: bool = False


@dataclass(frozen=True)
class Column:
    """One column of the design: the product of its parts.

    `term` joins the variables and `level` the levels of the parts with a colon.
    """

    parts: tuple[Part, ...]

    @property
    def term(self) -> str:
        """Name of the term that the column belongs to."""
        return ":".join(part.variable for part in self.parts)

    @property
    def level(self) -> str | None:
        """Level or levels that the column stands for; None for a number."""
        return ":".join(part.level for part in self.parts if part.level is not None) or None

    @property
    def reference(self) -> str | None:
        """Reference level or levels; None for a number."""
        return ":".join(part.reference for part in self.parts if part.reference is not None) or None


def levels_of(term: Term, study: Study) -> tuple[str, ...]:
    """Levels of a factor or an exposure, in the order of their codes."""
    return LEVELS if term.exposure is not None else study.levels(term.name)


def reference_of(term: Term, study: Study) -> str:
    """The reference level: the one that the plan names, or the first."""
    return term.reference if term.reference is not None else levels_of(term, study)[0]


def _parts(term: Term, study: Study) -> list[Part]:
    if term.number is not None:
        return [Part(term.name, None, None)]
    reference = reference_of(term, study)
    return [
        Part(term.name, level, reference, term.exposure is not None)
        for level in levels_of(term, study)
        if level != reference
    ]


def columns(
    terms: Sequence[Term], interactions: Sequence[Sequence[str]], study: Study
) -> list[Column]:
    """Columns of the design in R's order: main effects as written, then interactions."""
    by_name = {term.name: _parts(term, study) for term in terms}
    model_columns = [Column((part,)) for parts in by_name.values() for part in parts]
    for names in interactions:
        # itertools.product varies its last factor fastest; R varies the first.
        for parts in product(*(by_name[name] for name in reversed(names))):
            model_columns.append(Column(tuple(reversed(parts))))
    return model_columns


def design(found: Sequence[Column], patients: Patients, study: Study) -> Reals:
    """The design of these patients, shape (n, n_columns); exposures are categories of theirs, see `rows.py`."""
    x = np.empty((patients.n, len(found)), dtype=np.float64, order="F")
    for index, column in enumerate(found):
        x[:, index] = prod(
            (_values(part, patients, study) for part in column.parts), start=np.float64(1)
        )
    return x


def _values(part: Part, patients: Patients, study: Study) -> Any:
    if part.level is None:
        return patients.numbers[part.variable]
    levels = LEVELS if part.is_exposure else study.levels(part.variable)
    return (patients.categories[part.variable] == levels.index(part.level)).astype(np.float64)


def term_problems(
    terms: Sequence[Term], interactions: Sequence[Sequence[str]], study: Study
) -> Iterator[str]:
    """What is wrong with the terms beside unknown variables, in words."""
    names = [term.name for term in terms]
    yield from twice("terms", names)
    yield from twice("interaction", [":".join(sorted(pair)) for pair in interactions])
    for term in terms:
        levels = study.codebook.levels(term.factor) if term.factor is not None else None
        if levels is not None and term.reference is not None and term.reference not in levels:
            yield f"reference {term.reference!r} is not a level of {term.factor}. {did_you_mean(term.reference, levels)}"
        if levels is not None and len(levels) < 2:
            yield f"factor {term.factor} has only one level and cannot be a term."
        if study.plan.conventions == "sas" and levels is not None and term.reference is None:
            yield (
                f"factor {term.factor} names no reference level. Under conventions: sas write one "
                f"(SAS would take the last level, R the first). {did_you_mean('', levels)}"
            )
    for pair in interactions:
        if len(set(pair)) < len(pair):
            yield f"interaction {':'.join(pair)} needs two different terms."
        for name in pair:
            if name not in names:
                yield f"interaction {':'.join(pair)} needs {name} among the terms as well. {did_you_mean(name, names)}"
