"""Which column each variable is read from, and where node.yaml contradicts the codebook."""

from __future__ import annotations

from fractions import Fraction

import pytest

from riskset_common.errors import NodeConfigError
from riskset_node.columns import ColumnMap
from riskset_node.records.variable_columns import factor_of, variable_columns

CSV = "source: {kind: csv, path: patients.csv}"
DATES = "diagnosed: d1, remission: d2, relapse: d3, died: d4, seen: d5"


HEADER = ("pat", "diagnosed", "remission", "relapse", "died", "seen", "sex", "age", "ward")


def columns(site, sex="sex", age="age", more="", absent="{}"):
    records = f"{CSV}\ncolumns: {{{DATES}, sex: {sex}, age: {age}{more}}}\nabsent: {absent}"
    return variable_columns(site.node(records), site.codebook(), ())


def test_without_columns_every_variable_has_the_column_of_its_own_name(site):
    found = variable_columns(site.node(CSV), site.codebook(), HEADER)

    assert list(site.codebook().variables) == [each.column and each.column.column for each in found]


def test_with_columns_each_variable_has_the_column_that_is_written(site):
    assert ["d1", "d2", "d3", "d4", "d5", "geslacht", "age"] == [
        each.column and each.column.column
        for each in columns(site, sex="{from: geslacht, codes: {1: male}}")
    ]


def test_an_absent_variable_has_no_column(site):
    found = variable_columns(
        site.node(f"{CSV}\nabsent: {{relapse: not recorded}}"), site.codebook(), HEADER
    )

    assert ["relapse"] == [each.name for each in found if each.column is None]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"sex": "{from: g, codes: {1: mal}}"},
            "data.columns.sex: codes.1: 'mal' is no level. Did you mean 'male'?",
        ),
        (
            {"age": "{from: age, codes: {1: male}}"},
            "data.columns.age: codes turn codes into levels, but this is a number.",
        ),
        (
            {"sex": "{from: sex, unit: days}"},
            "unit is for a number, but this is a category.",
        ),
        (
            {"age": "{from: age, unit: mg/dL}"},
            "cannot be turned into 'months' by definition. Write factor in place of unit: how many months one mg/dL is.",
        ),
        (
            {"more": ", agee: x"},
            "data.columns.agee: no variable of the codebook. Did you mean 'age'?",
        ),
        (
            {"more": ", age_2: x"},
            "data.columns.age_2: age_2 is derived from age, and not read. Map age.",
        ),
        ({"absent": "{wbc: lost}"}, "data.absent.wbc: no variable of the codebook."),
    ],
)
def test_a_contradiction_is_told_with_its_place(site, changes, said):
    with pytest.raises(NodeConfigError) as refused:
        columns(site, **changes)

    assert said in str(refused.value)


def test_a_variable_that_a_plan_needs_must_be_mapped_or_absent(site):
    with pytest.raises(
        NodeConfigError, match=r"data\.columns: seen \(Date of last contact\) is not mapped"
    ):
        variable_columns(
            site.node(
                f"{CSV}\ncolumns: {{diagnosed: a, remission: b, relapse: c, died: d, sex: e, age: f}}"
            ),
            site.codebook(),
            (),
            needed={"seen"},
        )


def test_a_variable_that_no_plan_needs_may_stay_unmapped(site):
    node = site.node(
        f"{CSV}\ncolumns: {{diagnosed: a, remission: b, relapse: c, died: d, seen: s, sex: e}}"
    )
    columns = {each.name: each.column for each in variable_columns(node, site.codebook(), ())}

    assert columns["age"] is None


def test_a_variable_that_is_not_listed_is_read_from_the_column_of_its_name(site):
    node = site.node(f"{CSV}\ncolumns: {{diagnosed: d1, sex: g}}\nabsent: {{died: lost}}")
    header = ("sex", "age", "d1", "g", "died", "se\u200ben", "Relapse")
    found = {each.name: each for each in variable_columns(node, site.codebook(), header)}

    assert {"age": "age", "seen": "se\u200ben"} == {
        name: each.column.column for name, each in found.items() if each.by_name and each.column
    }
    assert ["remission", "relapse", "died"] == [
        name for name, each in found.items() if each.column is None
    ]
    assert "g" == (found["sex"].column and found["sex"].column.column)


def test_two_columns_of_one_name_are_not_chosen_between(site):
    node = site.node(f"{CSV}\ncolumns: {{diagnosed: d1}}")
    with pytest.raises(NodeConfigError, match=r"age .* has 2 columns of this name"):
        variable_columns(node, site.codebook(), ("age", "age ", "d1"))


def test_needed_variables_without_a_column_are_told_in_one_line(site):
    node = site.node(f"{CSV}\ncolumns: {{sex: sex}}")
    with pytest.raises(NodeConfigError) as refused:
        variable_columns(node, site.codebook(), ("sex;agee",), needed={"age", "seen"})
    told, last = str(refused.value).splitlines()

    assert "data.columns: diagnosed (" in told
    assert ", seen (" in told
    assert ", age (" in told
    assert "are not mapped, and the file has no columns of these names." in told
    assert "the file has one column only. Check how" in last


def test_a_required_variable_cannot_be_absent(site):
    with pytest.raises(
        NodeConfigError, match=r"data\.absent\.diagnosed: the codebook requires diagnosed"
    ):
        variable_columns(site.node(f"{CSV}\nabsent: {{diagnosed: lost}}"), site.codebook(), HEADER)


@pytest.mark.parametrize(
    ("written", "factor"),
    [
        ({}, Fraction(1)),
        ({"unit": "months"}, Fraction(1)),
        ({"unit": "days"}, Fraction(10000, 304375)),
        ({"factor": 0.1}, Fraction(1, 10)),
    ],
)
def test_the_factor_is_exact(site, written, factor):
    column = ColumnMap.model_validate({"from": "age"} | written)

    assert factor == factor_of(column, site.codebook().variables["age"])
