"""The check that every number of a display is in the results of its analyses, to the digits printed.

Beside the numbers of results.json themselves there may be: what the plan asks, such as the level of an interval, which a withheld
analysis does not show; a probability in percent; patients at risk, censored and with an event
at a time, which are sums along a curve; sums and shares of a table of events; the difference of two estimates with its limits; and
numbers that are words, of the plan and the codebook.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from riskset_common.formats.canonical_json import canonical_json
from riskset_common.release.floors import Floors
from riskset_common.results.composed import LandmarkResult
from riskset_common.results.curves import CurvePoints, GroupCurve, KaplanMeierResult, RestrictedMean
from riskset_common.results.incidence import (
    CauseIncidence,
    IncidencePoints,
)
from riskset_common.results.tables import EventTableResult
from riskset_common.survival.tests.difference import difference
from riskset_server.displays.parts.display import Part
from riskset_server.displays.parts.table import Table
from riskset_server.displays.parts.words import Words
from riskset_server.report_check.disagreement import Disagreement
from riskset_server.report_check.printed import Text
from riskset_server.results.typed import curves_of, estimates, marks_in, number, probability

CHECK: Final = "in results.json"

_NUMBER: Final = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?![\w]|\.\d)")
_VALUE: Final = re.compile(r"[\d\s.,()<>−-]+(?: to [\d\s.,()<>−-]+)?")
_BULK: Final = {"curve", "covariance", "observed", "expected", "scores"}
"""Lists of results.json of which no single number is printed."""

_BOUNDS: Final = (0.0, 1.0, 0.001, 0.99, 100.0, 1000.0)
"""Nothing, a reference level, the ends between which P values and hazard ratios are printed, and the whole."""


@dataclass(frozen=True)
class Sources:
    """Numbers that a display may print: of its results, ascending, and of the words of the study; and what its levels are called."""

    of_results: NDArray[np.float64]
    of_words: frozenset[float]
    labels: frozenset[str]

    def hold(self, token: str) -> bool:
        """Whether a number of the results rounds to this one."""
        printed = float(token.replace(",", ""))
        half = 0.5 * 10.0 ** -len(token.partition(".")[2]) * (1 + 1e-6)
        first = int(np.searchsorted(self.of_results, printed - half))
        return first < self.of_results.size and bool(self.of_results[first] <= printed + half)

    def untraced(self, text: str, *, words: bool) -> list[str]:
        """Numbers of a text that come from nowhere; with `words` those of labels are known too."""
        tokens = [token for token in _NUMBER.findall(text) if token]
        return [
            token
            for token in tokens
            if not self.hold(token)
            and not (words and float(token.replace(",", "")) in self.of_words)
        ]


def sources_of(parts: Iterable[Part], words: Words) -> Sources:
    """The numbers that a display of these analyses may print: of their results, and what the plan asks of them, such as a level."""
    found = [*_BOUNDS, float(Floors.of(words.plan.disclosure).fewest)]
    for part in parts:
        asked = _numbers(part.spec.model_dump())
        rules = _of_rules(part.result)
        for each in (
            *_numbers(part.result),
            *_of_curves(part.result),
            *_derived(part),
            *asked,
            *rules,
        ):
            found.append(abs(each))
            if abs(each) <= 1:
                found.append(100 * abs(each))
    return Sources(np.sort(np.array(found)), _of_words(words), frozenset(_labels(words)))


def _labels(words: Words) -> Iterator[str]:
    """The labels of all levels, as displays write them."""
    codebook = words.codebook
    for name in (*codebook.variables, *codebook.derived):
        for level in codebook.levels(name) or ():
            yield words.level(name, level)


def _of_words(words: Words) -> frozenset[float]:
    text = " ".join(
        json.dumps(json.loads(canonical_json(value)), ensure_ascii=False)
        for value in (words.plan, words.codebook)
    )
    return frozenset(float(token.replace(",", "")) for token in re.findall(r"\d+(?:\.\d+)?", text))


def _within(found: object) -> Iterator[object]:
    """What a part of a result holds, but for its long lists."""
    if dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            if field.name not in _BULK:
                yield getattr(found, field.name)
    elif isinstance(found, Mapping):
        yield from found.values()
    elif isinstance(found, Sequence) and not isinstance(found, str):
        yield from found


def _numbers(found: object) -> Iterator[float]:
    """Every number of a result but those of its long lists."""
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        yield from _known((float(found),))
    for item in _within(found):
        yield from _numbers(item)


def _of_curves(found: object) -> Iterator[float]:
    """Of every curve within: patients at risk, and sums of those censored and with an event."""
    curve = found.curve if isinstance(found, GroupCurve | CauseIncidence) else None
    if isinstance(curve, CurvePoints | IncidencePoints):
        yield from map(float, curve.at_risk)
        for counts in (curve.censored, curve.events):
            yield from map(float, itertools.accumulate(counts))
    for item in _within(found):
        yield from _of_curves(item)


def _of_rules(found: object) -> Iterator[float]:
    """Numbers of the rules that withhold something: the footnotes say them."""
    for mark in marks_in(found):
        yield from map(float, re.findall(r"\d+", mark.rule))


def _known(found: Iterable[float]) -> Iterator[float]:
    return (each for each in found if math.isfinite(each))


def _derived(part: Part) -> Iterator[float]:
    """Numbers that a display works out from printed ones."""
    result = part.result
    if isinstance(result, EventTableResult):
        yield from _known(_shares(result))
    curves = result.curves if isinstance(result, LandmarkResult) else result
    if isinstance(curves, KaplanMeierResult):
        yield from _known(_differences(curves))
    for curve in () if curves is None else curves_of(curves):
        for at in estimates(curve):
            gone = number(at.at_risk) + number(at.events_to)
            yield from _known((max(number(curve.n) - gone, 0.0),))


def _differences(curves: KaplanMeierResult) -> Iterator[float]:
    """Differences of two groups in survival at a time and in the restricted mean, with their errors and limits."""
    for one, other in itertools.permutations(curves.groups, 2):
        for first, second in _estimates(one, other):
            found = difference(*first, *second, curves.level)
            yield from (found.estimate, found.std_err, found.lower, found.upper)


def _estimates(
    one: GroupCurve, other: GroupCurve
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Estimates of two groups at the same time, and their restricted means, each with its standard error."""
    for first, second in itertools.product(estimates(one), estimates(other)):
        if first.time == second.time:
            yield (
                (number(probability(first)), number(first.std_err)),
                (number(probability(second)), number(second.std_err)),
            )
    if isinstance(one.rmean, RestrictedMean) and isinstance(other.rmean, RestrictedMean):
        yield (
            (number(one.rmean.estimate), number(one.rmean.std_err)),
            (number(other.rmean.estimate), number(other.rmean.std_err)),
        )


