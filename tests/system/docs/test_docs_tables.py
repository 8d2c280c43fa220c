"""Tables of keys, fields, arrays, findings and units name exactly what the code has, with its defaults."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any, get_args

import pytest
import yaml
from pydantic_core import PydanticUndefined
from tests.common.results.kept_types import keeps_types
from tests.runs import plan_with, policies_with, results_of
from tests.system.docs.pages import code_in, page, pages, plain
from tests.system.docs.workspace import LUNG, named

from riskset_common.estimators.catalogue import ESTIMATORS, estimator_of
from riskset_common.estimators.composed.parts import AskParts
from riskset_common.estimators.curves.counts import AskCounts
from riskset_common.estimators.estimator import Request
from riskset_common.estimators.heterogeneity.heterogeneity import AskHeterogeneity
from riskset_common.estimators.regression.fitting import main_effects
from riskset_common.estimators.regression.questions.asked import AskCox
from riskset_common.estimators.regression.questions.deaths import AskDeaths
from riskset_common.estimators.regression.terms import columns
from riskset_common.planning.read import read_plan
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.codebook import read_codebook
from riskset_common.study.displays import Panel
from riskset_common.study.study import Site, Study
from riskset_node.finding_kinds import ACCEPTABLE, ONLY_WARNS, FindingKind
from riskset_node.policy import DEFAULT_ESTIMATORS
from riskset_node.records.values.units import conversion
from riskset_node.sources import SOURCES
from riskset_server.kinds.kinds import KINDS

KEY_TABLES = [(of, piece) for of in pages() for piece in of.with_remark("keys")]
MUST_HAVE_TABLES = {
    "riskset_common.study.codebook.Codebook",
    "riskset_common.study.plan.Plan",
    "riskset_node.config.NodeConfig",
    "riskset_node.policy.Policy",
    *(f"{each.spec.__module__}.{each.spec.__name__}" for each in ESTIMATORS),
    *(f"{each.settings.__module__}.{each.settings.__name__}" for each in SOURCES),
}
EVERY_NAME = tuple(dict.fromkeys((*DEFAULT_ESTIMATORS, *(each.kind for each in ESTIMATORS))))
"""What a site allows that allows every kind of this release, and the tests."""
ESTIMATOR_PAGES = [page(f"estimators/{each.kind}.md") for each in ESTIMATORS]


def fields_of(model: Any) -> dict[str, str]:
    """Keys of a model as a file writes them, and their defaults as a page does; of an analysis only its own."""
    is_kind = issubclass(model, AnalysisSpec) and model is not AnalysisSpec
    inherited = set(AnalysisSpec.model_fields) if is_kind else set()
    return {
        field.alias or name: default_of(field)
        for name, field in model.model_fields.items()
        if name not in inherited
    }


def default_of(field: Any) -> str:
    """A default in the words of the tables."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(
            f"{item:g}" if isinstance(item, float) else item or "(empty)" for item in value
        )
    return value if isinstance(value, str) else "the defaults below"


WRITTEN_OTHERWISE = {
    ("KaplanMeierSpec", "ci"): "by the conventions",
    ("CumulativeIncidenceSpec", "ci"): "by the conventions",
    ("CoxSpec", "ties"): "by the conventions",
    ("CoxSpec", "max_iterations"): "40, with r 20",
    ("HeterogeneitySpec", "ties"): "by the conventions",
    ("FineGraySpec", "ties"): "by the conventions",
    ("FineGraySpec", "max_iterations"): "40, with r 20",
    ("LandmarkSpec", "ci"): "by the conventions",
    ("LandmarkSpec", "ties"): "by the conventions",
    ("LandmarkSpec", "max_iterations"): "40, with r 20",
    ("UnivariateSpec", "ci"): "by the conventions",
    ("UnivariateSpec", "ties"): "by the conventions",
}
"""Defaults that are no value: None, and what follows from the plan's conventions or another key."""


