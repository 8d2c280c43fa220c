"""Tables, first events, flows and numbers under a rounded release: exact where they are shown, and nothing else is opened."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.cohorts import Cohort, random_cohort, study_of
from tests.common.estimators.pooling import result_of
from tests.common.release.rounded import computation, released
from tests.common.secure.blind.on_shares import SMALLEST, program_on_shares, run
from tests.examples import examples

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.counts_of_plan import plan_cells
from riskset_common.release.given import Given
from riskset_common.release.program import Ask, Opened, answered, in_the_open
from riskset_common.release.program import run as run_program
from riskset_common.release.tables.digits import Digits
from riskset_common.release.tables.numbers import NumberSums, Row
from riskset_common.release.tables.verdicts import verdicts_program
from riskset_common.release.times import Cohort as Chosen
from riskset_common.results.as_json import as_json
from riskset_common.results.flow import FlowResult
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.results.tables import BaselineNumber, BaselineResult
from riskset_common.survival.arrays.calculator import Clear, InTheOpen

ROUNDED = {"release": "rounded", "minimum_cell": 5, "minimum_at_risk": 10}
BASELINE = {
    "kind": "baseline",
    "by": "arm",
    "rows": ["sex", "hospital", {"number": "age", "bin_width": 2.5}],
    "test": "chi_square",
}
EVENTS = {"kind": "event_table", "endpoint": "EFS", "by": "sex"}
FLOW = {"kind": "flow", "steps": ["enrolled", "sex", "arm"]}


def rounded(analysis: dict[str, Any], cohort: Cohort, **changes: Any) -> Any:
    study = study_of(analysis, 5, disclosure=ROUNDED, **changes)
    return released(study, cohort.patients(study)).analyses["asked"]


def differences(exact: Any, shown: Any, where: str = "") -> list[str]:
    """Where a released result (as JSON) says something else than the exact one; what is withheld says nothing."""
    if where == ".numbers" or (isinstance(shown, dict) and "withheld" in shown):
        return []
    if isinstance(shown, dict):
        return [
            line for key in shown for line in differences(exact[key], shown[key], f"{where}.{key}")
        ]
    if isinstance(shown, list):
        pairs = enumerate(zip(exact, shown, strict=True))
        return [line for at, (a, b) in pairs for line in differences(a, b, f"{where}[{at}]")]
    return [] if exact == shown else [f"{where}: {exact} and {shown}"]


@examples(6)
@given(seed=st.integers(0, 10_000))
def test_what_is_shown_of_tables_is_exact(seed: int) -> None:
    cohort = random_cohort(seed, n=130)

    for analysis in (BASELINE, EVENTS):
        shown = rounded(analysis, cohort)
        assert [] == differences(result_of(analysis, cohort, 5), as_json(shown))
        assert not isinstance(shown, WithheldAnalysis)


def test_the_boxes_of_a_flow_that_are_shown_are_exact() -> None:
    cohort = random_cohort(1, n=150)
    shown = rounded(FLOW, cohort)
    assert isinstance(shown, FlowResult)
    exact = {str(box["path"]): box for box in result_of(FLOW, cohort, 5)["boxes"]}
    numbers = [box for box in shown.boxes if not isinstance(box.n, Withheld)]

    assert [] == [
        line for box in numbers for line in differences(exact[str(dict(box.path))], as_json(box))
    ]
    assert len(numbers) > 6
    # Below a box whose number is not shown there are none.
    held = [str(dict(box.path))[:-1] for box in shown.boxes if isinstance(box.n, Withheld)]
    below = [
        box for box in numbers if any(str(dict(box.path)).startswith(f"{each},") for each in held)
    ]
    assert [] == below


@pytest.mark.parametrize("conventions", ["r", "sas"])
@pytest.mark.parametrize("seed", [3, 8])
def test_numbers_are_the_exact_ones_to_three_digits(seed: int, conventions: str) -> None:
    cohort = random_cohort(seed, n=170)
    # In one age is known of everybody, in the other of how many is hidden.
    if seed == 3:
        cohort = cohort.with_values(
            age=np.nan_to_num(cohort.age, nan=50.0), arm=np.maximum(cohort.arm, 0)
        )
    exact = result_of(BASELINE, cohort, 5, conventions=conventions)["numbers"][0]
    (shown,) = rounded(BASELINE, cohort, conventions=conventions).numbers
    assert isinstance(shown, BaselineNumber)

    assert isinstance(shown.n[0], Withheld) == (seed == 8)
    compared = 0
    for name in ("mean", "std_dev", "median", "lower_quartile", "upper_quartile"):
        for expected, value in zip(exact[name], getattr(shown, name), strict=True):
            if not isinstance(value, Withheld):
                compared += 1
                unit = Fraction(10) ** (math.floor(math.log10(expected)) - 2)
                halves_up = Fraction(expected) / unit + Fraction(1, 2) + Fraction(1, 10**9)
                assert float(math.floor(halves_up) * unit) == pytest.approx(value, abs=1e-12)
    assert compared >= 10


def test_too_few_patients_show_nothing_of_a_number() -> None:
    cohort = random_cohort(5, n=90)
    few = np.where((cohort.arm == 1) & (np.cumsum(cohort.arm == 1) > 7), np.nan, cohort.age)
    few = np.where((cohort.arm == 2) & (np.cumsum(cohort.arm == 2) > 14), np.nan, few)
    (shown,) = rounded(BASELINE, cohort.with_values(age=few)).numbers

    assert Withheld("minimum_at_risk 10", "small") == shown.mean[1]
    # Fourteen are enough for a mean and a median, and not for quartiles of 5 each.
    assert not isinstance(shown.mean[2], Withheld)
    assert isinstance(shown.lower_quartile[2], Withheld)
    # The mean of all would give that of the group that is held.
    assert isinstance(shown.mean[3], Withheld)


def test_a_table_that_is_not_whole_has_no_test() -> None:
    cohort = random_cohort(6, n=120)
    rare = np.where(np.arange(cohort.n) < 2, 1, 0)
    shown = rounded(
        BASELINE, cohort.with_values(sex=rare, arm=np.minimum(np.maximum(cohort.arm, 0), 1))
    )
    assert isinstance(shown, BaselineResult)

    assert isinstance(shown.tests["sex"], Withheld)
    assert "small" == shown.tests["sex"].reason


def test_an_analysis_of_few_patients_is_withheld_whole() -> None:
    shown = rounded(BASELINE, random_cohort(2, n=8))

    assert isinstance(shown, WithheldAnalysis)
    assert all(isinstance(each, Withheld) for each in shown.fields.values())
    assert Withheld("minimum_at_risk 10", "small") == shown.fields["n"]


@pytest.mark.parametrize("analysis", [BASELINE, EVENTS, FLOW], ids=lambda each: each["kind"])
@pytest.mark.parametrize("seed", [1, 8])
def test_nothing_is_opened_that_the_result_does_not_say(analysis: Any, seed: int) -> None:
    cohort = random_cohort(seed, n=140)
    study = study_of(analysis, 5, disclosure=ROUNDED)
    sites = cohort.patients(study)
    work, facts = computation(study, sites)
    data = {
        counted: {
            name: Clear(np.sum([counted.of(each, study)[name] for each in sites], axis=0))
            for name in counted.arrays(study)
        }
        for counted in work.counted(facts)
    }
    cells = plan_cells(study)
    verdicts = in_the_open(verdicts_program(cells, study, data, InTheOpen()))
    given = Given(study, facts, data, InTheOpen(), verdicts.cells)
    spec = study.plan.analyses[0]
    opened: dict[str, Opened] = {}

    def answer(ask: Ask) -> Opened:
        opened[ask.name] = answered(ask)
        return opened[ask.name]

    estimator = estimator_of(spec.kind)
    result = run_program(estimator.program(spec, given), answer)
    implied = estimator.implied(spec, given, result)
    assert opened.keys() == implied.keys()
    for name, values in opened.items():
        assert values.tolist() == implied[name].tolist()
    assert bool(opened) == (spec.kind == "baseline")


@given(values=st.lists(st.fractions(-5_000, 5_000, max_denominator=1_000), min_size=1, max_size=20))
def test_the_digits_of_numbers_are_those_that_are_printed(values: list[Fraction]) -> None:
    digits = Digits.within(Fraction(-5_000), Fraction(5_000))
    x = Clear(np.array([float(value) for value in values]))
    asked = digits.asks(InTheOpen(), "x", x)
    opened = [answered(ask) for ask in asked]
    printed = digits.values(*opened)

    for value, found in zip(values, printed, strict=True):
        place = max(math.floor(math.log10(abs(value))) if value else -9, digits.lowest)
        assert abs(Fraction(found) - value) <= Fraction(10) ** (place - 2) * Fraction(501, 1_000)
    assert [each.tolist() for each in opened] == [each.tolist() for each in digits.implied(printed)]


def test_verdicts_and_numbers_are_the_same_on_shares() -> None:
    cohort = random_cohort(8, n=60)
    study = study_of(
        {"kind": "baseline", "rows": ["sex", {"number": "age", "bin_width": 20}]},
        5,
        disclosure=ROUNDED,
    )
    sites = cohort.patients(study)
    work, facts = computation(study, sites)
    cells = plan_cells(study)
    sums = next(each for each in work.counted(facts) if isinstance(each, NumberSums))
    truth = {
        (counted, name): np.sum([counted.of(each, study)[name] for each in sites], axis=0)
        for counted in (cells, sums)
        for name in counted.arrays(study)
    }
    keys = {f"{at}": key for at, key in enumerate(truth)}
    values = {at: (truth[key], float(facts.patients)) for at, key in keys.items()}

    def data_of(numbers: Any) -> Any:
        found: Any = {}
        for at, (counted, name) in keys.items():
            found.setdefault(counted, {})[name] = numbers[at]
        return found

    def both(calculator: Any, numbers: Any) -> Any:
        data = data_of(numbers)
        verdicts = yield from verdicts_program(cells, study, data, calculator)
        given = Given(study, facts, data, calculator, verdicts.cells)
        row = yield from Row(given, sums).program()
        return verdicts, row

    clear = {at: Clear(np.asarray(array)) for at, (array, _) in values.items()}
    expected = in_the_open(both(InTheOpen(), clear))
    found, _ = run(
        SMALLEST,
        values,
        lambda member, calculator, hidden: program_on_shares(member, both(calculator, hidden)),
    )

    assert expected[0].held == found[0][0].held
    assert expected[0].cells == found[0][0].cells
    assert expected[1] == found[0][1]
    assert Chosen() == sums.cohort
