"""What a draft writes is read back by the strict reader as it was meant, whatever the names in a file are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.formats.strict_yaml import parse_yaml
from riskset_node.drafting.likeness import LabelParts, likeness
from riskset_node.drafting.settings import Proposal, VariableDraft
from riskset_node.drafting.writing import data_section

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(name=TEXTS, code=TEXTS, why=TEXTS, unused=TEXTS)
def test_names_codes_and_reasons_of_any_letters_are_read_back(name, code, why, unused):
    column = VariableDraft(Proposal(name, why), {}, {code: Proposal("male", why)}, why)
    text = data_section(
        {"path": Proposal(name, why)}, Proposal(name, why), {"sex": column}, [unused]
    )
    read = parse_yaml(text, "draft")["data"]

    assert {
        "source": {"path": name},
        "patient": name,
        "columns": {"sex": {"from": name, "codes": {code: "male"}}},
    } == read


@pytest.mark.parametrize(
    "word", ["no", "Yes", "null", "1", "012", "1e5", "2010-01-01", "a: b", "a #b", "-", "?", "~", "=", "<<", "Nan", "a "]
)  # fmt: skip
def test_words_that_yaml_takes_for_something_else_are_quoted(word):
    text = data_section({}, Proposal(word), {"sex": VariableDraft(Proposal(word))}, [])

    assert word == parse_yaml(text, "draft")["data"]["patient"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("label", "unit", "units", "name"),
    [
        ("Leukocytes (10^9/L)", "G/L", ("10^9/L",), "Leukocytes"),
        ("Age, weeks", "months", ("weeks",), "Age"),
        ("Age [months] at diagnosis", "months", ("months",), "Age  at diagnosis"),
        ("MRD (low, high)", "months", (), "MRD"),
        ("Age in weeks", "months", (), "Age in weeks"),
        ("", "months", (), ""),
    ],
)
def test_a_unit_is_one_that_the_label_sets_apart(label, unit, units, name):
    parts = LabelParts.of(label)

    assert (units, name) == (parts.units(unit), parts.name)


@pytest.mark.parametrize(
    ("one", "other", "is_alike"),
    [
        ("Diagnosedatum", "diagnosis", True),
        ("date_rémission", "remission", True),
        ("cd10", "cd20", False),
        ("", "sex", False),
    ],
)
def test_names_are_alike_by_their_letters_and_with_other_numbers_never(one, other, is_alike):
    assert is_alike == (likeness(one, other) >= 0.6)
