"""Models of hazards under `release: rounded`: what is tested of their counts before anything is fitted, and what then waits for a fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import numpy as np

from riskset_common.release.cells import group_cells, missing_cell
from riskset_common.release.counted import Counted, CountedArray, OwnNumbers
from riskset_common.release.given import Given
from riskset_common.release.program import Among, Ask, Opened, Program
from riskset_common.release.times import Cohort, LeavingTimes
from riskset_common.results.regression import FactorLevel
from riskset_common.results.shown import Shown, Withheld, exact
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.survival.arrays.calculator import Numbers

PATIENTS_PER_LEVEL: Final = 10
EVENTS_PER_LEVEL: Final = 5
EVENTS_PER_COEFFICIENT: Final = 10
"""Below any of these a coefficient would show single patients (Peduzzi et al 1996, J Clin Epidemiol 49:1373: ten events a coefficient)."""

TIES: Final = (1, 3, 7, 15, 31, 63)
"""What the deaths on one day are compared with: the least of these that they never exceed becomes public."""

CODES: Final = (-1, 0, 1, 2)
"""Values of a number at which patients are counted one by one; all other values are one more."""


MANY_EVENTS: Final = 100
"""Above so many events in the smallest level, score and information at coefficients of 0 are opened to 3 decimals, else to 2."""

MODEL_EVENTS: Final = 40
"""Events outside the most frequent levels: with fewer, somebody could try all patterns that the iterations of a model leave."""

TOO_FEW_EVENTS: Final = Withheld(f"events_outside_largest_level {MODEL_EVENTS}", "small")
"""The mark of a model of too few events."""


@dataclass(frozen=True)
class CodesOfNumber(Counted):
    """Patients, and those with an event, by the value of a number: it may be a factor in disguise, coded with two whole numbers.

    Attributes
    ----------
    cohort, endpoint, kinds
        The patients of a model, and the events that count, any if empty.
    number
        The variable.
    """

    cohort: Cohort
    endpoint: str
    kinds: tuple[str, ...]
    number: str

    def arrays(self, study: Study) -> Mapping[str, CountedArray]:
        """`patients` and `events`, shape (5,): at each of `CODES`, and at any other value."""
        del study
        shape = (len(CODES) + 1,)
        return {"patients": CountedArray(shape), "events": CountedArray(shape)}

    def of(self, patients: Patients, study: Study) -> OwnNumbers:
        """This site's counts."""
        chosen = self.cohort.of(patients, study, self.endpoint)
        names = study.endpoint(self.endpoint).events
        counted = [False, *(not self.kinds or name in self.kinds for name in names)]
        had = np.array(counted)[chosen.endpoints[self.endpoint].event]
        value = chosen.numbers[self.number]
        place = np.full(chosen.n, len(CODES), dtype=np.int64)
        for index, code in enumerate(CODES):
            place[value == code] = index
        size = len(CODES) + 1
        return {
            "patients": np.bincount(place, minlength=size).astype(np.int64),
            "events": np.bincount(place[had], minlength=size).astype(np.int64),
        }


@dataclass(frozen=True)
class ModelAsked:
    """A model as its counts are tested.

    Attributes
    ----------
    cohort, endpoint, kinds
        Its patients, and the events that count, any if empty.
    factors, pairs
        Its terms that are factors, and pairs of them that interact.
    numbers
        Of each of its terms that is a number, what is counted.
    coefficients
        Columns of the model.
    deaths
        What counts the deaths of each stratum on each day, if risk sets cross sites.
    told_apart
        Whether deaths on one day are taken one after another (Efron), so that their largest number is wanted.
    """

    cohort: Cohort
    endpoint: str
    kinds: tuple[str, ...]
    factors: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    numbers: tuple[CodesOfNumber, ...]
    coefficients: int
    deaths: LeavingTimes | None = None
    told_apart: bool = False


