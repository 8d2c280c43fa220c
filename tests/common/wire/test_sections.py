from __future__ import annotations

import numpy as np
import pytest

from riskset_common.errors import ProtocolRefusal
from riskset_common.wire.sections import Section, check_sections, join, schema_hash, split

SECTIONS = [
    Section(analysis="cox", name="score", ring="reals", shape=(2,)),
    Section(analysis="curve", name="events", ring="counts", shape=(2, 3)),
    Section(analysis="cox", name="log_likelihood", ring="reals", shape=()),
    Section(analysis="curve", name="nothing", ring="counts", shape=(0, 3)),
    Section(analysis="table", name="cells", ring="counts", shape=(1,)),
]
ARRAYS = {
    ("cox", "score"): np.array([0.5, 1.5]),
    ("curve", "events"): np.arange(6).reshape(2, 3),
    ("cox", "log_likelihood"): np.array(-3.25),
    ("curve", "nothing"): np.empty((0, 3), np.int64),
    ("table", "cells"): np.array([9]),
}


def test_arrays_are_laid_out_in_the_order_of_their_sections():
    counts, reals = join(SECTIONS, ARRAYS)

    assert [0, 1, 2, 3, 4, 5, 9] == counts.tolist()
    assert [0.5, 1.5, -3.25] == reals.tolist()


def test_split_is_the_reverse_of_join():
    arrays = split(SECTIONS, *join(SECTIONS, ARRAYS))

    assert ARRAYS.keys() == arrays.keys()
    for key, array in ARRAYS.items():
        assert array.shape == arrays[key].shape
        assert array.tolist() == arrays[key].tolist()


def test_rounds_without_counts_or_reals_have_empty_vectors():
    counts, reals = join([], {})

    assert (0, np.dtype(np.int64)) == (counts.size, counts.dtype)
    assert (0, np.dtype(np.float64)) == (reals.size, reals.dtype)


@pytest.mark.parametrize(
    "arrays",
    [
        {key: array for key, array in ARRAYS.items() if key != ("table", "cells")},
        ARRAYS | {("table", "more"): np.array([1])},
    ],
)
def test_arrays_missing_or_added_are_refused(arrays):
    with pytest.raises(ProtocolRefusal, match="none may be missing or added"):
        join(SECTIONS, arrays)


@pytest.mark.parametrize(
    "array", [np.arange(6), np.arange(6.0).reshape(2, 3), np.arange(6).reshape(3, 2)]
)
def test_an_array_of_another_shape_or_ring_is_refused(array):
    with pytest.raises(ProtocolRefusal, match="'events' of analysis 'curve'"):
        join(SECTIONS, ARRAYS | {("curve", "events"): array})


def test_vectors_of_another_length_are_not_split():
    counts, reals = join(SECTIONS, ARRAYS)
    with pytest.raises(ProtocolRefusal, match="holds 6 numbers; the sections of the round hold 7"):
        split(SECTIONS, counts[:-1], reals)


def test_two_sections_of_one_name_are_refused():
    with pytest.raises(ProtocolRefusal, match="same analysis and name"):
        check_sections([*SECTIONS, SECTIONS[0]])


def test_the_schema_hash_covers_every_field_and_the_order():
    first, second = SECTIONS[0], SECTIONS[1]
    schemas = [
        [first, second],
        [second, first],
        [first],
        [first.model_copy(update={"analysis": "other"}), second],
        [first.model_copy(update={"name": "other"}), second],
        [first.model_copy(update={"ring": "counts"}), second],
        [first.model_copy(update={"shape": (1, 2)}), second],
    ]

    assert len(schemas) == len({schema_hash(schema) for schema in schemas})
