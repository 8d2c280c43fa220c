"""What must be equal in a site's own upload: it holds for any patients, and for no numbers that contradict themselves."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.release.test_times import Words

from riskset_common.release.facts import DaySet, Facts
from riskset_common.release.times import Cohort, LeavingTimes
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import (
    to_integers,
    zeros,
)
from riskset_common.secure.blind.parties.counts.checks import UploadCheck
from riskset_common.secure.blind.parties.counts.equations import Equation, Term
from riskset_common.secure.blind.parties.counts.layout import Layout, Part
from riskset_common.secure.blind.parties.counts.uploads import Counting, marks_of
from riskset_common.study.patients import EndpointTimes, Patients
from riskset_common.study.study import Study

DAYS, MARKS = (2, 4, 7), (2, 4, 5, 7, 9)
SPLIT = LeavingTimes("EFS", (), False, Cohort(), ("sex",), DAYS, MARKS, True)
WHOLE = dataclasses.replace(SPLIT, by=())
FACTS = Facts({"diagnosis": DaySet(DAYS, 16, told=True)}, 0)
COUNTING = Counting(cast("Study", Words()), FACTS, 6, (SPLIT, WHOLE))
UPLOAD = COUNTING.bits_upload([5] * len(COUNTING.ceilings))


def site_patients(seed: int, n: int) -> Patients:
    rng = np.random.default_rng(seed)
    event = rng.integers(0, 2, n)
    time = np.where(event > 0, rng.choice(DAYS, n), rng.integers(1, 12, n))
    entry = rng.integers(0, time)
    return Patients(
        n, {"sex": rng.integers(-1, 2, n)}, endpoints={"EFS": EndpointTimes(time, event, entry)}
    )


def found_of(own):
    """The two numbers that would be opened of a site."""
    bits = UPLOAD.layout.bits_of(own)
    body = np.stack([bits.astype(np.uint64), np.zeros(len(bits), np.uint64)])
    check = UploadCheck(UPLOAD, b"l" * 32)
    found = check.of(Committee((0, 1, 2), 1), body, [], zeros(UPLOAD.layout.n_numbers))
    return to_integers(found)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 40))
def test_they_hold_for_any_patients(seed, n):
    assert [0, 0] == found_of(COUNTING.own(site_patients(seed, n)))


def moved(own, name, place, by, to=None):
    numbers = np.array(own[name])
    numbers[place] += by
    if to is not None:
        numbers[to] -= by
    return {**own, name: numbers}


@pytest.mark.parametrize(
    ("name", "place", "by", "to"),
    [
        # One patient more or less, or in another place, in one array alone.
        ((0, "patients"), (0,), 1, None),
        ((0, "patients"), (0,), 1, (2,)),
        ((1, "patients"), (0,), 1, None),
        ((0, "events"), (0, 1, 0), 1, None),
        ((0, "left"), (0, 1), 1, (0, 2)),
        ((1, "left"), (0, 0), 1, (0, 5)),
        ((1, "entered"), (0, 0), -1, (0, 5)),
        ((0, "staying"), (1, 3), 1, None),
        ((-1, "declared 0"), (), 1, None),
    ],
)
def test_numbers_that_contradict_themselves_do_not_fit(name, place, by, to):
    own = COUNTING.own(site_patients(3, 40))
    if by > 0 and to is not None:
        own = moved(own, name, to, 0)
        by = min(by, int(np.array(own[name])[to])) or -by

    of_bits, of_sums = found_of(moved(own, name, place, by, to))

    assert 0 == of_bits
    assert 0 != of_sums


def test_nobody_leaves_before_entering():
    """All enter at the end: all sums are as they were, but those who stay would be fewer than none."""
    own = dict(COUNTING.own(site_patients(3, 40)))
    for place in (0, 1):
        entered = np.array(own[place, "entered"], dtype=np.int64)
        entered = np.column_stack([np.zeros_like(entered[:, 1:]), entered.sum(axis=1)])
        own[place, "entered"] = entered
        own[place, "staying"] = np.zeros_like(own[place, "staying"])
    of_bits, of_sums = found_of(own)

    assert 0 == of_bits
    assert 0 != of_sums


def test_an_equation_is_between_counts_of_one_shape():
    layout = Layout(
        {(0, "a"): Part((2,), 1), (0, "b"): Part((3,), 1), (0, "r"): Part((2,), 9, 2, True)}
    )
    for other in ("b", "r"):
        with pytest.raises(ValueError, match="one shape"):
            Equation((Term((0, "a"), ()), Term((0, other), ()))).shape(layout.parts)


def test_a_number_above_all_marks_has_none():
    assert [1, 0, 0] == marks_of(0, 3).tolist()
    assert [0, 0, 1] == marks_of(3, 3).tolist()
    for number in (-1, 4):
        with pytest.raises(Exception, match="more than the number of its patients allows"):
            marks_of(number, 3)


def test_events_and_leavers_have_the_width_of_their_origin_and_all_else_that_of_the_patients():
    parts = UPLOAD.layout.parts

    assert 2 == len(COUNTING.ceilings)
    assert {5} == {parts[place, name].width for place in (0, 1) for name in ("events", "left")}
    assert {6} == {parts[place, "left"].last_width for place in (0, 1)}
    assert {6} == {
        parts[place, name].width for place in (0, 1) for name in ("patients", "entered", "staying")
    }
    of_few = dataclasses.replace(COUNTING, width=4).bits_upload([5, 5]).layout.parts

    assert {4} == {part.width for part in of_few.values()}


def test_a_ceiling_is_never_told_below_its_floor():
    class Plan:
        endpoints = ("EFS",)
        analyses = ()

    class Whole(Words):
        plan = Plan()

    nobody = site_patients(1, 0)
    study = cast("Study", Whole())
    for ceiling, least in zip(COUNTING.ceilings, (3, 7), strict=True):
        assert least == ceiling.of(nobody, study)
