"""paper.yaml: for each published figure its place in the results, and what must hold among the published figures themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from pydantic import model_validator

from riskset_common.errors import InputError
from riskset_common.formats.json_values import Json
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import read_yaml, validate
from riskset_embedded.demos.published.places import leaves, published_at

KINDS = ("survival", "incidence", "count", "percent", "number", "p", "hazard", "none")


class Figure(StrictModel):
    """Where one published figure stands in the results: exactly one of these keys, and `of` beside counts and percentages.

    Attributes
    ----------
    survival, incidence
        An entry of `at`, against a percentage and its standard error.
    count, percent
        A number of patients or a percentage; `of` is the place of the number that it is a part of.
    number
        Any other number.
    p
        A P value.
    hazard
        A term of a model, against `hr`, `ci95` and `p`.
    none
        Why the figure is no estimate of an analysis.
    """

    survival: str | None = None
    incidence: str | None = None
    count: str | None = None
    percent: str | None = None
    number: str | None = None
    p: str | None = None
    hazard: str | None = None
    none: str | None = None
    of: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}.")
        if self.of is not None and given[0] not in {"count", "percent"}:
            raise ValueError("of belongs to count and percent.")
        return self

    @property
    def kind(self) -> str:
        """Which key is given."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def place(self) -> str:
        """What the key says."""
        return str(getattr(self, self.kind))


class Section(StrictModel):
    """Figures that stand together."""

    title: str
    figures: dict[str, Figure]


class Shares(StrictModel):
    """Percentages of one number of patients; with `whole` they make up all of them."""

    of: str
    percent: tuple[str, ...]
    whole: bool = False


class Same(StrictModel):
    """Two estimates with standard errors of the same patients."""

    of: tuple[str, str]
    because: str


class AtMost(StrictModel):
    """Numbers whose sum is at most another sum, less some."""

    smaller: tuple[str, ...]
    larger: tuple[str, ...]
    less: tuple[str, ...] = ()
    because: str


class StandardErrors(StrictModel):
    """Estimates of a probability among so many patients."""

    of: str
    estimates: tuple[str, ...]


class Relations(StrictModel):
    """What must hold among published figures; all names are their places."""

    sums: dict[str, tuple[tuple[str, ...], ...]] = {}
    shares: tuple[Shares, ...] = ()
    same: tuple[Same, ...] = ()
    at_most: tuple[AtMost, ...] = ()
    between: dict[str, tuple[tuple[str, ...], ...]] = {}
    standard_errors: tuple[StandardErrors, ...] = ()


class PaperMap(StrictModel):
    """The whole file."""

    sections: tuple[Section, ...]
    relations: Relations = Relations()

    @property
    def figures(self) -> dict[str, Figure]:
        """Every mapped figure by its place among the published ones."""
        return {
            place: figure for section in self.sections for place, figure in section.figures.items()
        }


def read_map(path: Path, published: Mapping[str, Json]) -> PaperMap:
    """Read paper.yaml. Raises `YamlError`, or `InputError` with every figure that is mapped twice, not at all, or not there."""
    found = validate(PaperMap, read_yaml(path), str(path), InputError)
    problems = list(_problems(found, published))
    if problems:
        raise InputError("\n".join(f"{path}: {problem}" for problem in problems))
    return found


def _problems(paper: PaperMap, published: Mapping[str, Json]) -> Iterator[str]:
    named = [place for section in paper.sections for place in section.figures]
    for place in sorted({place for place in named if named.count(place) > 1}):
        yield f"{place} stands in two sections. Keep one."
    for place in dict.fromkeys(named):
        try:
            published_at(published, place)
        except InputError as error:
            yield str(error)
    for leaf in leaves({key: value for key, value in published.items() if key != "note"}):
        above = [place for place in named if leaf == place or leaf.startswith(f"{place}.")]
        if not above:
            yield f"{leaf} is published, but nothing says where it stands in the results. Map it, or say under none why it is no estimate."
