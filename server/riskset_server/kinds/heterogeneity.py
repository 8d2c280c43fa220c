"""The table and forest plot of an effect that may differ among sites: groups of sites, pooled effects, and how much they differ."""

from __future__ import annotations

from collections.abc import Iterator

from riskset_common.estimators.heterogeneity.spec import HeterogeneitySpec
from riskset_common.results.among_sites import Effect as PooledEffect
from riskset_common.results.among_sites import HeterogeneityResult
from riskset_common.results.shown import WithheldAnalysis
from riskset_server.displays.figures.forest import draw_effects
from riskset_server.displays.parts.cells import (
    CI,
    HR,
    Cell,
    cell,
    cell_of_withheld,
    count,
    hazard_ratio,
    joined,
    note_of_withheld,
    p_digits,
    statistic,
)
from riskset_server.displays.parts.display import Part, Shown, spec_of
from riskset_server.displays.parts.effects import (
    TIES,
    Effect,
    chi_square_in_words,
    exposures,
    words_of_model,
)
from riskset_server.displays.parts.figure import Drawing
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.parts.words import Words, listed, lower_first
from riskset_server.results.typed import number, of_kind

FIXED, RANDOM = "All sites, fixed effect", "All sites, random effects"


def make(shown: Shown) -> Table:
    """A row for each group of sites, and for the fixed and random effects of all."""
    return Table(
        title=shown.title,
        heads=("Sites", "No. of sites", "HR", f"{shown.confidence} CI".strip(), "P"),
        rows=tuple(
            Row(row.label, (row.n, row.hazard_ratio, row.interval, row.p), row.indent)
            for row in _effects(shown.only, shown.words)
        ),
        notes=(" ".join(_notes(shown.only, shown.words)),),
        abbreviations=(CI, ("df", "degrees of freedom"), HR),
    )


def draw(shown: Shown) -> Drawing:
    """The same rows as a forest plot. No site has a row: what one site would show is not opened."""
    rows = tuple(_without_sites(row) for row in _effects(shown.only, shown.words))
    return draw_effects(shown, rows, (" ".join(_notes(shown.only, shown.words)),))


def _effects(part: Part, words: Words) -> Iterator[Effect]:
    if isinstance(part.result, WithheldAnalysis):
        held = cell_of_withheld(part.result)
        for label in (FIXED, RANDOM):
            yield Effect(Cell(label), 0, hazard_ratio=held, interval=held, p=held, n=held)
        return
    result, by = (
        of_kind(HeterogeneityResult, part.result),
        spec_of(HeterogeneitySpec, part).by or "",
    )
    if result.groups:
        yield Effect(Cell(words.variable(by)), 0)
    for group in result.groups or ():
        yield _effect(words.level(by, group.level), group.effect, group.sites, 1)
    yield _effect(FIXED, result.fixed, result.sites, 0)
    yield _effect(RANDOM, result.random, result.sites, 0)


def _effect(label: str, effect: PooledEffect, sites: int, indent: int) -> Effect:
    ratio, lower, upper = effect.hazard_ratio, effect.lower, effect.upper
    return Effect(
        Cell(label),
        indent,
        hazard_ratio=cell(ratio, hazard_ratio),
        interval=joined((cell(lower, hazard_ratio), cell(upper, hazard_ratio)), "{} to {}"),
        p=cell(effect.p_value, p_digits),
        drawn=(number(ratio), number(lower), number(upper)),
        n=cell(sites, count),
    )


def _without_sites(row: Effect) -> Effect:
    """The row of a figure, whose column of numbers is of patients."""
    named = f"{row.label.text} ({row.n.text} sites)" if row.n.text else row.label.text
    return Effect(Cell(named), row.indent, row.hazard_ratio, row.interval, row.p, row.drawn)


def _notes(part: Part, words: Words) -> Iterator[str]:
    spec, model = spec_of(HeterogeneitySpec, part), words_of_model(words, part)
    effect, *others = [each.name for each in spec.terms]
    named = lower_first(model.variable(effect))
    if isinstance(part.result, WithheldAnalysis):
        yield f"Hazard ratios of {named} from a Cox model in each site, Cochran's Q, I² and τ² are not shown."
        yield note_of_withheld(part.result)
        return
    result = of_kind(HeterogeneityResult, part.result)
    one, other = (
        lower_first(model.level(effect, each)) for each in (result.of_level, result.reference)
    )
    yield f"Hazard ratios of {named}, {one} against {other}, from a Cox model in each site."
    yield f"n = {cell(result.n, count).text}, {cell(result.events, count).text} events."
    if others:
        yield f"Adjusted for {listed([lower_first(model.variable(name)) for name in others])}."
    if changing := exposures(words, part):
        yield f"Patients change from not exposed to exposed with {changing}."
    yield f"Ties by {TIES[result.ties]} method."
    yield from _differences(result)


def _differences(result: HeterogeneityResult) -> Iterator[str]:
    yield f"Heterogeneity among sites (Cochran's Q): {chi_square_in_words(result.test)};"
    share = cell(result.i_squared, lambda share: f"{100 * share:.0f}%", Cell("not estimable"))
    tau = cell(result.tau_squared, statistic, Cell("not estimable"))
    yield f"I² = {share.text}, τ² = {tau.text} (DerSimonian and Laird)."
    if result.between is not None:
        yield f"Between the groups of sites: {chi_square_in_words(result.between)}."
