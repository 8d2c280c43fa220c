"""The rows of a fitted Cox model, as its table and its forest plot both show them: reference levels, hazard ratios, P values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.cohort.exposure import with_exposures
from riskset_common.results.regression import (
    CoxTerm,
    CoxTests,
    FineGrayResult,
    FittedModel,
    PrintedHazard,
    ProportionalityTest,
)
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.results.tests import PrintedTest
from riskset_common.study.exposure import Exposure
from riskset_server.displays.parts.cells import (
    ALIASED,
    DASH,
    EMPTY,
    HR,
    MONOTONE,
    SHR,
    Cell,
    cell,
    cell_of_withheld,
    count,
    hazard_ratio,
    joined,
    p_digits,
    p_phrase,
    patients,
    plain,
    statistic,
    why_withheld,
)
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.words import Words, listed, lower_first, sentence_case
from riskset_server.results.typed import number

ROBUST = {"site": ", clustered by site", "patient": ""}
TIES = {"efron": "Efron's", "breslow": "Breslow's"}


@dataclass(frozen=True)
class Effect:
    """One row of a model.

    Attributes
    ----------
    label
        A variable, or a level of it where `indent` is above that of its variable.
    hazard_ratio, interval, p
        The printed cells; the hazard ratio of a reference level is `1`.
    drawn
        Hazard ratio, lower and upper limit to draw; NaN where there is nothing to draw.
    n, events
        Patients and events behind a level; empty where they are not known.
    is_reference, is_title
        Whether the row is a reference level; whether it is the title of a model above its terms.
    """

    label: Cell
    indent: int
    hazard_ratio: Cell = EMPTY
    interval: Cell = EMPTY
    p: Cell = EMPTY
    drawn: tuple[float, float, float] = (math.nan, math.nan, math.nan)
    n: Cell = EMPTY
    events: Cell = EMPTY
    is_reference: bool = False
    is_title: bool = False


def model_of(part: Part) -> FittedModel | WithheldAnalysis:
    """The fitted model of an analysis; raises TypeError for an analysis of another kind."""
    if not isinstance(part.result, (FittedModel, WithheldAnalysis)):
        raise TypeError(f"{part.spec.id} is no regression model, but a {part.result.kind}.")
    return part.result


def effects(shown: Shown) -> Iterator[Effect]:
    """Rows of every model of a display, each below its title where there are several; one row of a model that is withheld."""
    for part in shown.parts:
        indent, words, model = 0, words_of_model(shown.words, part), model_of(part)
        if len(shown.parts) > 1:
            yield Effect(Cell(shown.words.title(part.spec)), 0, is_title=True)
            indent = 1
        if isinstance(model, WithheldAnalysis):
            held = cell_of_withheld(model)
            yield Effect(Cell("All terms"), indent, hazard_ratio=held, interval=held, p=held)
            continue
        for _, rows in groupby(model.terms, key=lambda row: row.term):
            yield from _term(model, words, tuple(rows), indent)


def words_of_model(words: Words, part: Part) -> Words:
    """The study's words, in which the exposures of a model are categories."""
    labels = {each.variable: sentence_case(words.happening(each.variable)) for each in _times(part)}
    return replace(words, codebook=with_exposures(words.codebook, labels))


def _times(part: Part) -> tuple[Exposure, ...]:
    return estimator_of(part.spec.kind).uses(part.spec).times


def exposures(words: Words, part: Part) -> str:
    """The exposures of a model that begin during follow-up, in words; empty without any."""
    return listed(
        [
            words.under(lower_first(words.happening(each.variable)), each.where)
            for each in _times(part)
        ]
    )


def _term(
    model: FittedModel, words: Words, rows: Sequence[CoxTerm], indent: int
) -> Iterator[Effect]:
    """The rows of one term: its name, its reference, and its coefficients."""
    term, reference = rows[0].term, rows[0].reference
    name = words.term(term)
    if len(rows) == 1 and rows[0].level is None:
        yield _effect(model, rows[0], Cell(f"{name} (per unit)"), indent)
        return
    p = cell(model.tests.terms[term].p_value, p_digits) if len(rows) > 1 else EMPTY
    yield Effect(Cell(name), indent, p=p)
    if ":" not in term and reference is not None:
        n, events = _counts(model, term, reference)
        yield Effect(
            Cell(words.term_level(term, reference)),
            indent + 1,
            hazard_ratio=Cell("1"),
            n=n,
            events=events,
            is_reference=True,
        )
    for row in rows:
        label = "Per unit" if row.level is None else words.term_level(term, row.level)
        yield _effect(model, row, Cell(label), indent + 1)


def _effect(model: FittedModel, row: CoxTerm, label: Cell, indent: int) -> Effect:
    n, events = _counts(model, row.term, row.level)
    if row.aliased or row.monotone:
        nothing = Cell(DASH, notes=(ALIASED if row.aliased else MONOTONE,))
        return Effect(label, indent, nothing, nothing, nothing, n=n, events=events)
    limits = (cell(row.lower, hazard_ratio), cell(row.upper, hazard_ratio))
    return Effect(
        label,
        indent,
        hazard_ratio=cell(row.hazard_ratio, hazard_ratio),
        interval=joined(limits, "{} to {}"),
        p=cell(row.p_value, p_digits),
        drawn=(number(row.hazard_ratio), number(row.lower), number(row.upper)),
        n=n,
        events=events,
    )


