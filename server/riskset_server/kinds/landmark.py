"""The table and figure of a landmark analysis: those of its curves or its model, with a note on who is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from riskset_common.estimators.composed.landmark_cohort import with_exposure
from riskset_common.estimators.composed.landmark_spec import LandmarkSpec, inner_spec
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.results.composed import LandmarkResult
from riskset_common.study.study import Study
from riskset_server.displays.figures import curve, forest
from riskset_server.displays.parts.cells import cell, count, plain
from riskset_server.displays.parts.display import Part, Shown, spec_of
from riskset_server.displays.parts.figure import Drawing
from riskset_server.displays.parts.table import Table
from riskset_server.displays.parts.words import lower_first
from riskset_server.displays.tables import cox as cox_table
from riskset_server.displays.tables import estimates
from riskset_server.results.typed import of_kind


def make(shown: Shown) -> Table:
    """The table of the curves or the model."""
    inner = at_landmark(shown)
    made = cox_table.make(inner) if _is_model(inner) else estimates.make(inner)
    return replace(made, notes=(*_notes(shown), *made.notes))


def draw(shown: Shown) -> Drawing:
    """The curves, or the forest plot of the model."""
    inner = at_landmark(shown)
    drawn = forest.draw(inner) if _is_model(inner) else curve.draw(inner)
    return replace(drawn, notes=(*_notes(shown), *drawn.notes))


def at_landmark(shown: Shown) -> Shown:
    """The same display for the curves or model inside the analysis, with the exposure named as it was at the landmark."""
    part, words = shown.only, shown.words
    spec = spec_of(LandmarkSpec, part)
    study = with_exposure(Study(words.plan, words.codebook, ()), spec.exposure, spec.at)
    result = of_kind(LandmarkResult, part.result)
    inner = result.curves or result.model
    if inner is None:
        raise TypeError(f"{part.spec.id} has neither curves nor a model.")
    return replace(
        shown,
        parts=(Part(inner_spec(spec), inner),),
        words=replace(words, codebook=study.codebook),
    )


def _is_model(inner: Shown) -> bool:
    return isinstance(inner.only.spec, CoxSpec)


def _notes(shown: Shown) -> Iterator[str]:
    spec, words = spec_of(LandmarkSpec, shown.only), shown.words
    exposure = words.under(lower_first(words.variable(spec.exposure)), spec.exposure_where)
    yield f"Landmark at {plain(spec.at)} {words.unit}: patients still followed then, by {exposure} until then."
    ended = of_kind(LandmarkResult, shown.only.result).ended
    if ended != 0:
        yield f"Patients whose follow-up does not span the landmark: {cell(ended, count).text}."
