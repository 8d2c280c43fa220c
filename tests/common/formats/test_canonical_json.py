from __future__ import annotations

import datetime
import hashlib
import math

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SerializeAsAny

from riskset_common.errors import InputError
from riskset_common.formats.canonical_json import (
    canonical_json,
    content_hash,
    parse_canonical,
    sha256_hex,
)
from riskset_common.formats.strict_yaml import InOrder

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda part: st.lists(part) | st.dictionaries(st.text("abcé€😀"), part),
    max_leaves=12,
)


class Part(BaseModel):
    name: str


class Detailed(Part):
    detail: int


class Document(BaseModel):
    from_: str = Field(alias="from")
    part: SerializeAsAny[Part]
    levels: InOrder[str] = {}
    day: datetime.date = datetime.date(2017, 12, 31)
    note: str | None = None
    numbers: tuple[float, ...] = ()
    names: frozenset[str] | None = None


def document(**changes: object) -> Document:
    return Document.model_validate({"from": "kmt2a", "part": Part(name="a")} | changes)


def test_keys_are_sorted_and_numbers_written_as_rfc_8785_does():
    value = {"b": [1.0, 1e30, 1e-7, -0.0, 333333333.33333329], "a": "é\n", "€": None}

    assert (
        '{"a":"é\\n","b":[1,1e+30,1e-7,0,333333333.3333333],"€":null}'.encode()
        == canonical_json(value)
    )


def test_a_model_is_written_with_every_field_under_the_names_of_its_yaml():
    assert (
        b'{"day":"2017-12-31","from":"kmt2a","levels":[],"names":null,"note":null,"numbers":[],"part":{"name":"a"}}'
        == canonical_json(document())
    )


def test_fields_of_a_more_detailed_part_are_hashed_too():
    hashes = {content_hash(document(part=Detailed(name="a", detail=i))) for i in range(3)}

    assert 4 == len(hashes | {content_hash(document())})


def test_the_order_of_levels_survives_and_changes_the_hash():
    levels = {"1": "one", "2": "two", "10": "ten"}
    read = Document.model_validate(parse_canonical(canonical_json(document(levels=levels))))

    assert ["1", "2", "10"] == list(read.levels)
    assert content_hash(document(levels=levels)) != content_hash(
        document(levels=dict(reversed(levels.items())))
    )


def test_hashes_are_those_of_the_bytes():
    digest = hashlib.sha256(canonical_json({"a": 1}))

    assert digest.digest() == content_hash({"a": 1})
    assert digest.hexdigest() == sha256_hex({"a": 1})


@given(JSON)
def test_the_text_is_that_of_rfc_8785_whatever_is_written(value):
    assert rfc8785.dumps(value) == canonical_json(value)


@pytest.mark.parametrize("edge", [1e-7, 1e-6, 1e-5, 1e-4, 1.0, 1e15, 1e16, 1e17, 1e21, 1e22])
def test_numbers_about_which_writers_of_json_differ_are_written_as_rfc_8785_does(edge):
    near = [math.nextafter(edge, 0.0), edge, math.nextafter(edge, math.inf), 1.5 * edge]
    values = near + [-each for each in near]

    assert rfc8785.dumps(values) == canonical_json(values)
    assert values == parse_canonical(canonical_json(values))


@given(JSON)
def test_canonical_text_reads_back_to_the_same_text(value):
    text = canonical_json(value)

    assert text == canonical_json(parse_canonical(text))


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        [1, {"a": float("inf")}],
        {"a": (1.0, float("-inf"))},
        {"a": {1, 2}},
        frozenset("ab"),
        2**53,
        {1: "a"},
        b"bytes",
        object(),
        "\ud800",
        document(numbers=(float("nan"),)),
        document(names=frozenset("ab")),
        document(names=frozenset()),
    ],
)
def test_what_has_no_single_text_is_refused(value):
    with pytest.raises(InputError):
        canonical_json(value)


def test_a_value_nested_without_end_is_refused():
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InputError):
        canonical_json(value)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b"1.0",
        b'"\\u0041"',
        b"[1,]",
        b"",
        b"\xff",
        b"NaN",
        b"1" * 5000,
        b"[" * 100_000,
        b'{"a":1}\n',
    ],
)
def test_json_that_is_not_canonical_is_not_read(text):
    with pytest.raises(InputError):
        parse_canonical(text)