def _counts(model: FittedModel, term: str, level: str | None) -> tuple[Cell, Cell]:
    """Patients and events behind a level; empty where they are not known, or those of all levels are withheld."""
    for found in () if isinstance(model.levels, Withheld) else model.levels:
        if (found.term, found.level) == (term, level):
            return cell(found.n, count), cell(found.events, count)
    return EMPTY, EMPTY


def model_notes(shown: Shown) -> tuple[str, ...]:
    """What stands below every model that is shown: patients, events, ties, strata and tests."""
    notes: list[str] = []
    for part in shown.parts:
        model = model_of(part)
        of = f"{shown.words.title(part.spec)}: " if len(shown.parts) > 1 else ""
        if not isinstance(model, WithheldAnalysis):
            notes += [of + " ".join(_notes(part, model, shown.words))]
    return tuple(notes)


def _notes(part: Part, model: FittedModel, words: Words) -> Iterator[str]:
    left_out = f"; {patients(model.missing)} with missing values left out" if model.missing else ""
    n, events = cell(model.n, count).text, cell(model.events, count).text
    yield f"n = {n}, {events} events{_competing(model)}{left_out}."
    yield f"Ties by {TIES[model.ties]} method."
    if model.strata:
        named = listed([lower_first(words.variable(name)) for name in model.strata])
        yield f"Stratified by {named}."
    if named := exposures(words, part):
        yield f"Patients change from not exposed to exposed with {named}; counts are by exposure at the end of follow-up."
    if model.penalty == "firth":
        yield "Estimates maximise the likelihood under Firth's penalty."
    if model.offset is not None:
        yield f"The coefficient of {lower_first(words.term(model.offset))} is set to 1 (offset)."
    if model.robust is not None:
        sites = "" if model.robust.clusters is None else f" ({count(model.robust.clusters)} sites)"
        yield f"Standard errors are robust{ROBUST[model.robust.clustered_by]}{sites}."
    together = "; beside a variable, of all its levels together" if _several_levels(model) else ""
    yield f"P values are of Wald tests, two-sided ({words.planned(part.spec)}){together}."
    yield from _model_tests(model.tests)
    if model.ph_test is not None:
        yield _proportionality(model.ph_test, words)
    if model.baseline_hazard is not None:
        yield from _baseline_hazard(model.baseline_hazard, words)


def _competing(model: FittedModel) -> str:
    """Of a model under competing risks the patients with another event."""
    if not isinstance(model, FineGrayResult):
        return ""
    return f" of the cause, {cell(model.competing, count).text} competing events"


def ratio_name(shown: Shown) -> tuple[str, str]:
    """What a model's ratios are of, short and in words."""
    return SHR if shown.parts[0].gives(FineGrayResult) else HR


def _several_levels(model: FittedModel) -> bool:
    return len({row.term for row in model.terms}) < len(model.terms)


def _model_tests(tests: CoxTests) -> Iterator[str]:
    if tests.interaction is not None:
        yield f"Likelihood-ratio test of the interactions: {chi_square_in_words(tests.interaction)}."
    named = (
        f"likelihood-ratio {chi_square_in_words(tests.likelihood_ratio)}",
        f"Wald {chi_square_in_words(tests.wald)}",
        f"score {chi_square_in_words(tests.score)}",
    )
    yield f"Tests of the model: {'; '.join(named)}."


TRANSFORMS = {
    "km": "the Kaplan\N{EN DASH}Meier estimate",
    "rank": "the rank of time",
    "identity": "time",
    "log": "the logarithm of time",
}


def _proportionality(test: ProportionalityTest, words: Words) -> str:
    """The test of proportional hazards: of all terms together, and the P of each where there are several."""
    each = "; ".join(
        f"{lower_first(words.term(term))}, {cell(found.p_value, p_phrase).text}"
        for term, found in test.terms.items()
    )
    named = f"Test of proportional hazards against {TRANSFORMS[test.transform]}"
    of_terms = f" ({each})" if len(test.terms) > 1 else ""
    return f"{named}: {chi_square_in_words(test.global_test)}{of_terms}."


def _baseline_hazard(hazard: PrintedHazard, words: Words) -> Iterator[str]:
    """The cumulative baseline hazard: one sentence for each stratum."""
    values = [
        f"{lower_first(words.term(name))} {plain(each)}" for name, each in hazard.numbers.items()
    ]
    at = f" at {listed(['the reference levels', *values])}"
    for stratum, rows in groupby(hazard.rows, lambda row: row.stratum):
        of = f" ({words.group(stratum)})" if stratum else ""
        hazards = listed(
            [
                f"{statistic(row.cumulative_hazard)} ({statistic(row.std_err)}) up to {plain(row.time)}"
                for row in rows
            ]
        )
        yield f"Cumulative baseline hazard (standard error){at}{of}: {hazards} {words.unit}."


def chi_square_in_words(test: PrintedTest | Withheld) -> str:
    """A test as a sentence's part: `χ² = 10.33, 1 df, P = .001`."""
    if isinstance(test, Withheld):
        return f"withheld {why_withheld(test)}"
    p = cell(test.p_value, p_phrase, Cell("P not estimable")).text
    found = cell(test.statistic, statistic, Cell("not estimable")).text
    return f"χ² = {found}, {test.df} df, {p}"