@pytest.mark.parametrize(
    ("of", "piece"), KEY_TABLES, ids=[piece.remarks["keys"] for _, piece in KEY_TABLES]
)
def test_a_table_of_keys_names_every_key_with_its_default(of, piece):
    model = named(piece.remarks["keys"])
    written = {
        code_in(key): re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", default).replace("`", "")
        for key, default, *_ in piece.rows
    }
    expected = {
        name: WRITTEN_OTHERWISE.get((model.__name__, name), default)
        for name, default in fields_of(model).items()
    }

    assert expected == written


def test_the_models_of_every_file_and_estimator_have_a_table():
    assert set() == MUST_HAVE_TABLES - {piece.remarks["keys"] for _, piece in KEY_TABLES}


def test_the_table_of_displays_names_those_of_every_kind():
    (piece,) = page("plan.md").with_remark("displays")
    written = {
        code_in(kind): ("several" in table, re.findall("`([a-z]+)`", figure), "several" in figure)
        for kind, table, figure in piece.rows
    }
    expected = {
        kind.name: (
            kind.table.several,
            [figure.drawn_as for figure in kind.figures],
            any(figure.several for figure in kind.figures),
        )
        for kind in KINDS
    }

    assert expected == written


def test_a_plan_may_name_the_figures_of_every_kind_and_no_other():
    named = get_args(get_args(Panel.model_fields["drawn_as"].annotation)[0])
    able = {figure.drawn_as for kind in KINDS for figure in kind.figures}
    able |= {kind.table.drawn_as for kind in KINDS}

    assert able == set(named)


def test_the_table_of_findings_names_every_kind_with_what_accepting_it_does():
    (piece,) = page("node.md").with_remark("findings")
    written = {code_in(row[0]): (row[1], row[4]) for row in piece.rows}
    expected = {}
    for kind in FindingKind:
        warns = kind in ONLY_WARNS
        accepted = "not needed" if warns else ACCEPTABLE.get(kind, "not possible")
        expected[kind.value] = ("warning" if warns else "error", accepted)

    assert expected == written


def test_the_table_of_units_holds_the_factors_of_the_conversions():
    (piece,) = page("node.md").with_remark("units")
    written = {(code_in(row[0]), code_in(row[1])): Fraction(row[2]) for row in piece.rows}

    assert {pair: conversion(*pair) for pair in written} == written


MADE_OF_PARTS: list[dict[str, Any]] = [
    {"id": "uni", "kind": "univariate", "endpoint": "OS", "factors": ["sex"]}
    | {"test": "log_rank", "strata": ["site"]}
]
# The lung trial knows no time of an exposure; a score stands in for one.
BLIND = {"id": "blind", "kind": "cox", "endpoint": "OS", "terms": [{"factor": "sex"}]}
"""A model whose risk sets reach across sites; the sites of the lung study do not allow one."""
BLIND_PARTS: list[dict[str, Any]] = [
    {"id": "uni_blind", "kind": "univariate", "endpoint": "OS", "factors": ["sex"]}
    | {"hazard_ratios": True},
    {"id": "lm_blind", "kind": "landmark", "endpoint": "OS", "at": 80, "exposure": "karnofsky"}
    | {"terms": [{"factor": "sex", "reference": "male"}]},
]
LANDMARKS: list[dict[str, Any]] = [
    {"id": "lm", "kind": "landmark", "endpoint": "OS", "at": 80, "exposure": "karnofsky"}
    | {"test": "log_rank", "strata": ["site"]},
    {"id": "lm_cox", "kind": "landmark", "endpoint": "OS", "at": 80, "exposure": "karnofsky"}
    | {"terms": [{"factor": "sex", "reference": "male"}], "strata": ["site"]},
]
# Nor has it a closing date; the time itself stands in for one.
COMPLETENESS = {"id": "complete", "kind": "follow_up", "endpoint": "OS", "completeness": "time"}


def validate_analysis(written: dict[str, Any]) -> AnalysisSpec:
    """An analysis as a plan holds it."""
    spec: AnalysisSpec = estimator_of(written["kind"]).spec.model_validate(written)
    return spec


def examples(check: str = "lung plan") -> list[dict[str, Any]]:
    """The analyses of the lung study that the estimators' pages show, or those that its sites would have to allow first."""
    return [
        analysis
        for of in ESTIMATOR_PAGES
        for piece in of.with_remark("check")
        if piece.remarks["check"] == check
        for analysis in yaml.safe_load(piece.text)["analyses"]
    ]


@pytest.fixture(scope="module")
def lung():
    """The lung study, with an endpoint that has late entry as well."""
    plan = read_plan(LUNG / "plan.yaml")
    late = plan.endpoints["OS"].model_copy(update={"entry": plan.endpoints["OS"].time})
    analyses = tuple(
        validate_analysis(each)
        for each in (*examples(), *MADE_OF_PARTS, *LANDMARKS, BLIND, *BLIND_PARTS)
    )
    plan = plan.model_copy(
        update={"endpoints": {**plan.endpoints, "LATE": late}, "analyses": analyses}
    )
    return Study(
        plan,
        read_codebook(LUNG / "codebook.yaml"),
        tuple(Site(name, f"group {name}") for name in "ab"),
    )


def arrays_of(kind: str, study: Study) -> dict[str, str]:
    """Names and rings of the arrays of all rounds, whatever an analysis of that kind asks."""
    estimator = estimator_of(kind)
    found: dict[str, str] = {}
    for spec in study.plan.analyses:
        if spec.kind != kind:
            continue
        variants = [spec]
        if getattr(spec, "endpoint", None):
            variants.append(spec.model_copy(update={"endpoint": "LATE"}))
        if getattr(spec, "test", None) and hasattr(spec, "pairwise"):
            variants.append(spec.model_copy(update={"pairwise": True}))
        if hasattr(spec, "completeness"):
            variants.append(spec.model_copy(update={"completeness": "time"}))
        for each in variants:
            request = estimator.first(each, study)
            for asked in (request, *later(request, study)):
                found |= {
                    name.rpartition(".")[2]: shape.ring.value
                    for name, shape in estimator.shapes(asked).items()
                }
    return found


def later(request: Request[Any, Any], study: Study) -> list[Request[Any, Any]]:
    """The questions of the rounds after the first, if there are any."""
    if isinstance(request.state, AskCounts):
        return [Request(request.spec, study, AskCounts(n_steps=4))]
    if isinstance(request.state, AskParts):
        of_parts = {
            name: later(part, study)[0]
            for name, part in estimator_of(request.spec.kind).parts(request).items()
        }
        return [replace(request, state=type(request.state).of(of_parts))]
    if isinstance(request.state, AskHeterogeneity):
        rest = [AskHeterogeneity(asks="sums"), AskHeterogeneity(asks="random")]
        return [Request(request.spec, study, asked) for asked in rest]
    if isinstance(request.state, AskCox):
        estimator = estimator_of(request.spec.kind)
        shapes = estimator.shapes(request)
        if "exponents" not in shapes:
            return [Request(request.spec, study, AskDeaths(n_steps=4))]
        p = shapes["exponents"].shape[0]
        at_0 = {"exponent": (0,) * p, "beta": (0.0,) * p}
        return [
            Request(request.spec, study, estimator.question(at_0 | each))
            for each in questions_of_a_model(request.spec, study)
        ]
    return []


def questions_of_a_model(spec: Any, study: Study) -> list[dict[str, Any]]:
    """What is asked of a model after its survey."""
    if spec.kind == "fine_gray" and spec.censoring == "pooled":
        return [{"count_steps": 4}, {}, {"clusters": True}]
    if spec.kind == "fine_gray":
        return [{}, {"clusters": True}]
    more: list[dict[str, Any]] = [{"clusters": True}] if spec.robust else []
    if spec.ph_test:
        more += [{"times": True}, {"count_steps": 4}]
    if spec.interaction_test:
        found = columns(spec.terms, spec.interaction, study)
        more.append({"mains": (0.0,) * len(main_effects(found))})
    return [{}, *more]


@pytest.mark.parametrize("of", ESTIMATOR_PAGES, ids=lambda of: of.path.stem)
def test_a_page_of_an_estimator_names_every_array_that_leaves_a_site(of, lung):
    (piece,) = of.with_remark("arrays")
    written = {code_in(name): ring for name, ring, *_ in piece.rows}

    assert arrays_of(of.path.stem, lung) == written


@pytest.mark.parametrize("of", ESTIMATOR_PAGES, ids=lambda of: of.path.stem)
def test_a_page_of_an_estimator_quotes_what_its_sums_show(of):
    (piece,) = of.with_remark("discloses")

    discloses = estimator_of(of.path.stem).discloses

    assert " ".join(f"- {line}" for line in discloses.lines) == plain(piece.text)


@pytest.mark.parametrize("of", ESTIMATOR_PAGES, ids=lambda of: of.path.stem)
def test_what_is_approved_names_every_array_that_leaves_a_site_with_its_ring(of, lung):
    discloses = estimator_of(of.path.stem).discloses
    found = arrays_of(of.path.stem, lung)
    named = {array.rpartition(".")[2] for array in discloses.arrays}

    assert set(found) == named
    for ring, always in (("counts", discloses.counts), ("reals", discloses.reals)):
        arrays = {array.rpartition(".")[2] for each in always for array in each.arrays}
        assert {ring} >= {found[array] for array in arrays}


@pytest.fixture(scope="module")
def lung_results():
    """Results of a run of the lung study whose analyses are the examples of the estimators' pages."""
    return results_of(
        "lung",
        plan_with(displays=None, analyses=[*examples(), *LANDMARKS, COMPLETENESS]),
        policies_with(estimators=list(EVERY_NAME)),
    )


@pytest.fixture(scope="module")
def blind_results():
    """Results of the example of a blind model, which every site allows here."""
    return results_of(
        "lung",
        plan_with(displays=None, analyses=examples("blind lung plan")),
        policies_with(estimators=list(EVERY_NAME)),
    )


def test_the_examples_of_the_pages_give_results_of_every_kind(lung_results, blind_results):
    found = [*lung_results["analyses"].values(), *blind_results["analyses"].values()]
    for result in found:
        keeps_types(result)

    assert {estimator.kind for estimator in ESTIMATORS} == {result["kind"] for result in found}


def test_no_number_of_the_contract_is_infinite_or_lost(lung_results):
    text = json.dumps(lung_results, allow_nan=False)

    assert lung_results == json.loads(text)
    assert math.isfinite(lung_results["analyses"]["followup"]["median"])
