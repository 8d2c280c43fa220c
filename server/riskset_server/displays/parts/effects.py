"""The rows of a fitted Cox model, as its table and its forest plot both show them: reference levels, hazard ratios, P values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.cohort.exposure import with_exposures
from riskset_server.displays.parts.cells import (
    ALIASED,
    DASH,
    EMPTY,
    HR,
    MONOTONE,
    NOT_ESTIMABLE,
    SHR,
    Cell,
    cell,
    count,
    hazard_ratio,
    joined,
    p_digits,
    p_phrase,
    patients,
    plain,
    statistic,
)
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.words import Words, listed, lower_first, sentence_case
from riskset_server.results.reading import entries, number, rules_in, value, withheld_by

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


def effects(shown: Shown) -> Iterator[Effect]:
    """Rows of every model of a display, each below its title where there are several."""
    for part in shown.parts:
        indent, words = 0, words_of_model(shown.words, part)
        if len(shown.parts) > 1:
            yield Effect(Cell(shown.words.title(part.spec)), 0, is_title=True)
            indent = 1
        by_term = groupby(entries(value(part.result, "terms")), key=lambda row: str(row["term"]))
        for term, rows in by_term:
            yield from _term(part, words, term, list(rows), indent)


def words_of_model(words: Words, part: Part) -> Words:
    """The study's words, in which the exposures of a model are categories."""
    labels = {name: sentence_case(words.happening(name)) for name in _times(part)}
    return replace(words, codebook=with_exposures(words.codebook, labels))


def _times(part: Part) -> tuple[str, ...]:
    return estimator_of(part.spec.kind).uses(part.spec).times


def exposures(words: Words, part: Part) -> str:
    """The exposures of a model that begin during follow-up, in words; empty without any."""
    if part.spec.kind not in ("cox", "heterogeneity"):
        return ""
    return listed([lower_first(words.happening(name)) for name in _times(part)])


def _term(
    part: Part, words: Words, term: str, rows: Sequence[Mapping[str, Any]], indent: int
) -> Iterator[Effect]:
    name = words.term(term)
    if len(rows) == 1 and rows[0].get("level") is None:
        yield _effect(part, words, rows[0], Cell(f"{name} (per unit)"), indent)
        return
    tested = value(part.result, "tests", "terms", term) if len(rows) > 1 else None
    yield Effect(Cell(name), indent, p=EMPTY if tested is None else _p(tested))
    reference = rows[0].get("reference")
    if ":" not in term and reference is not None:
        n, events = _counts(part, term, reference)
        yield Effect(
            Cell(words.term_level(term, reference)),
            indent + 1,
            hazard_ratio=Cell("1"),
            n=n,
            events=events,
            is_reference=True,
        )
    for row in rows:
        label = words.term_level(term, row["level"]) if row.get("level") is not None else "Per unit"
        yield _effect(part, words, row, Cell(label), indent + 1)


def _p(test: Any) -> Cell:
    return cell(value(test, "p_value"), p_digits)


def _effect(part: Part, words: Words, row: Mapping[str, Any], label: Cell, indent: int) -> Effect:
    n, events = _counts(part, row["term"], row.get("level"))
    ratio, p = value(row, "hazard_ratio"), value(row, "p_value")
    lower, upper = value(row, "lower"), value(row, "upper")
    if row.get("aliased") or row.get("monotone"):
        nothing = Cell(DASH, notes=(ALIASED if row.get("aliased") else MONOTONE,))
        return Effect(label, indent, nothing, nothing, nothing, n=n, events=events)
    return Effect(
        label,
        indent,
        hazard_ratio=cell(ratio, hazard_ratio),
        interval=joined((cell(lower, hazard_ratio), cell(upper, hazard_ratio)), "{} to {}"),
        p=cell(p, p_digits),
        drawn=(number(ratio), number(lower), number(upper)),
        n=n,
        events=events,
    )


def _counts(part: Part, term: str, level: str | None) -> tuple[Cell, Cell]:
    for found in entries(value(part.result, "levels")):
        if found["term"] == term and found["level"] == level:
            absent = NOT_ESTIMABLE
            return cell(found["n"], count, absent), cell(found["events"], count, absent)
    return EMPTY, EMPTY


def model_notes(shown: Shown) -> tuple[str, ...]:
    """What stands below every model: patients, events, ties, strata and tests."""
    notes: list[str] = []
    for part in shown.parts:
        of = f"{shown.words.title(part.spec)}: " if len(shown.parts) > 1 else ""
        notes += [of + " ".join(_notes(part, shown.words))]
    return tuple(notes)


