"""Strict YAML: one meaning for each text, and the line for the rest."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import YamlError
from riskset_common.formats.strict_yaml import parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' stands here a second time."),
        ("a: {b: 1,\n  b: 2}", "line 2, column 3: the key 'b' stands here a second time."),
        ("a:\n  - {1: x, 1: y}", "line 2, column 12: the key 1 stands here a second time."),
        ("a: yes", "line 1, column 4: unquoted yes means true or false in YAML."),
        ("a: [No]", "line 1, column 5: unquoted No means true or false in YAML."),
        ("a: on", 'unquoted on means true or false in YAML. Write "on" in quotes'),
        ("off: 1", "line 1, column 1: unquoted off means true or false in YAML."),
        ("levels: {no: No}", "line 1, column 10: unquoted no means true or false in YAML."),
        ("a: !!bool maybe", "unquoted maybe means true or false"),
        (
            "a: 012",
            'line 1, column 4: unquoted 012 is not one plain number in YAML. Write "012" in',
        ),
        ("a: -010", "unquoted -010 is not one plain number"),
        ("a: 0x1F", "unquoted 0x1F is not one plain number"),
        ("a: 0b11", "unquoted 0b11 is not one plain number"),
        ("a: 1_000", "unquoted 1_000 is not one plain number"),
        ("a: 12:30", "unquoted 12:30 is not one plain number"),
        ("a: 12:30:45.5", "unquoted 12:30:45.5 is not one plain number"),
        ("a: 1_0.5", "unquoted 1_0.5 is not one plain number"),
        ("a: .inf", "unquoted .inf is not one plain number"),
        ("a: .nan", "unquoted .nan is not one plain number"),
        ("a: !!int abc", "unquoted abc is not one plain number"),
        ("a: !!float abc", "unquoted abc is not one plain number"),
        ("a: 2017-02-30", "line 1, column 4: 2017-02-30 is no day of the calendar."),
        ("a: &base {b: 1}\nc: {<<: *base}", "line 2, column 4: merge keys (<<) are not read."),
        ("? [a, b]\n: c", "line 1, column 3: a key must be a word"),
        ("? {a: b}\n: c", "line 1, column 3: a key must be a word"),
        ("? !!set {a}\n: c", "line 1, column 3: a key must be a word"),
        ("- a\n- b", "the file must hold 'key: value' lines, but holds a list."),
        ("word", "the file must hold 'key: value' lines, but holds 'word'."),
        ("7", "the file must hold 'key: value' lines, but holds 7."),
        ("", "the file must hold 'key: value' lines, but holds nothing."),
        ("a: [1", "line 1, column 6: not YAML:"),
        ("a: b: c", "line 1, column 5: not YAML: mapping values are not allowed here."),
        ("a:\n\tb: 1", "line 2, column 1: not YAML:"),
        ("a: 1\n---\nb: 2", "line 2, column 1: not YAML: but found another document."),
        ("a: *unknown", "not YAML: found undefined alias 'unknown'."),
        ("a: \x00", "f.yaml: not YAML:"),
    ],
)
def test_what_has_two_meanings_or_none_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(YamlError) as refused:
        parse_yaml(text, "f.yaml")

    assert "f.yaml" in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "tag", ["python/object/apply:os.system", "python/name:os.system", "python/tuple"]
)
def test_no_tag_makes_an_object(tag: str) -> None:
    with pytest.raises(YamlError, match="could not determine a constructor"):
        parse_yaml(f"a: !!{tag} [echo]", "f.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"no"', "no"),
        ("'012'", "012"),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("0.5", 0.5),
        ("-.5", "-.5"),
        ("1.0e+3", 1000.0),
        ("2017-12-31", datetime.date(2017, 12, 31)),
        ("2005-004599-19", "2005-004599-19"),
        ("1.0.0", "1.0.0"),
        ("< 6", "< 6"),
        ("~", None),
        ("08", "08"),
        ("n", "n"),
        ("__import__('os').system('ls')", "__import__('os').system('ls')"),
    ],
)
def test_what_has_one_meaning_is_read(text: str, value: object) -> None:
    found = parse_yaml(f"a: {text}", "f.yaml")["a"]

    assert value == found
    assert isinstance(found, type(value))


@given(st.integers(-(10**12), 10**12) | st.decimals(-1000, 1000, places=3).map(float))
def test_plain_numbers_are_read_as_written(number: float) -> None:
    text = f"{number:d}" if isinstance(number, int) else f"{number:.3f}"

    assert {"a": number} == parse_yaml(f"a: {text}", "f.yaml")


def test_a_file_is_read_and_named(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("﻿label: Größe\n", encoding="utf-8")

    assert {"label": "Größe"} == read_yaml(path)


def test_a_file_in_another_encoding_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes("label: Größe\n".encode("cp1252"))

    with pytest.raises(
        YamlError, match=r"plan\.yaml: not UTF-8 at byte 9\. Save the file as UTF-8"
    ):
        read_yaml(path)


@pytest.mark.parametrize("name", ["absent.yaml", ""])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(YamlError, match=r"cannot be read \(.+\)\. Check the path"):
        read_yaml(tmp_path / name)