@dataclass(frozen=True)
class ModelCounts:
    """What is released of a model besides its fit.

    Attributes
    ----------
    n, events, missing
        Patients, events, and patients who are no complete case.
    levels
        Patients and events by level of each factor, and by cell of each pair.
    decimals
        To how many decimals score and information at coefficients of 0 are opened.
    ties_at_most
        A bound of the deaths on one day, where deaths on one day are told apart.
    """

    n: int
    events: int
    missing: Shown[int]
    levels: tuple[FactorLevel, ...]
    decimals: int
    ties_at_most: int | None


@dataclass(frozen=True)
class ModelsWait:
    """An analysis whose models are not fitted yet.

    Attributes
    ----------
    models
        By part of the analysis: the counts of a model that waits. The part of an analysis that is a model itself has no name.
    parts
        By part, what is released already: of parts that are no model, or a model that is withheld.
    counts
        By name, counts of the analysis that are of no part.
    """

    models: Mapping[str, ModelCounts]
    parts: Mapping[str, ReleasedResult]
    counts: Mapping[str, Shown[int]] = field(default_factory=dict)


Outcome: TypeAlias = ReleasedResult | ModelsWait
"""What the program of an analysis ends with."""


def model_program(given: Given, asked: ModelAsked) -> Program[ModelCounts | Withheld]:
    """The counts of a model, or the rule that withholds it. Run before anything is fitted.

    Counts by level were opened before, and are looked at. On shares is tested only whether a number has two values of which one is rare,
    and how many deaths fall on one day at most; the result tells both.
    """
    found = _counts(given, asked)
    if isinstance(found, Withheld):
        return found
    asks = list(_asks(given, asked, found.least_events))
    opened = (yield asks) if asks else ()
    bits = {ask.name: bit for ask, bit in zip(asks, opened, strict=True)}
    for codes in asked.numbers:
        if bits[_disguise(codes)].any():
            return Withheld(_rare(codes), "small")
    if not asked.told_apart:
        return found.counts
    enough = [most for most, bit in zip(TIES, bits[_TIED], strict=True) if bit]
    if not enough:
        return Withheld(f"deaths_on_a_day {TIES[-1]}", "protects")
    return replace(found.counts, ties_at_most=enough[0])


def implied_by(asked: ModelAsked, rule: str, ties_at_most: int | None) -> Mapping[str, Opened]:
    """What each ask must have given, from what is released.

    Parameters
    ----------
    rule
        The rule by which the model is withheld; empty if it is not.
    ties_at_most
        Of a model that is shown.
    """
    bits: dict[str, Opened] = {}
    for codes in asked.numbers:
        bits[_disguise(codes)] = np.array([rule == _rare(codes)], dtype=np.int64)
    if asked.told_apart:
        enough = [ties_at_most is not None and ties_at_most <= most for most in TIES]
        bits[_TIED] = np.array(enough, dtype=np.int64)
    return bits


_TIED: Final = f"at most {', '.join(map(str, TIES))} deaths on every day"


def _rare(codes: CodesOfNumber) -> str:
    """The rule by which a number that has two values withholds its model."""
    return f"patients_per_level {PATIENTS_PER_LEVEL}: {codes.number}"


def _disguise(codes: CodesOfNumber) -> str:
    return f"{codes.number} has two values, of one of which there are few"


@dataclass(frozen=True)
class _Found:
    """The counts of a model, and how many events the rarer of two values of a number needs."""

    counts: ModelCounts
    least_events: int


def _counts(given: Given, asked: ModelAsked) -> _Found | Withheld:
    """The counts of a model from the verdicts of the plan."""
    study, cells = given.study, given.cells
    ((everybody, had),) = group_cells(study, asked.cohort, asked.endpoint, (), asked.kinds)
    n, events = cells[everybody], cells[had]
    if isinstance(n, Withheld):
        return n
    if isinstance(events, Withheld):
        return events
    levels: list[FactorLevel] = []
    for by in (*((name,) for name in asked.factors), *asked.pairs):
        of_term = _levels(given, asked, by)
        if isinstance(of_term, Withheld):
            return of_term
        levels += of_term
    if events < EVENTS_PER_COEFFICIENT * asked.coefficients:
        return Withheld(f"events_per_coefficient {EVENTS_PER_COEFFICIENT}", "small")
    by_factor = [
        [exact(level.events) for level in levels if level.term == name] for name in asked.factors
    ]
    of_factors = sum(sum(each) - max(each) for each in by_factor)
    # A number has as many values as events, for all that anybody knows; one with two is asked below.
    if of_factors + events * len(asked.numbers) < MODEL_EVENTS:
        return TOO_FEW_EVENTS
    missing = cells[missing_cell(study, asked.cohort, asked.endpoint)]
    smallest = min((count for of_term in by_factor for count in of_term if count), default=0)
    wanted = max(EVENTS_PER_LEVEL, MODEL_EVENTS - of_factors)
    places = 3 if smallest > MANY_EVENTS else 2
    return _Found(ModelCounts(n, events, missing, tuple(levels), places, None), wanted)


