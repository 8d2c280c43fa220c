"""Reading a plan: its copies written out, each analysis as a kind of this release."""

from __future__ import annotations

import functools
import operator
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import Field, SerializeAsAny

from riskset_common.errors import PlanError, did_you_mean
from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_common.formats.strict_yaml import read_yaml, validate
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.plan import Plan

if TYPE_CHECKING:
    AnyAnalysis = AnalysisSpec
else:
    AnyAnalysis = Annotated[
        functools.reduce(operator.or_, (estimator.spec for estimator in ESTIMATORS)),
        Field(discriminator="kind"),
    ]


Key = TypeVar("Key", bound=Hashable)


class ReleasePlan(Plan):
    """A plan whose analyses are of the kinds of this release: the form in which a plan is read."""

    analyses: tuple[SerializeAsAny[AnyAnalysis], ...] = Field(min_length=1)


def read_plan(path: Path) -> ReleasePlan:
    """Read plan.yaml, its copies written out. Raises `YamlError` or `PlanError` with every problem found."""
    return plan_of(read_yaml(path), str(path))


def plan_of(written: Mapping[Key, object], name: str) -> ReleasePlan:
    """The plan that a person wrote, its copies written out; errors call the file `name`. Raises `PlanError`."""
    return validate(ReleasePlan, _without_copies(written, name), name, PlanError)


def _without_copies(content: Mapping[Key, object], name: str) -> dict[object, object]:
    """Write out `copy: other` in endpoints and analyses, so that what is hashed and approved is complete."""
    written: dict[object, object] = dict(content.items())
    endpoints = written.get("endpoints")
    if isinstance(endpoints, dict):
        written["endpoints"] = {
            key: _copied(entry, endpoints, f"{name}: endpoints.{key}", ())
            for key, entry in endpoints.items()
        }
    analyses = written.get("analyses")
    if isinstance(analyses, list):
        by_id = {str(entry.get("id")): entry for entry in analyses if isinstance(entry, dict)}
        written["analyses"] = [
            _copied(entry, by_id, f"{name}: analyses.{entry.get('id')}", ("id",))
            if isinstance(entry, dict)
            else entry
            for entry in analyses
        ]
    return written


def _copied(entry: object, among: Mapping[str, object], where: str, own: tuple[str, ...]) -> object:
    if not isinstance(entry, dict) or "copy" not in entry:
        return entry
    named = str(entry["copy"])
    copied = among.get(named)
    if not isinstance(copied, dict):
        raise PlanError(
            f"{where}: copy names {named!r}, which is not there. {did_you_mean(named, map(str, among))}"
        )
    if "copy" in copied:
        raise PlanError(
            f"{where}: copy names {named!r}, which is a copy itself. Name the original."
        )
    inherited = {key: value for key, value in copied.items() if key not in own}
    return inherited | {key: value for key, value in entry.items() if key != "copy"}
