"""A code in a YAML file is what stands there, or is refused: never another spelling of the same number or day."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import YamlError
from riskset_common.formats.as_written import token
from riskset_common.formats.strict_yaml import parse_yaml


@given(
    st.one_of(
        st.from_regex(r"[-+]?[0-9]{1,8}(\.[0-9]{0,4})?([eE][-+]?[0-9]{1,2})?", fullmatch=True),
        st.from_regex(r"0x[0-9A-F]{2}", fullmatch=True),
        st.dates().map(lambda day: f"{day.year:04}-{day.month}-{day.day}"),
        st.dates().map(str),
        st.datetimes().map(str),
        st.sampled_from(["true", "false", "null", "~", "yes", "no", "on", "NA", ".", "1900-01-01"]),
    )
)
def test_a_token_without_quotes_is_what_stands_there_or_refused(text):
    said = found = None
    try:
        found = token(parse_yaml(f"a: {text}", "f.yaml")["a"])
    except (YamlError, ValueError) as refused:
        said = str(refused)

    assert found == text or (said is not None and re.search("in quotes|larger than any", said))


@pytest.mark.parametrize("text", ["1900-01-01", "1900-1-1", "-9.0", "1.50", "+5", "-0", "1e3", "7"])
def test_numbers_and_dates_keep_their_digits(text):
    assert text == token(parse_yaml(f"a: {text}", "f.yaml")["a"])


@pytest.mark.parametrize("text", ["007", "0x10", "true", "null", "yes", "1900-01-01 00:00:00"])
def test_what_has_no_text_of_its_own_is_to_be_put_in_quotes(text):
    with pytest.raises((YamlError, ValueError), match="in quotes"):
        token(parse_yaml(f"a: {text}", "f.yaml")["a"])