def _levels(given: Given, asked: ModelAsked, by: Sequence[str]) -> list[FactorLevel] | Withheld:
    """Patients and events by level of a factor or by cell of a pair; the mark of one that is not shown, or too small for a model."""
    term, found = ":".join(by), []
    pairs = group_cells(given.study, asked.cohort, asked.endpoint, by, asked.kinds)
    for level, (patients, died) in zip(_named(given.study, by), pairs, strict=True):
        n, events = given.cells[patients], given.cells[died]
        for count in (n, events):
            if isinstance(count, Withheld):
                return Withheld(f"{count.rule}: {term}", count.reason)
        few = _too_few(term, exact(n), exact(events))
        if few is not None:
            return few
        found.append(FactorLevel(term, level, n, events))
    return found


def _named(study: Study, by: Sequence[str]) -> Iterator[str]:
    """The levels of a factor, or of the cells of a pair, in the order of groups."""
    names = [""]
    for name in by:
        names = [f"{before}:{level}" for before in names for level in study.levels(name)]
    return (name[1:] for name in names)


def _too_few(term: str, n: int, events: int) -> Withheld | None:
    """The rule by which a level has too few patients or events; none if it is empty."""
    if 0 < n < PATIENTS_PER_LEVEL:
        return Withheld(f"patients_per_level {PATIENTS_PER_LEVEL}: {term}", "small")
    if n and events < EVENTS_PER_LEVEL:
        return Withheld(f"events_per_level {EVENTS_PER_LEVEL}: {term}", "small")
    return None


def _asks(given: Given, asked: ModelAsked, least_events: int) -> Iterator[Ask]:
    for codes in asked.numbers:
        yield _is_rare(given, codes, least_events)
    if asked.deaths is not None and asked.told_apart:
        yield Among(_TIED, _excess(given, asked.deaths), 0, 0)


def _excess(given: Given, deaths: LeavingTimes) -> Numbers:
    """For each T of `TIES` on how many days of a stratum there are more deaths, shape (n, 1)."""
    d = given.data[deaths]["events"].total(0).reshape(-1)
    within = [given.calculator.at_most(d, most).total().reshape(1, 1) for most in TIES]
    return given.calculator.joined([d.shape[0] - each for each in within], axis=0)


def _is_rare(given: Given, codes: CodesOfNumber, least_events: int) -> Among:
    """Whether all patients have one of two values a and b, and there are few patients or events with a.

    With z the patients of any other value and M above all patients, that is z M + n_a in 1..9, or z M + d_a below `least_events`.
    """
    data, size = given.data[codes], len(CODES) + 1
    everybody, M = data["patients"].total(), given.facts.patients + 1
    found: list[Numbers] = []
    lowest, highest = [], []
    for a in range(size):
        for b in range(size):
            if a != b and size - 1 not in (a, b):
                z = everybody - data["patients"][a] - data["patients"][b]
                found += [z * M + data["patients"][a], z * M + data["events"][a]]
                lowest += [1, 0]
                highest += [PATIENTS_PER_LEVEL - 1, least_events - 1]
    x = given.calculator.joined([each.reshape(1, 1) for each in found])
    bounds = (np.array([each], dtype=np.int64) for each in (lowest, highest))
    return Among(_disguise(codes), x, *bounds)
