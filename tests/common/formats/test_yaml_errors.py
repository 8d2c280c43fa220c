"""Whatever a YAML file holds, an error is a `YamlError` that names the file and the line."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from riskset_common.errors import YamlError
from riskset_common.formats.strict_yaml import parse_yaml, read_yaml

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)

HOSTILE = {
    "nested 5,000 deep": "a: " + "[" * 5000 + "]" * 5000,
    "nested and never closed": "a: " + "{b: " * 5000,
    "nested by lines": "\n".join(f"{' ' * i}a:" for i in range(1500)),
    "nested keys": "? " * 3000 + "a",
    "nested lists": "- " * 3000 + "a",
    "5,000 digits": "x: 1\na: " + "9" * 5000,
    "a number beyond all": "a: 1.0e+999",
    "a tag of a day": "a: !!timestamp x",
    "a day of its own": "a: !!timestamp [1]",
    "no day": "a: 2020-02-30",
    "no zone": "a: 2020-01-01T00:00:00+99:99",
    "half a character": 'a: "\\ud800"',
    "half a character in a key": '"\\udc00": 1',
    "beyond Unicode": 'a: "\\U00110000"',
    "no escape": 'a: "\\q"',
    "NUL": "a: \x00",
    "a raw half": "a: \ud800",
    "a key twice": "b: 1\na: 1\na: 2",
    "a key twice in a flow": "b: {a: 1, a: 2}",
    "one and true": "1: a\ntrue: b",
    "its own part": "a: &x [*x]",
    "its own value": "a: &x {b: *x}",
    "its own key": "? &x [*x]\n: a",
    "no such anchor": "a: *x",
    "a thousand million": LAUGHS,
    "merged": "a: &a {b: 1}\nc:\n  <<: *a",
    "a class": "a: !!python/object/apply:os.system [ls]",
    "a set as key": "? !!set {a}\n: b",
    "bytes": "a: !!binary 'é'",
    "pairs": "a: !!pairs {a: 1}",
    "ordered": "a: !!omap [1]",
    "a null of its own": "a: !!null [1]",
    "another version": "%YAML 3.0\n---\na: 1",
    "two files": "a: 1\n---\nb: 2",
    "a tab": "a:\n\tb: 1",
    "a list": "- a",
    "a text": "a",
    "nothing": "",
    "a value tag": "a: =",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_refused_with_its_place(text):
    with pytest.raises(YamlError) as refused:
        parse_yaml(text, "f.yaml")

    assert re.match(r"f\.yaml\b.*\bline \d+", str(refused.value))
    assert len(str(refused.value)) < 400


def test_the_line_is_the_one_of_the_fault():
    with pytest.raises(YamlError, match=r"f\.yaml, line 3, column 4: a number of 5,000 digits"):
        parse_yaml("x: 1\ny: 2\na: " + "9" * 5000, "f.yaml")


PIECES = st.sampled_from(
    ["a", "b", ":", " ", "\n", "  ", "-", "- ", "[", "]", "{", "}", ",", "? ", "&x ", "*x", "!", "!!int ", "!!timestamp ", "!!set ",
     "!!binary ", "!!float ", "<<", "'", '"', "\\", "\\ud800", "\\x", "#", "|", ">", "%", "---", "...", "1", "0", "9" * 500, ".", "e+",
     "2020-01-01", "T", "+99", "yes", "null", "~", "\t", "\r", "\x00", "\x85", "\u2028", "\ufeff", "\ud800", "\U0010ffff", "=", "@", "`"]
)  # fmt: skip


def refusal(read: Callable[[], object]) -> str | None:
    """What a reader says against what it read; None where it gave a mapping that can be written again."""
    try:
        found = read()
    except YamlError as error:
        return str(error)

    assert isinstance(found, dict)
    str(found).encode()
    return None


@given(st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=80)))
@example("{" * 5000)
def test_any_text_is_a_mapping_or_a_fault_with_file_and_line(text):
    said = refusal(lambda: parse_yaml(text, "f.yaml"))

    assert said is None or re.match(r"f\.yaml\b.*\bline \d+", said, re.DOTALL)


@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.lists(PIECES, max_size=12).map(
            lambda parts: "".join(parts).encode("utf-16", "surrogatepass")
        ),
    )
)
def test_any_bytes_are_a_mapping_or_a_fault_with_file_and_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    said = refusal(lambda: read_yaml(path))

    assert said is None or (said.startswith(str(path)) and re.search(r"line \d+", said))