def _notes(part: Part, words: Words) -> Iterator[str]:
    found = part.result
    n, events = cell(value(found, "n"), count).text, cell(value(found, "events"), count).text
    missing = value(found, "missing")
    left_out = f"; {patients(missing)} with missing values left out" if missing else ""
    yield f"n = {n}, {events} events{_competing(found)}{left_out}."
    yield f"Ties by {TIES[found['ties']]} method."
    strata = entries(value(found, "strata"))
    if strata:
        named = listed([lower_first(words.variable(name)) for name in strata])
        yield f"Stratified by {named}."
    if named := exposures(words, part):
        yield f"Patients change from not exposed to exposed with {named}; counts are by exposure at the end of follow-up."
    if value(found, "penalty") == "firth":
        yield "Estimates maximise the likelihood under Firth's penalty."
    offset = value(found, "offset")
    if isinstance(offset, str):
        yield f"The coefficient of {lower_first(words.term(offset))} is set to 1 (offset)."
    if value(found, "robust", "clustered_by") in ROBUST:
        yield f"Standard errors are robust{ROBUST[value(found, 'robust', 'clustered_by')]}."
    together = "; beside a variable, of all its levels together" if _several_levels(found) else ""
    yield f"P values are of Wald tests, two-sided ({words.planned(part.spec)}){together}."
    yield from _model_tests(value(found, "tests"))
    yield from _proportionality(value(found, "ph_test"), words)
    yield from _baseline_hazard(value(found, "baseline_hazard"), words)


def _competing(found: Mapping[str, Any]) -> str:
    """Of a model under competing risks the patients with another event."""
    competing = value(found, "competing")
    if competing is None:
        return ""
    return f" of the cause, {cell(competing, count).text} competing events"


def ratio_name(shown: Shown) -> tuple[str, str]:
    """What a model's ratios are of, short and in words."""
    return SHR if shown.parts[0].spec.kind == "fine_gray" else HR


def _several_levels(found: Mapping[str, Any]) -> bool:
    names = [row["term"] for row in entries(value(found, "terms"))]
    return len(set(names)) < len(names)


def _model_tests(tests: Any) -> Iterator[str]:
    interaction = value(tests, "interaction")
    if interaction is not None and withheld_by(tests) is None:
        yield f"Likelihood-ratio test of the interactions: {chi_square_in_words(interaction)}."
    labels = {"likelihood_ratio": "likelihood-ratio", "wald": "Wald", "score": "score"}
    named = [f"{label} {chi_square_in_words(value(tests, name))}" for name, label in labels.items()]
    yield f"Tests of the model: {'; '.join(named)}."


TRANSFORMS = {
    "km": "the Kaplan\N{EN DASH}Meier estimate",
    "rank": "the rank of time",
    "identity": "time",
    "log": "the logarithm of time",
}


def _proportionality(test: Any, words: Words) -> Iterator[str]:
    """The test of proportional hazards: of all terms together, and the P of each where there are several."""
    if test is None:
        return
    rule = withheld_by(test)
    if rule is not None:
        yield f"Test of proportional hazards: withheld under the disclosure rule {rule}."
        return
    terms = value(test, "terms")
    each = "; ".join(
        f"{lower_first(words.term(term))}, {cell(value(found, 'p_value'), p_phrase).text}"
        for term, found in terms.items()
    )
    named = f"Test of proportional hazards against {TRANSFORMS[test['transform']]}"
    yield f"{named}: {chi_square_in_words(test['global_test'])}{f' ({each})' if len(terms) > 1 else ''}."


def _baseline_hazard(hazard: Any, words: Words) -> Iterator[str]:
    """The cumulative baseline hazard: one sentence for each stratum."""
    if hazard is None:
        return
    rule = withheld_by(hazard)
    if rule is not None:
        yield f"Baseline hazard: withheld under the disclosure rule {rule}."
        return
    values = [
        f"{lower_first(words.term(name))} {plain(each)}" for name, each in hazard["numbers"].items()
    ]
    at = f" at {listed(['the reference levels', *values])}"
    for stratum, rows in groupby(hazard["rows"], lambda row: row["stratum"]):
        of = f" ({words.group(stratum)})" if stratum else ""
        found = listed(
            [
                f"{statistic(row['cumulative_hazard'])} ({statistic(row['std_err'])}) up to {plain(row['time'])}"
                for row in rows
            ]
        )
        yield f"Cumulative baseline hazard (standard error){at}{of}: {found} {words.unit}."


def chi_square_in_words(test: Any) -> str:
    """A test as a sentence's part: `χ² = 10.33, 1 df, P = .001`."""
    rule = next(rules_in([value(test, key) for key in ("statistic", "df", "p_value")]), None)
    if rule is not None:
        return f"withheld under the disclosure rule {rule}"
    p = cell(value(test, "p_value"), p_phrase, Cell("P not estimable")).text
    found = cell(value(test, "statistic"), statistic, Cell("not estimable")).text
    return f"χ² = {found}, {value(test, 'df')} df, {p}"
