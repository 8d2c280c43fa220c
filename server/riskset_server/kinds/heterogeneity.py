"""The table and forest plot of an effect that may differ among sites: groups of sites, pooled effects, and how much they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from riskset_common.estimators.heterogeneity.spec import HeterogeneitySpec
from riskset_server.displays.figures.forest import draw_effects
from riskset_server.displays.parts.cells import (
    CI,
    HR,
    Cell,
    cell,
    count,
    hazard_ratio,
    joined,
    p_digits,
    statistic,
)
from riskset_server.displays.parts.display import Part, Shown
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
from riskset_server.results.reading import entries, number, rules_in, value


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
    found = part.result
    groups = entries(value(found, "groups"))
    by = _spec(part).by or ""
    if groups:
        yield Effect(Cell(words.variable(by)), 0)
    for group in groups:
        name = words.level(by, value(group, "level"))
        yield _effect(name, value(group, "effect"), value(group, "sites"), 1)
    yield _effect("All sites, fixed effect", value(found, "fixed"), value(found, "sites"), 0)
    yield _effect("All sites, random effects", value(found, "random"), value(found, "sites"), 0)


def _effect(label: str, effect: Any, sites: Any, indent: int) -> Effect:
    ratio, lower, upper = (value(effect, key) for key in ("hazard_ratio", "lower", "upper"))
    return Effect(
        Cell(label),
        indent,
        hazard_ratio=cell(ratio, hazard_ratio),
        interval=joined((cell(lower, hazard_ratio), cell(upper, hazard_ratio)), "{} to {}"),
        p=cell(value(effect, "p_value"), p_digits),
        drawn=(number(ratio), number(lower), number(upper)),
        n=cell(sites, count),
    )


def _without_sites(row: Effect) -> Effect:
    """The row of a figure, whose column of numbers is of patients."""
    named = f"{row.label.text} ({row.n.text} sites)" if row.n.text else row.label.text
    return Effect(Cell(named), row.indent, row.hazard_ratio, row.interval, row.p, row.drawn)


def _notes(part: Part, words: Words) -> Iterator[str]:
    found, spec, model = part.result, _spec(part), words_of_model(words, part)
    effect, *others = [each.name for each in spec.terms]
    levels = [value(found, key) for key in ("of_level", "reference")]
    named = [lower_first(model.level(effect, each)) for each in levels if isinstance(each, str)]
    compared = f", {' against '.join(named)}," if named else ""
    yield f"Hazard ratios of {lower_first(model.variable(effect))}{compared} from a Cox model in each site."
    n, events = cell(value(found, "n"), count).text, cell(value(found, "events"), count).text
    yield f"n = {n}, {events} events."
    if others:
        yield f"Adjusted for {listed([lower_first(model.variable(name)) for name in others])}."
    if changing := exposures(words, part):
        yield f"Patients change from not exposed to exposed with {changing}."
    if isinstance(value(found, "ties"), str):
        yield f"Ties by {TIES[value(found, 'ties')]} method."
    yield from _differences(found)


def _spec(part: Part) -> HeterogeneitySpec:
    if not isinstance(part.spec, HeterogeneitySpec):
        raise TypeError(f"{part.spec.id} is no heterogeneity, but a {part.spec.kind}.")
    return part.spec


def _differences(found: Mapping[str, Any]) -> Iterator[str]:
    rule = next(rules_in([value(found, "i_squared"), value(found, "tau_squared")]), None)
    yield f"Heterogeneity among sites (Cochran's Q): {chi_square_in_words(value(found, 'test'))};"
    if rule is not None:
        yield f"I² and τ² withheld under the disclosure rule {rule}."
        return
    share = cell(
        value(found, "i_squared"), lambda share: f"{100 * share:.0f}%", Cell("not estimable")
    )
    tau = cell(value(found, "tau_squared"), statistic, Cell("not estimable"))
    yield f"I² = {share.text}, τ² = {tau.text} (DerSimonian and Laird)."
    if value(found, "between") is not None:
        yield f"Between the groups of sites: {chi_square_in_words(value(found, 'between'))}."
