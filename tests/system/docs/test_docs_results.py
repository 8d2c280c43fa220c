"""results.md names every field of results.json: those of the types, and no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

import pytest
from tests.system.docs.pages import code_in, page

from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.results.whole_file import Results

KINDS = {estimator.kind: estimator.result for estimator in ESTIMATORS}
OF_COX_ONLY = (
    "penalty",
    "offset",
    "ph_test",
    "baseline_hazard",
    "tests.interaction",
    "robust.clusters",
)
"""Fields of a fitted model that a Fine-Gray model never has."""


def paths_of(hint: object, path: str = "") -> set[str]:
    """Paths of all values of a type: lists as [], names that the study chose as *, an analysis within another one as *."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        parts = [part for part in args if part not in (NoneType, Withheld, WithheldAnalysis)]
        return {found for part in parts for found in paths_of(part, path)}
    if origin is tuple:
        return paths_of(args[0], f"{path}[]")
    if origin is Mapping:
        return paths_of(args[1], f"{path}.*")
    if path and hint in KINDS.values():
        return {path if path.endswith("*") else f"{path}.*"}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return {
            found
            for name, part in get_type_hints(hint).items()
            for found in paths_of(part, f"{path}.{name}".lstrip("."))
        }
    return {path}


def written(of: str) -> list[str]:
    """The fields of a table of the page."""
    (piece,) = (
        each for each in page("results.md").with_remark("fields") if each.remarks["fields"] == of
    )
    return [code_in(row[0]) for row in piece.rows]


def test_the_page_names_every_field_of_the_whole():
    assert sorted(paths_of(Results)) == sorted(written("run"))


@pytest.mark.parametrize(
    "kind", {result: kind for kind, result in reversed(KINDS.items())}.values()
)
def test_the_page_names_every_field_of_a_kind_of_result(kind):
    expected = paths_of(KINDS[kind])
    if kind == "fine_gray":
        expected = {path for path in expected if not path.startswith(OF_COX_ONLY)}

    assert sorted(expected) == sorted(written(kind))
