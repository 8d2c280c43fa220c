"""What is asked of the arithmetic by mistake is refused at once; and public numbers stay public among hidden ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import (
    a_cohort,
    arithmetics,
    model_of,
    within_sites_model_of,
)

from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import from_integers
from riskset_common.secure.blind.arithmetic.parts import Revealed
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening, Steps
from riskset_common.secure.blind.cox.bounds import _near, next_path
from riskset_common.secure.blind.cox.digits import ON_THE_WAY, _where_it_may_end
from riskset_common.secure.blind.cox.newton import begin
from riskset_common.secure.blind.expressions import evaluation
from riskset_common.secure.blind.expressions.hidden import Hidden, Local, Stepped, whole
from riskset_common.secure.blind.expressions.on_shares import OnShares
from riskset_common.survival.regression.cox import CoxSums

COMMITTEE = Committee((1, 2, 3), 1)


def a_member() -> Arithmetic:
    return arithmetics(COMMITTEE)[0]


def test_a_side_binds_nothing_to_labels_that_are_those_of_the_whole() -> None:
    def binds(arithmetic: Arithmetic) -> Opening[None]:
        arithmetic.bind(b"something")
        yield from arithmetic.open([])

    with pytest.raises(ValueError, match="labels of a side"):
        next(a_member().beside(binds, binds))


def test_a_start_that_costs_more_than_a_fresh_one_is_not_taken() -> None:
    model = model_of(a_cohort(1))
    beta = np.zeros(model.n_columns)
    last = next_path(model, beta, None)

    assert _near(model, beta, last, 99) is not None
    assert _near(model, beta, last, 0) is None


def test_a_model_without_information_goes_on_with_the_digits_that_it_had() -> None:
    model = model_of(a_cohort(1))
    p = model.n_columns
    state = replace(begin(model), independent=(True,) * p)
    nothing = CoxSums(0.0, np.zeros(p), np.zeros((p, p)))

    assert ON_THE_WAY == _where_it_may_end(model, state, nothing)


def test_in_a_model_within_sites_everybody_may_have_the_event() -> None:
    assert 60 == within_sites_model_of(a_cohort(1)).most_events


def test_public_numbers_among_hidden_ones_are_computed_in_the_open() -> None:
    calculator, x, y = (
        OnShares(a_member()),
        whole(np.array([[1, 2], [3, 4]])),
        whole(np.array([2, 5])),
    )
    found = [
        x * y,
        x.total(),
        x.running_total(),
        calculator.bounded(x, 9, "they are"),
        calculator.joined([x, x], axis=0),
        calculator.at_most(x, y),
    ]
    expected = [
        [[2, 10], [6, 20]],
        [3, 7],
        [[1, 3], [3, 7]],
        [[1, 2], [3, 4]],
        [[1, 2], [3, 4], [1, 2], [3, 4]],
        [[1, 1], [0, 1]],
    ]

    assert expected == [None if each.known is None else each.known.tolist() for each in found]


def test_a_public_number_times_a_hidden_one_needs_no_opening() -> None:
    hidden = OnShares(a_member()).hidden(from_integers([4, 5]), (2,), 9)
    product = whole(np.array([2, 3])) * hidden

    assert isinstance(product.recipe, Local)
    assert (2,) == product.shape


def test_an_empty_sum_and_a_product_of_one_need_no_opening() -> None:
    calculator = OnShares(a_member())
    nobody = calculator.hidden(from_integers([]), (0,), 9)
    one = calculator.real(np.array([0.5]))

    assert () == calculator.inner(nobody, nobody).shape
    assert (1,) == calculator.running_product(one).shape


def test_numbers_that_are_not_computed_have_no_shares() -> None:
    calculator = OnShares(a_member())
    x = calculator.hidden(from_integers([1, 2]), (2,), 9)
    waiting = calculator.at_most(x, 1)

    with pytest.raises(ValueError, match="before they are computed"):
        evaluation._held(waiting)
    with pytest.raises(ValueError, match="by steps"):
        evaluation._stepped(x)
    with pytest.raises(TypeError, match="is public"):
        x._times(x)


def test_a_computation_that_takes_more_openings_than_it_said_ends_there() -> None:
    calculator, arithmetic = OnShares(a_member()), a_member()
    x = calculator.hidden(from_integers([1]), (1,), 9)

    def steps(arithmetic: Arithmetic, shares: object) -> Steps[object]:
        yield [Revealed(from_integers([1]))]
        yield [Revealed(from_integers([1]))]
        return shares

    node = Hidden((1,), 0, x.interval, Stepped((x,), 1, steps))  # type: ignore[arg-type]
    task = evaluation._Task.begun(node, arithmetic)
    task.parts()
    task.opened = [from_integers([1])]

    with pytest.raises(ValueError, match="more openings than it said"):
        task.end()
    assert not isinstance(node.recipe, Local)