def _shares(result: EventTableResult) -> Iterator[float]:
    """Sums over the kinds of event, and what share they are of a column."""
    by_column = [
        (number(n), [number(row.counts[index]) for row in result.rows])
        for index, n in enumerate(result.column_n)
    ]
    totals = [number(row.total) for row in result.rows]
    of_all = [number(result.censored.total), number(result.events)]
    everybody = (number(result.n), totals, of_all)
    for n, counts, others in (*((*each, []) for each in by_column), everybody):
        sum_of_kinds = sum(counts)
        yield sum_of_kinds
        for each in (*counts, *others, sum_of_kinds):
            yield 100 * each / n if n > 0 else math.nan


def untraced_cells(where: str, table: Table, sources: Sources) -> Iterator[Disagreement]:
    """Numbers of a table that come from no result; heads, labels and notes may hold those of words."""
    for row in table.rows:
        for head, found in zip(table.heads[1:], row.cells, strict=True):
            for token in sources.untraced(found.text, words=False):
                place = f"{where}, row {row.label.text.strip()!r}, column {head!r}"
                yield _nowhere(place, token)
    said = (*table.heads, *(row.label.text for row in table.rows), *table.notes)
    for text in said:
        for token in sources.untraced(text, words=True):
            yield _nowhere(f"{where}, {text!r}", token)


def untraced_texts(
    where: str, texts: Iterable[Text], notes: Iterable[str], sources: Sources
) -> Iterator[Disagreement]:
    """Numbers of a figure that come from no result; those of an axis are no results."""
    said = [*(text.words for text in texts if not text.in_axes), *notes]
    for text in said:
        is_value = _VALUE.fullmatch(text) is not None and text not in sources.labels
        for token in sources.untraced(text, words=not is_value):
            yield _nowhere(f"{where}, {text!r}", token)


def _nowhere(where: str, token: str) -> Disagreement:
    return Disagreement(CHECK, where, f"{token} is no number of the analyses that it shows")
