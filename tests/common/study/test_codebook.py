"""The codebook: what it may say, in which order its levels stand, and that nothing of it is lost on the way to a site."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.study.infant_trial import CODEBOOK, codebook_yaml

from riskset_common.errors import CodebookError
from riskset_common.formats.canonical_json import canonical_json, parse_canonical, sha256_hex
from riskset_common.formats.strict_yaml import parse_yaml, validate
from riskset_common.study.codebook import Codebook, read_codebook


def codebook(variables: str, derived: str = "{}") -> Codebook:
    text = f"codebook: c\nversion: 1\nvariables: {variables}\nderived: {derived}"
    return validate(Codebook, parse_yaml(text, "c"), "c", CodebookError)


SEX = "sex: {kind: category, label: Sex, levels: {male: Male, female: Female}}"
DAY = "day: {kind: date, label: Day}"
AGE = "age: {kind: number, label: Age, unit: years}"


def test_the_codebook_of_the_trial_loads_as_it_is() -> None:
    found = read_codebook(CODEBOOK)

    assert "interfant-06@3" == found.reference
    assert 19 == len(found.variables)
    assert ("LR", "MR", "HR") == found.levels("risk_group")
    assert ("< 3", "3 to < 6", "6 to < 9", ">= 9") == found.levels("age_4")
    assert ("yes", "no") == found.levels("remission")
    assert "No CR" == found.level_label("remission", "no")
    assert "< 300" == found.level_label("wbc_300", "< 300")
    assert "KMT2A status" == found.label("kmt2a_3")
    assert ("Site", "Study group") == (found.label("site"), found.label("study_group"))


@pytest.mark.parametrize("name", ["age", "date_death", "site", "study_group", "nothing"])
def test_what_is_no_category_has_no_levels(name: str) -> None:
    assert Codebook.model_validate(codebook_yaml()).levels(name) is None


def test_whole_numbers_are_names_of_levels() -> None:
    found = codebook(
        "{ecog: {kind: category, label: ECOG, levels: {0: active, 1: restricted}}}",
        "{any: {from: ecog, label: Any, groups: {0: [0], 1: [1]}}}",
    )

    assert ("0", "1") == found.levels("ecog") == found.levels("any")


@pytest.mark.parametrize(
    ("variables", "derived", "message"),
    [
        (
            "{x: {kind: category, label: X, levels: {1: a, '1': b}}}",
            "{}",
            "variables.x.levels: the name '1' stands here a second time. Keep one of the two.",
        ),
        (
            "{x: {kind: category, label: X, levels: {}}}",
            "{}",
            "variables.x.levels: at least 1 entry is needed",
        ),
        ("{}", "{}", "variables: at least 1 entry is needed"),
        ("{1x: {kind: date, label: X}}", "{}", "variables.1x: '1x' is no name of a variable"),
        (
            "{x: {kind: number, label: X, range: [5, 5]}}",
            "{}",
            "variables.x: range must ascend, but is [5.0, 5.0].",
        ),
        (f"{{{AGE}}}", "{a: {from: age, label: A}}", "derived.a: give exactly one of groups"),
        (
            f"{{{AGE}}}",
            "{a: {from: age, label: A, cut: {x: [0, 1]}, groups: {x: [y]}}}",
            "derived.a: give exactly one of groups (for a category), cut (for a number), period (for a date),",
        ),
        (
            f"{{{AGE}}}",
            "{a: {from: age, label: A, cut: {}}}",
            "derived.a.cut: at least 1 entry is needed",
        ),
        (
            f"{{{AGE}}}",
            "{a: {from: age, label: A, cut: {x: [1, 1]}}}",
            "derived.a: cut 'x' must ascend, but is [1.0, 1.0].",
        ),
        (
            f"{{{AGE}}}",
            "{a: {from: age, label: A, cut: {x: [0, 5], y: [4, null]}}}",
            "derived.a: cut 'x' and 'y' overlap.",
        ),
        (
            f"{{{AGE}}}",
            "{a: {from: age, label: A, cut: {x: [null, 5], y: [null, 1]}}}",
            "derived.a: cut 'y' and 'x' overlap.",
        ),
        (
            f"{{{SEX}}}",
            "{a: {from: sex, label: A, groups: {x: [male], y: [male, female]}}}",
            "derived.a: groups must not overlap, but male stands in two of them.",
        ),
        (
            f"{{{SEX}}}",
            "{a: {from: sex, label: A, groups: {x: [mal]}}}",
            "derived.a: 'mal' is not a level of sex. Did you mean 'male'?",
        ),
        (
            f"{{{SEX}, {AGE}}}",
            "{a: {from: sex, label: A, cut: {x: [0, 1]}}}",
            "derived.a: cut needs a number variable, but from is 'sex'. Known: age.",
        ),
        (
            f"{{{SEX}, {AGE}}}",
            "{a: {from: sexx, label: A, groups: {x: [male]}}}",
            "derived.a: groups needs a category variable, but from is 'sexx'. Did you mean 'sex'?",
        ),
        (
            f"{{{SEX}}}",
            "{a: {from: study_group, label: A, groups: {x: [X]}}, b: {from: a, label: B, groups: {y: [x]}}}",
            "derived.b: groups needs a category variable, but from is 'a'. Known: sex.",
        ),
        (
            f"{{{SEX}, {DAY}}}",
            "{a: {from: day, label: A, cut: {x: [0, 1]}}}",
            "derived.a: cut needs a number variable, but from is 'day'.",
        ),
        (
            f"{{{AGE}, {DAY}}}",
            "{a: {from: age, since: day, label: A, cut: {x: [0, 1]}}}",
            "derived.a: cut needs a date variable, but from is 'age'. Known: day.",
        ),
        (
            f"{{{DAY}}}",
            "{a: {from: day, since: dya, label: A, cut: {x: [0, 1]}}}",
            "derived.a: since needs a date variable, but it is 'dya'. Did you mean 'day'?",
        ),
        (
            f"{{{AGE}}}",
            "{a: {from: age, label: A, period: {x: [2010-01-01, 2011-01-01]}}}",
            "derived.a: period needs a date variable, but from is 'age'.",
        ),
        (
            f"{{{DAY}}}",
            "{a: {from: day, label: A, period: {x: [2010-01-01, 2012-01-01], y: [2011-01-01, null]}}}",
            "derived.a: cut 'x' and 'y' overlap.",
        ),
        (
            f"{{{SEX}}}",
            "{a: {from: sex, label: A, rules: {x: {sex: [male]}}}}",
            "derived.a: rules: from does not go with it.",
        ),
        (
            f"{{{SEX}}}",
            "{a: {label: A, groups: {x: [male]}}}",
            "derived.a: groups: from is missing.",
        ),
        (
            f"{{{SEX}}}",
            "{a: {label: A, otherwise: y, rules: {x: {sex: [male]}}}}",
            "derived.a: otherwise belongs to first_of, not to rules.",
        ),
        (
            f"{{{SEX}, {DAY}}}",
            "{a: {from: sex, since: day, label: A, groups: {x: [male]}}}",
            "derived.a: since belongs to cut, not to groups.",
        ),
        (
            f"{{{DAY}}}",
            "{a: {label: A, otherwise: x, first_of: {x: {date: day}}}}",
            "derived.a: otherwise: 'x' is the level of an event too.",
        ),
        (
            f"{{{DAY}}}",
            "{a: {label: A, first_of: {x: {date: day, before: day, after: day}}}}",
            "derived.a.first_of.x: give before or after, not both.",
        ),
        (
            f"{{{DAY}}}",
            "{a: {label: A, first_of: {x: {date: day, after: age}}}}",
            "derived.a: first_of needs a date variable, but one is 'age'. Known: day.",
        ),
        (
            f"{{{SEX}, {AGE}}}",
            "{a: {label: A, rules: {x: {sex: [mal]}}}}",
            "derived.a: 'mal' is not a level of sex. Did you mean 'male'?",
        ),
        (
            f"{{{SEX}, {AGE}}}",
            "{a: {label: A, rules: {x: [{sex: [male]}, {age: [1]}]}}}",
            "derived.a: a condition needs a category, but one is 'age'.",
        ),
        (
            f"{{{SEX}}}",
            "{a: {label: A, rules: {x: {study_group: [X]}}}}",
            "derived.a: a condition needs a category, but one is 'study_group'.",
        ),
        (
            f"{{{SEX}}}",
            "{a: {label: A, rules: {male: {sex: [male]}}, recorded: sex}}",
            "derived.a: recorded: 'female' is a level of sex, but not of this variable.",
        ),
        (f"{{site: {{kind: date, label: X}}, {AGE}}}", "{}", "variables.site: built in"),
        (
            f"{{{SEX}}}",
            "{study_group: {from: sex, label: A, groups: {x: [male]}}}",
            "derived.study_group: built in",
        ),
        (
            f"{{{SEX}}}",
            "{sex: {from: sex, label: A, groups: {x: [male]}}}",
            "derived.sex: a variable has",
        ),
    ],
)
def test_a_codebook_that_contradicts_itself_is_refused(
    variables: str, derived: str, message: str
) -> None:
    with pytest.raises(CodebookError) as refused:
        codebook(variables, derived)

    assert [f"c: {message}"] == [
        line[: len(message) + 3] for line in str(refused.value).splitlines()
    ]


def test_every_contradiction_is_told() -> None:
    with pytest.raises(CodebookError) as refused:
        codebook(
            f"{{{SEX}, {AGE}}}",
            "{a: {from: sex, label: A, groups: {x: [mal], y: [femal]}}, b: {from: ag, label: B, cut: {x: [0, 1]}}}",
        )

    assert [
        "c: derived.a: 'mal' is not a level of sex. Did you mean 'male'?",
        "c: derived.a: 'femal' is not a level of sex. Did you mean 'female'?",
        "c: derived.b: cut needs a number variable, but from is 'ag'. Did you mean 'age'?",
    ] == str(refused.value).splitlines()


def test_variables_that_are_made_of_each_other_are_refused() -> None:
    with pytest.raises(
        CodebookError,
        match=r"c: derived: (a|b) is made of (a|b) is made of (a|b), which is a circle",
    ):
        codebook(
            f"{{{SEX}}}",
            "{a: {label: A, rules: {x: {b: [y]}}}, b: {label: B, rules: {y: {a: [x]}}}}",
        )


def test_what_is_behind_a_derived_variable_is_what_sites_have_columns_for() -> None:
    found = codebook(
        f"{{{SEX}, {AGE}, {DAY}}}",
        "{old: {from: age, label: Old, cut: {x: [60, null]}}, a: {label: A, rules: {x: {old: [x], sex: [male]}}},"
        " b: {label: B, first_of: {y: {date: day, where: {a: [x]}}}, otherwise: none}}",
    )

    assert {"age", "sex", "day"} == found.behind("b")
    assert ("old", "a", "b") == found.derivation_order()
    assert ("y", "none") == found.levels("b")


def test_study_groups_may_be_joined_before_it_is_known_who_takes_part() -> None:
    found = codebook(
        f"{{{SEX}}}", "{region: {from: study_group, label: R, groups: {a: [X], b: [Y]}}}"
    )

    assert ("a", "b") == found.levels("region")


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(
    levels=st.dictionaries(words, words, min_size=1, max_size=6),
    bounds=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=5, unique=True),
    order=st.randoms(use_true_random=False),
)
def test_a_codebook_comes_through_canonical_json_with_its_orders(
    levels: dict[str, str], bounds: list[float], order: Any
) -> None:
    low, *edges = sorted(bounds)
    cuts = [[f"to {high}", [low, high]] for low, high in zip([low, *edges], edges, strict=False)]
    order.shuffle(cuts)
    groups = [[f"group {level}", [level]] for level in levels]
    order.shuffle(groups)
    found = Codebook.model_validate(
        {
            "codebook": "c",
            "version": 1,
            "variables": {
                "x": {"kind": "category", "label": "X", "levels": levels},
                "y": {"kind": "number", "label": "Y"},
            },
            "derived": {
                "cut": {"from": "y", "label": "Y", "cut": cuts},
                "joined": {"from": "x", "label": "X", "groups": groups},
            },
        }
    )
    text = canonical_json(found)
    back = Codebook.model_validate(parse_canonical(text))

    assert found == back == Codebook.model_validate_json(text)
    assert text == canonical_json(back)
    assert tuple(levels) == back.levels("x")
    assert tuple(level for level, _ in cuts) == back.levels("cut")
    assert tuple(level for level, _ in groups) == back.levels("joined")


@pytest.mark.parametrize(
    ("section", "name", "key"),
    [
        ("variables", "risk_group", "levels"),
        ("derived", "age_4", "cut"),
        ("derived", "cd10", "groups"),
    ],
)
def test_another_order_of_the_levels_is_another_codebook(section: str, name: str, key: str) -> None:
    turned = codebook_yaml()
    turned[section][name][key] = dict(reversed(turned[section][name][key].items()))

    assert sha256_hex(Codebook.model_validate(codebook_yaml())) != sha256_hex(
        Codebook.model_validate(turned)
    )


def test_another_order_of_the_variables_is_the_same_codebook() -> None:
    turned = codebook_yaml()
    turned["variables"] = dict(reversed(turned["variables"].items()))

    assert sha256_hex(Codebook.model_validate(codebook_yaml())) == sha256_hex(
        Codebook.model_validate(turned)
    )


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("typical: [60, 5]", r"typical must ascend, but is \[60.0, 5.0\]"),
        ("typical: [5, 5]", "typical must ascend"),
        ("range: [10, 50], typical: [5, 40]", r"typical must lie inside range \[10.0, 50.0\]"),
        ("range: [10, 50], typical: [15, 60]", "typical must lie inside range"),
    ],
)
def test_typical_ascends_and_lies_inside_the_range(limits: str, said: str) -> None:
    with pytest.raises(CodebookError, match=said):
        codebook(f"{{size: {{kind: number, label: Size, {limits}}}}}")


def test_a_codebook_without_typical_has_the_hash_that_it_had_before_there_was_the_key() -> None:
    plain = "age: {kind: number, label: Age, unit: months, range: [0, 12]}"
    found = codebook(f"{{{plain}, wbc: {{kind: number, label: WBC}}}}").model_copy(
        update={"codebook": "s"}
    )

    assert "6a89a726f72c9802e631ada41a3dbee40efc6af68675d05b644d5be8936618b1" == sha256_hex(found)


def test_typical_is_part_of_what_sites_agree_on() -> None:
    plain = codebook("{size: {kind: number, label: Size}}")
    typical = codebook("{size: {kind: number, label: Size, typical: [5, 60]}}")

    assert canonical_json(plain) != canonical_json(typical)
    assert typical == Codebook.model_validate(parse_canonical(canonical_json(typical)))


def test_a_codebook_of_many_layers_is_followed_at_once() -> None:
    """Each is made of the two before it: there are more ways down than anybody can go, and more layers than calls within calls."""
    first = "first: {from: sex, label: First, groups: {a: [male], b: [female]}}"
    names = ["first", "first", *(f"d{k}" for k in range(1100))]
    layers = (
        f"d{k}: {{label: D, rules: {{a: [{{{names[k]}: [a]}}, {{{names[k + 1]}: [a]}}]}}}}"
        for k in range(1100)
    )
    found = codebook(f"{{{SEX}}}", f"{{{', '.join([first, *layers])}}}")

    assert {"sex"} == found.behind("d1099")
