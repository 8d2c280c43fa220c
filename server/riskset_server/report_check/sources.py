"""The check that every number of a display is in the results of its analyses, to the digits printed.

Beside the numbers of results.json themselves there may stand: a probability in percent; patients at risk, censored and with an event
at a time, which are sums along a curve; sums and shares of a table of events; the difference of two estimates with its limits; and
numbers that are words, of the plan and the codebook.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskset_common.formats.canonical_json import canonical_json
from riskset_common.survival.tests.difference import difference
from riskset_server.displays.parts.display import Part
from riskset_server.displays.parts.table import Table
from riskset_server.displays.parts.words import Words
from riskset_server.report_check.disagreement import Disagreement
from riskset_server.report_check.printed import Text
from riskset_server.results.reading import curves_of, entries, number, numbers, value

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
        """Numbers of a text that stand nowhere; with `words` those of labels are known too."""
        tokens = [token for token in _NUMBER.findall(text) if token]
        return [
            token
            for token in tokens
            if not self.hold(token)
            and not (words and float(token.replace(",", "")) in self.of_words)
        ]


def sources_of(parts: Iterable[Part], words: Words) -> Sources:
    """The numbers that a display of these analyses may print."""
    found = [*_BOUNDS]
    for part in parts:
        for each in (*_numbers(part.result), *_of_curves(part.result), *_derived(part)):
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


def _numbers(found: Any) -> Iterator[float]:
    """Every number of a result but those of its long lists."""
    if isinstance(found, bool):
        return
    if isinstance(found, (int, float)):
        yield float(found)
    elif isinstance(found, Mapping):
        for name, item in found.items():
            if name not in _BULK:
                yield from _numbers(item)
    elif isinstance(found, Sequence) and not isinstance(found, str):
        for item in found:
            yield from _numbers(item)


def _of_curves(found: Any) -> Iterator[float]:
    """Of every curve within: patients at risk, and sums of those censored and with an event."""
    if not isinstance(found, Mapping):
        for item in found if isinstance(found, list) else ():
            yield from _of_curves(item)
        return
    curve = found.get("curve")
    if isinstance(curve, Mapping):
        size = len(entries(value(curve, "time")))
        yield from _known(numbers(value(curve, "at_risk"), size))
        for name in ("censored", "events"):
            yield from _known(np.cumsum(numbers(value(curve, name), size)))
    for name, item in found.items():
        if name not in _BULK:
            yield from _of_curves(item)


def _known(found: Iterable[float]) -> Iterator[float]:
    return (float(each) for each in found if not math.isnan(each))


def _derived(part: Part) -> Iterator[float]:
    """Numbers that a display works out from printed ones."""
    result = part.result
    if part.spec.kind == "event_table":
        yield from _known(_shares(result))
    curves = result.get("curves", result)
    groups = entries(value(curves, "groups")) if isinstance(curves, Mapping) else ()
    level = number(value(curves, "level"))
    for one, other in itertools.permutations(groups, 2):
        for first, second in _estimates(one, other):
            pair = [number(value(each, "std_err")) for each in (first, second)]
            name = "survival" if "survival" in first else "estimate"
            found = difference(
                number(value(first, name)), pair[0], number(value(second, name)), pair[1], level
            )
            yield from _known((found.estimate, found.std_err, found.lower, found.upper))
    for group in groups:
        for curve in curves_of(group):
            for at in entries(value(curve, "at")):
                gone = number(value(at, "at_risk")) + number(value(at, "events_to"))
                yield from _known((max(number(value(group, "n")) - gone, 0),))


def _estimates(one: Any, other: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Estimates of two groups at the same time, and their restricted means."""
    for first in entries(value(one, "at")):
        for second in entries(value(other, "at")):
            if first.get("time") == second.get("time") and "survival" in first:
                yield first, second
    means = (value(one, "rmean"), value(other, "rmean"))
    if all(isinstance(mean, Mapping) and "estimate" in mean for mean in means):
        yield means


def _shares(result: Mapping[str, Any]) -> Iterator[float]:
    """Sums over the kinds of event, and what share they are of a column."""
    rows = entries(value(result, "rows"))
    columns = [*entries(value(result, "column_n")), value(result, "n")]
    for index, n in enumerate(columns):
        last = index == len(columns) - 1
        counts = [value(row, "total") if last else value(row, "counts", index) for row in rows]
        of_all = [value(result, "censored", "total"), value(result, "events")] if last else []
        sum_of_kinds = sum(map(number, counts))
        yield sum_of_kinds
        for each in (*map(number, (*counts, *of_all)), sum_of_kinds):
            yield 100 * each / number(n) if number(n) > 0 else math.nan


def untraced_cells(where: str, table: Table, sources: Sources) -> Iterator[Disagreement]:
    """Numbers of a table that stand in no result; heads, labels and notes may hold those of words."""
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
    """Numbers of a figure that stand in no result; those of an axis are no results."""
    said = [*(text.words for text in texts if not text.in_axes), *notes]
    for text in said:
        is_value = _VALUE.fullmatch(text) is not None and text not in sources.labels
        for token in sources.untraced(text, words=not is_value):
            yield _nowhere(f"{where}, {text!r}", token)


def _nowhere(where: str, token: str) -> Disagreement:
    return Disagreement(CHECK, where, f"{token} is no number of the analyses that it shows")
