"""The vectors of the arithmetic of BC-2, which a second implementation wrote, replayed by the product."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import (
    add,
    constant,
    from_bytes,
    to_bytes,
    to_integers,
)
from riskset_common.secure.blind.arithmetic.fixed_point import encode
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.random_shares import sum_of_streams, zero_share
from riskset_common.secure.blind.arithmetic.reciprocal import FreshStart, NearStart, iterate
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, open_shares

VECTORS = json.loads((Path(__file__).parent / "blind_arithmetic.json").read_text(encoding="utf-8"))


def elements(text):
    return from_bytes(bytes.fromhex(text))


@pytest.fixture(
    params=VECTORS["committees"], ids=lambda each: f"{each['members']},{each['threshold']}"
)
def vector(request):
    return request.param


@pytest.fixture
def committee(vector):
    return Committee(tuple(range(vector["members"])), vector["threshold"])


@pytest.fixture
def keys(vector):
    return {tuple(each["subset"]): bytes.fromhex(each["key"]) for each in vector["keys"]}


def keys_of(member, keys):
    return {subset: key for subset, key in keys.items() if member in subset}


def test_subsets_and_weights_are_those_of_the_vector(vector, committee, keys):
    assert list(keys) == list(committee.subsets)
    for each in vector["keys"]:
        for member, expected in each["weights"].items():
            found = constant(committee.indicator(tuple(each["subset"]), int(member)))

            assert expected == to_bytes(found).hex()


def test_shares_of_zero_are_those_of_the_vector(vector, committee, keys):
    label = bytes.fromhex(vector["label"])
    found = [zero_share(committee, i, keys_of(i, keys), label, 3) for i in committee.members]

    assert vector["zeros"] == [to_bytes(share).hex() for share in found]
    assert [0, 0, 0] == to_integers(open_shares(committee, found))


def test_a_truncation_is_that_of_the_vector(vector, committee, keys):
    label, results = bytes.fromhex(vector["label"]), []
    for member, share, sent in zip(
        committee.members, vector["shares"], vector["sent"], strict=True
    ):
        arithmetic = Arithmetic(committee, member, keys_of(member, keys), label)
        computation = arithmetic.truncate([Truncated(elements(share), vector["bits"])])
        masked = next(computation)

        assert vector["label"] == masked.label.hex()
        assert sent == to_bytes(masked.share).hex()
        with pytest.raises(StopIteration) as end:
            computation.send(elements(vector["opened"]))
        assert vector["next_label"] == arithmetic.label.hex()
        results.append(end.value.value[0])

    assert vector["results"] == [to_bytes(result).hex() for result in results]
    error = np.subtract(
        to_integers(open_shares(committee, results)), [int(each) for each in vector["truncated"]]
    )
    assert np.max(np.abs(error)) <= len(committee.subsets)


@pytest.mark.parametrize("start", ["fresh", "near"])
def test_an_iteration_towards_reciprocals_is_that_of_the_vector(vector, committee, keys, start):
    expected = vector["reciprocals"][start == "near"]
    steps = {"squarings": expected["squarings"], "fine": expected["fine"]}
    begin = (
        NearStart(expected["factor"], **steps)
        if start == "near"
        else FreshStart(tuple(map(int, expected["start"])), **steps)
    )
    for i in committee.members:
        arithmetic = Arithmetic(committee, i, keys_of(i, keys), bytes.fromhex(vector["label"]))
        last = elements(expected["last"][i - 1]) if start == "near" else None
        computation = iterate(arithmetic, elements(expected["A"][i - 1]), begin, last)
        next(computation)
        *others, last_opened = map(elements, expected["opened"])
        for opened in others:
            computation.send(opened)
        with pytest.raises(StopIteration) as end:
            computation.send(last_opened)
        found = end.value.value

        assert expected["w"][i - 1] == to_bytes(found.w).hex()
        assert expected["chain"][i - 1] == [to_bytes(each).hex() for each in found.chain]


def test_what_was_sent_opens_to_what_the_vector_says(vector, committee):
    shares = [elements(each) for each in vector["sent"]]

    assert vector["opened"] == to_bytes(open_shares(committee, shares)).hex()


def test_a_wrong_share_is_refused_where_members_are_to_spare(vector, committee):
    refused = vector["refused"]

    assert (refused is None) is (committee.size == 2 * committee.threshold + 1)
    if refused is not None:
        with pytest.raises(ProtocolRefusal, match="contradict"):
            open_shares(committee, [elements(each) for each in refused])


def test_an_input_is_masked_as_in_the_vector():
    vector = VECTORS["input"]
    values = np.array([float.fromhex(each) for each in vector["values"]])
    keys = [bytes.fromhex(each) for each in vector["keys"]]
    masks = sum_of_streams(keys, b"input", bytes.fromhex(vector["label"]), len(values))

    assert vector["body"] == to_bytes(add(encode(values), masks)).hex()
