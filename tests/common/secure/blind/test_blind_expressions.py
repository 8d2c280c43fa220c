"""Each operation gives on shares what it gives in the open, to 2^-40, on random and on extreme numbers, for every committee."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.secure.blind.on_shares import COMMITTEES, SMALLEST, results, run
from tests.examples import examples

from riskset_common.errors import ProtocolRefusal
from riskset_common.release.program import Among, Opens
from riskset_common.secure.blind.expressions.bounds import BoundError
from riskset_common.secure.blind.expressions.evaluation import depth, evaluate, share_of
from riskset_common.secure.blind.expressions.hidden import whole
from riskset_common.secure.blind.expressions.wave import answered_on_shares
from riskset_common.survival.arrays.calculator import Clear, InTheOpen, clear

NEAR = 2.0**-40
committees = pytest.mark.parametrize(
    "committee", COMMITTEES, ids=lambda c: f"{c.size},{c.threshold}"
)


def every_operation(calculator, given):
    """Results of all operations on whole numbers n 1..largest, m (also negative) and fractions q, of shape (2, 3, 4)."""
    n, m, q = given["n"], given["m"], given["q"]
    return [
        n + q,
        n - 1,
        3 - n,
        2 * n,
        -m,
        n * np.arange(4),
        n * np.array([2**40, -(2**35), 0, 1]),
        q * np.arange(-2, 2),
        n * m,
        n * q,
        q * q,
        n - m - n + m - m,
        n[:, 0],
        n[..., np.array([0, 0, 3])],
        n[1, :, None],
        n.reshape(6, -1)[::-1].transpose(1, 0),
        n.transpose(2, 0, 1),
        n[:1].broadcast_to(5, 3, 4),
        n.total(),
        n.total(0),
        q.total(1),
        m.running_total(),
        q.running_total(),
        calculator.joined([n, q[..., :1]]),
        calculator.joined([n, m], axis=0),
        calculator.inner(n, q),
        calculator.inner(q, q),
        calculator.inner(n, m),
        calculator.inner(n, calculator.whole(np.arange(4))),
        calculator.reciprocal(n, 70),
        calculator.running_product(q),
        calculator.root(q, 1.0),
        calculator.root(n, 70.0),
        calculator.at_most(q, n),
        calculator.at_most(n, 4),
        calculator.at_most(m, n),
        calculator.rounded(q, 1000),
        calculator.rounded(q, Fraction(1, 3)),
        calculator.rounded(n, Fraction(1, 5)),
        calculator.rounded(m, Fraction(1, 5)),
        calculator.rounded(n * q - m * q, 100),
        calculator.rounded(n, 7),
        calculator.fraction(q, "they are"),
        calculator.bounded(n * n, 4900.0, "n is at most 70"),
        calculator.whole(np.arange(3)) + 1,
        calculator.real(np.array([[0.1, -2.5], [1e-9, 3.0]])),
        calculator.real(np.array([0.1, -2.5, 0.0, 7.0])) * n,
        calculator.real(np.array([0.1, -2.5, 0.0, 7.0])) * q,
        1 - calculator.running_product(q) * n,
    ]


def values_of(seed, largest=70):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, largest + 1, (2, 3, 4))
    n[0, 0] = [1, largest, largest, 1]
    q = np.ldexp(rng.integers(0, 2**40 + 1, (2, 3, 4)), -40)
    # Zeros, ones, halves and what lies just beside them.
    q[1, 2], q[0, 1] = [0, 1, 0.5, 0.0125], [0.0005, 0.0005 - 2.0**-40, 0.9995, 1]
    return {
        "n": (n, largest),
        "q": (q, 1),
        "m": (rng.integers(0, 101, (2, 3, 4)), 100),
    }


def signed(calculator, given):
    """m is dealt as a count; as a difference of counts it may be negative. Fractions are said to be such."""
    return {
        "n": given["n"],
        "m": given["m"] - 50,
        "q": calculator.fraction(given["q"], "a share of patients"),
    }


@committees
@examples(1)
@given(seed=st.integers(0, 10**6))
def test_each_operation_gives_on_shares_what_it_gives_in_the_open(committee, seed):
    values = values_of(seed)
    n, m, q = (values[name][0] for name in "nmq")
    formula = lambda calculator, given: every_operation(calculator, signed(calculator, given))  # noqa: E731 - the test's own
    found = results(committee, values, formula)
    expected = every_operation(InTheOpen(), {"n": Clear(n), "m": Clear(m - 50), "q": Clear(q)})

    for number, (a, b) in enumerate(zip(found, expected, strict=True)):
        size = max(1.0, float(np.max(np.abs(clear(b)), initial=0)))

        assert b.shape == a.shape
        assert np.max(np.abs(a - clear(b)), initial=0) <= NEAR * size, number


@examples(2)
@given(size=st.integers(1, 60))
def test_openings_that_are_cut_into_slices_give_the_same(size):
    values = values_of(1)
    formula = lambda c, g: [g["n"] * g["n"], c.at_most(g["n"], 30), c.reciprocal(g["n"], 70)]  # noqa: E731 - the test's own
    whole_, cut = results(SMALLEST, values, formula), results(SMALLEST, values, formula, size)

    for a, b in zip(whole_, cut, strict=True):
        assert np.max(np.abs(a - b)) <= NEAR


def test_computations_side_by_side_take_the_openings_of_the_deepest():
    def computation(member, calculator, given):
        n, q = given["n"], calculator.fraction(given["q"], "it is")
        r = calculator.reciprocal(n, 70)
        wanted = [r, calculator.at_most(n, 4), calculator.running_product(q)]
        deepest = depth([r])
        yield from evaluate(member, wanted)
        return deepest, depth(wanted)

    ((deepest, left), *_), members = run(SMALLEST, values_of(2), computation)

    assert deepest == members[0].openings
    assert 0 == left


def test_what_was_computed_is_kept_and_what_it_was_made_of_is_forgotten():
    def computation(member, calculator, given):
        n = given["n"]
        half = n * n
        result = half * n
        yield from evaluate(member, [result])
        first = member.openings
        yield from evaluate(member, [result * 2, half + 1])
        return first, member.openings, result.recipe, half.share is not None

    (outcome, *_), _ = run(SMALLEST, values_of(3), computation)

    assert (2, 2, None, True) == outcome


def test_random_bits_are_made_while_others_wait():
    """A comparison after two products takes no opening for its bits."""

    def computation(member, calculator, given):
        n = given["n"]
        cube = n * n * n
        yield from evaluate(member, [calculator.at_most(cube, 1000)])
        return depth([calculator.at_most(cube, 1000)])

    (alone, *_), members = run(SMALLEST, values_of(4), computation)

    # Two products, and then as many as a comparison takes without its two openings of bits.
    assert 2 + alone - 2 == members[0].openings


def test_what_could_become_too_large_cannot_be_written_down():
    def computation(member, calculator, given):
        yield from member.reveal(given["n"].share)
        q, large = calculator.fraction(given["q"], "it is"), given["n"] * 2**60
        with pytest.raises(
            BoundError, match=r"too_large: a product could have 261 bits, and 160 are"
        ):
            too_large(q * large)
        with pytest.raises(
            BoundError, match=r"test_blind_expressions\.computation: a product with public"
        ):
            large * 2**62 * 2**62 * 2**20
        with pytest.raises(BoundError, match="a sum of 4 products"):
            calculator.inner(q * 2**17, q * 2**17)
        with pytest.raises(BoundError, match="a sum could have"):
            q * 2**62 * 2**33 + q * 2**62 * 2**33
        with pytest.raises(BoundError, match="Say with `fraction` that they are"):
            calculator.running_product(q + q)
        with pytest.raises(BoundError, match="without its reason"):
            calculator.bounded(q, 1.0, "")
        with pytest.raises(BoundError, match="of whole numbers, and these are reals"):
            calculator.reciprocal(q, 4)
        with pytest.raises(TypeError, match="public whole numbers"):
            q * np.array([0.5])
        with pytest.raises(TypeError, match="public whole numbers"):
            q + Clear(np.array([1]))

    run(SMALLEST, values_of(5), computation)


def too_large(x):
    return x * x


def test_hidden_numbers_are_not_used_before_they_are_computed():
    def computation(member, calculator, given):
        yield from member.reveal(given["n"].share)
        product = given["n"] * given["n"]
        with pytest.raises(ValueError, match="before they are computed"):
            share_of(product + 1)

    run(SMALLEST, values_of(6), computation)


@committees
def test_what_is_asked_is_answered(committee):
    values = values_of(7)
    n = values["n"][0]
    lowest, highest = np.arange(24).reshape(2, 3, 4) % 5, np.arange(24).reshape(2, 3, 4) % 7

    def computation(member, calculator, given):
        x = given["n"] - 30
        return (
            yield from answered_on_shares(
                member,
                [
                    Opens("numbers", x),
                    Among("small", given["n"], 1, 4),
                    Among("each its own", given["n"], lowest, highest),
                    Among("never", given["n"], 1, 0),
                    Opens("nothing", given["n"][:0]),
                    Opens("public", whole(np.array([5, -6]))),
                ],
            )
        )

    outcomes, _ = run(committee, values, computation)
    for numbers, small, own, never, nothing, public in outcomes:
        assert (n - 30).tolist() == numbers.tolist()
        assert np.any((n >= 1) & (n <= 4), axis=-1).astype(int).tolist() == small.tolist()
        assert np.any((n >= lowest) & (n <= highest), axis=-1).astype(int).tolist() == own.tolist()
        assert [[0] * 3] * 2 == never.tolist()
        assert (0, 3, 4) == nothing.shape
        assert [5, -6] == public.tolist()


def test_a_bit_that_is_none_ends_the_run():
    """A number that is larger than what was declared makes a comparison open something else than 0 or 1."""
    values = {"n": (np.array([3, 900_000]), 7)}

    def computation(member, calculator, given):
        return (
            yield from answered_on_shares(member, [Opens("bit", calculator.at_most(given["n"], 4))])
        )

    with pytest.raises(
        ProtocolRefusal, match="bit: what was opened lies outside of its public bounds"
    ):
        run(SMALLEST, values, computation)


def test_only_whole_numbers_are_opened():
    def computation(member, calculator, given):
        yield from member.reveal(given["n"].share)
        with pytest.raises(TypeError, match="a number: only whole numbers are opened"):
            next(answered_on_shares(member, [Opens("a number", given["q"])]))

    run(SMALLEST, values_of(8), computation)


def test_a_number_that_may_have_62_bits_is_opened_if_it_has_fewer():
    def computation(member, calculator, given):
        wide = calculator.bounded(given["n"] * 2**40 * 2**20, 2.0**70, "wider than it is")
        return (yield from answered_on_shares(member, [Opens("a number", wide)]))

    ((opened,), *_), _ = run(SMALLEST, {"n": (np.array([0, 1, 3]), 1000)}, computation)

    assert [0, 2**60, 3 * 2**60] == opened.tolist()
    with pytest.raises(ProtocolRefusal, match="a number: what was opened lies outside"):
        run(SMALLEST, {"n": (np.array([4]), 1000)}, computation)
