"""The table of Kaplan-Meier estimates: patients, events, quantiles of the time, and survival at the plan's horizons by group."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from riskset_common.estimators.curves.contrasts import Contrasted
from riskset_common.estimators.curves.kaplan_meier import KaplanMeierSpec
from riskset_common.results.curves import Estimate, GroupCurve, KaplanMeierResult, RestrictedMean
from riskset_common.results.shown import Shown as Value
from riskset_common.results.shown import Withheld
from riskset_common.results.tests import FurtherTests, PairTest
from riskset_common.survival.tests.difference import Difference, difference
from riskset_server.displays.parts.cells import (
    CI,
    EMPTY,
    MINUS,
    NOT_ESTIMABLE,
    NOT_REACHED,
    SE,
    Cell,
    cell,
    count,
    joined,
    p_phrase,
    patients,
    plain,
    probability,
    withheld_cell,
)
from riskset_server.displays.parts.curve_words import (
    endpoint_noun,
    horizons,
    interval_at,
    interval_kinds,
    probability_and_error,
    test_noun,
)
from riskset_server.displays.parts.display import Part, Shown, Tested, spec_of, tests_of
from riskset_server.displays.parts.effects import chi_square_in_words
from riskset_server.displays.parts.table import Row, Table, heading_row
from riskset_server.displays.parts.words import Words, listed, lower_first
from riskset_server.displays.tables.follow_up import time_interval
from riskset_server.results.typed import Estimated, estimated_at, marks_in, missing_of, number
from riskset_server.results.typed import probability as probability_at

Pair = tuple[GroupCurve, GroupCurve]


@dataclass(frozen=True)
class Column:
    """One column: its head, the cell of a group, the cell of the difference between two groups, and what that is a contrast of."""

    head: str
    of_group: Callable[[GroupCurve], Cell]
    of_difference: Callable[[Pair], Cell] = lambda _: EMPTY
    contrast: str = ""


def make(shown: Shown) -> Table:
    """One row a group, below the title of its analysis where there are several."""
    columns = tuple(_columns(shown))
    rows: list[Row] = []
    for part in shown.parts:
        indent = int(len(shown.parts) > 1)
        if indent:
            rows.append(heading_row(shown.words.title(part.spec), len(columns)))
        for group in _groups(part):
            label = Cell(shown.words.group(group.level))
            rows.append(Row(label, tuple(column.of_group(group) for column in columns), indent))
        for named, pair, asked in _compared(part, shown):
            cells = tuple(
                column.of_difference(pair) if column.contrast in asked else EMPTY
                for column in columns
            )
            rows.append(Row(Cell(f"Difference, {named}"), cells, indent))
    return Table(
        title=shown.title,
        heads=("Group", *(column.head for column in columns)),
        rows=tuple(rows),
        notes=tuple(_notes(shown)),
        abbreviations=tuple(_abbreviations(shown)),
    )


def _groups(part: Part) -> tuple[GroupCurve, ...]:
    """The curves of an analysis; none where it is withheld as a whole."""
    return part.result.groups if isinstance(part.result, KaplanMeierResult) else ()


def _compared(part: Part, shown: Shown) -> Iterator[tuple[str, Pair, Contrasted]]:
    """Differences that have a row: their name, the two groups, and what of them is compared.

    Those that the plan asks for are of each group against the first; without a word in the plan, two groups are compared in
    survival.
    """
    groups, asked = _groups(part), spec_of(KaplanMeierSpec, part).contrast
    if asked:
        for group in groups[1:]:
            names = [shown.words.group(each.level) for each in (group, groups[0])]
            yield " − ".join(names), (group, groups[0]), asked
    elif len(groups) == 2 and horizons(shown):
        yield "first − second", (groups[0], groups[1]), ("survival",)


def _columns(shown: Shown) -> Iterator[Column]:
    words, level = shown.words, shown.confidence
    specs = [spec_of(KaplanMeierSpec, part) for part in shown.parts]
    yield Column("No.", lambda group: cell(group.n, count))
    yield Column("Events", lambda group: cell(group.events, count))
    yield _quantile_column(f"Median ({level} CI), {words.unit}", 0.5, words)
    for p in sorted({p for spec in specs for p in spec.quantiles} - {0.5}):
        yield _quantile_column(f"{plain(100 * p)}% quantile ({level} CI), {words.unit}", p, words)
    for time in horizons(shown):
        yield from _horizon_columns(shown, time, level)
    taus = {spec.rmean for spec in specs if spec.rmean is not None}
    if taus:
        named = listed([plain(tau) for tau in sorted(taus)])
        head = f"Restricted mean to {named} {words.unit} (SE)"
        yield Column(
            head,
            lambda group: _restricted_mean(group, words),
            lambda pair: _mean_difference(pair, shown),
            "rmean",
        )


def _quantile_column(head: str, p: float, words: Words) -> Column:
    def of_group(group: GroupCurve) -> Cell:
        found = _quantile(group, p)
        if found is None:
            return EMPTY
        if isinstance(found, Withheld):
            return withheld_cell(found)
        interval = time_interval(found.lower, found.upper, words)
        return joined((cell(found.estimate, words.duration, NOT_REACHED), interval), "{} ({})")

    return Column(head, of_group)


def _quantile(group: GroupCurve, p: float) -> Value[Estimate] | None:
    """The time at which the share `p` of a group has had the event; None where the plan does not ask for it."""
    is_median = p == 0.5
    if isinstance(group.quantiles, Withheld):
        return group.median if is_median else group.quantiles
    asked = next((found for found in group.quantiles if found.p == p), None)
    return group.median if asked is None and is_median else asked


def _horizon_columns(shown: Shown, time: float, level: str) -> Iterator[Column]:
    head = f"{shown.words.horizon(time)} {endpoint_noun(shown)}, % (SE)"

    def at_the_time(pair: Pair) -> Difference | Cell:
        return _difference([estimated_at(group, time) for group in pair], shown)

    def difference_interval(pair: Pair) -> Cell:
        at_time = at_the_time(pair)
        if isinstance(at_time, Cell):
            return at_time
        limits = (cell(at_time.lower, probability), cell(at_time.upper, probability))
        return joined(limits, "{} to {}")

    yield Column(
        head,
        lambda group: probability_and_error(group, time),
        lambda pair: _with_error(at_the_time(pair), probability),
        "survival",
    )
    yield Column(
        f"{level} CI",
        lambda group: interval_at(group, time, shown),
        difference_interval,
        "survival",
    )


def _difference(
    printed: Sequence[Estimated | RestrictedMean | Withheld | None], shown: Shown
) -> Difference | Cell:
    """The difference of two printed estimates. If there is none, a cell that says why."""
    found = [_estimate_and_error(one) for one in printed]
    mark = next(marks_in(found), None)
    if mark is not None:
        return withheld_cell(mark)
    (one, one_error), (other, other_error) = [map(number, each) for each in found]
    if math.isnan(one - other) or math.isnan(one_error + other_error):
        return NOT_ESTIMABLE
    return difference(one, one_error, other, other_error, _confidence(shown))


def _estimate_and_error(
    found: Estimated | RestrictedMean | Withheld | None,
) -> tuple[Value[float], Value[float]]:
    """An estimate and its standard error, each of which may be withheld; NaN where there is none."""
    match found:
        case None:
            return math.nan, math.nan
        case Withheld():
            return found, found
        case RestrictedMean(estimate=estimate, std_err=std_err):
            return estimate, std_err
        case _:
            return probability_at(found), found.std_err


def _with_error(found: Difference | Cell, read: Callable[[float], str]) -> Cell:
    if isinstance(found, Cell):
        return found
    return joined((cell(found.estimate, read), cell(found.std_err, read)), "{} ({})")


def _mean_difference(pair: Pair, shown: Shown) -> Cell:
    """`16.1 (8.9), −1.4 to 33.6`: the difference of two restricted means, its standard error and limits."""

    def read(time: float) -> str:
        return shown.words.duration(time).replace("-", MINUS)

    mean_difference = _difference([group.rmean for group in pair], shown)
    shortly = _with_error(mean_difference, read)
    if isinstance(mean_difference, Cell):
        return shortly
    limits = (cell(mean_difference.lower, read), cell(mean_difference.upper, read))
    return joined((shortly, *limits), "{}, {} to {}")


def _confidence(shown: Shown) -> float:
    """The confidence level of the first analysis that shows any."""
    results = (part.result for part in shown.parts)
    return next((r.level for r in results if isinstance(r, KaplanMeierResult)), 0.95)


def _restricted_mean(group: GroupCurve, words: Words) -> Cell:
    mean = group.rmean
    if mean is None:
        return EMPTY
    if isinstance(mean, Withheld):
        return withheld_cell(mean)
    parts = (cell(mean.estimate, words.duration), cell(mean.std_err, words.duration))
    return joined(parts, "{} ({})")


def _pairs_in_words(pairs: Sequence[PairTest], words: Words) -> str:
    """The tests of all pairs of groups: `Pairs of groups, P adjusted by Holm's method: A v B, P = .03; ...`."""
    found = []
    for pair in pairs:
        names = " v ".join(words.group(level) for level in pair.groups)
        found.append(f"{names}, {cell(pair.p_holm, p_phrase).text}")
    return f"Pairs of groups, P adjusted by Holm's method: {'; '.join(found)}."


def test_in_words(part: Part, tested: Tested, words: Words) -> str:
    """The test between the groups of an analysis: name, strata, statistic, degrees of freedom, P, whether planned."""
    test = tested.test
    named = test_noun("test of groups" if isinstance(test, Withheld) else test.name)
    names = () if isinstance(test, Withheld) else test.strata
    strata = [lower_first(words.variable(name)) for name in names]
    stratified = f" stratified by {listed(strata)}" if strata else ""
    return f"{named[:1].upper()}{named[1:]}{stratified}: {chi_square_in_words(test)} ({words.planned(part.spec)})."


def _notes(shown: Shown) -> Iterator[str]:
    named = interval_kinds(shown.parts)
    if named:
        yield f"Confidence intervals are {named}."
    for part in shown.parts:
        said = " ".join(_notes_of_analysis(part, shown.words))
        if said and len(shown.parts) > 1:
            yield f"{shown.words.title(part.spec)}: {lower_first(said)}"
        elif said:
            yield said
    asked = {
        of for part in shown.parts for *_, compared in _compared(part, shown) for of in compared
    }
    if asked:
        unit = "in percentage points, " if "survival" in asked and horizons(shown) else ""
        yield f"Differences are {unit}with Wald intervals."


def _notes_of_analysis(part: Part, words: Words) -> Iterator[str]:
    for tested in tests_of(part):
        yield test_in_words(part, tested, words)
    match part.result:
        case KaplanMeierResult(tests=FurtherTests(pairwise=pairs)) if pairs:
            yield _pairs_in_words(pairs, words)
    missing = missing_of(part.result)
    if missing != 0:
        yield f"{patients(missing)} with missing values left out."


def _abbreviations(shown: Shown) -> Iterator[tuple[str, str]]:
    yield from (CI, ("No.", "number of patients"))
    if horizons(shown):
        yield SE
        for part in shown.parts:
            yield from shown.words.endpoint_abbreviation(part.spec.endpoint_name() or "")
    if any(tests_of(part) for part in shown.parts):
        yield ("df", "degrees of freedom")
