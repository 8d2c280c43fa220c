"""Every kind of name is checked in one place, in a sentence with a name that would do."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

import riskset_common
import riskset_embedded
import riskset_node
import riskset_server
from riskset_common.errors import InputError
from riskset_common.formats import names
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import parse_yaml, validate

RULES = (names.SITE, names.STUDY, names.VARIABLE, names.ANALYSIS)


@given(st.sampled_from(RULES), st.text(max_size=80))
def test_what_a_rule_admits_is_one_file_in_its_folder_and_one_line_of_a_file(rule, text):
    if not rule.admits(text):
        with pytest.raises(ValueError, match="is no name of") as refused:
            rule.check(text)

        assert str(refused.value).isprintable()
        return
    name = rule.check(text)

    assert Path("/folder") == Path(os.path.normpath(Path("/folder", f"{name}.key"))).parent
    assert name.isascii()
    assert name.isprintable()
    assert name.split() == [name]
    assert name.lstrip(".-=+@") == name


@given(st.sampled_from(RULES), st.text(max_size=80))
def test_what_is_proposed_is_admitted(rule, text):
    proposal = rule.proposal(text)

    assert "" == proposal or rule.check(proposal) == proposal


@pytest.mark.parametrize(
    ("name", "proposal"),
    [("Sankt Anna", "Sankt-Anna"), ("../evil", "evil"), ("Île-de-France", "Ile-de-France"),
     ("Straße 1", "Strasse-1"), ("Łódź", "Lodz"), ("北京", "")],
)  # fmt: skip
def test_a_site_gets_a_name_near_its_own(name, proposal):
    assert proposal == names.SITE.proposal(name)


class Named(StrictModel):
    """One name of every kind."""

    site: names.SiteName = "a"
    study: names.StudyName = "a"
    variables: dict[names.VariableName, str] = {}
    analysis: names.AnalysisId = "a"
    version: names.PlanVersion = "1.0.0"
    codebook: names.CodebookReference = "a@1"
    group: names.LineText = "A"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("site: Sankt Anna", "site: 'Sankt Anna' is no name of a site: files are named by it, so it has letters from A to Z"),
        ("site: Sankt Anna", "Write Sankt-Anna; the name in words belongs in study_group."),
        ("site: ..", "Choose one of these; the name in words belongs in study_group."),
        ("site: 1.5", 'Write "1.5", in quotes'),
        ("study: My study", "study: 'My study' is no name of a study: "),
        ("variables: {tumour size: x}", "variables.tumour size: 'tumour size' is no name of a variable"),
        ("variables: {tumour size: x}", "Write tumour_size; the name in words belongs in label."),
        ("analysis: km os", "Write km_os; the name in words belongs in title."),
        ("analysis: 5", 'Write "5", in quotes'),
        ("version: 1.0", "version: '1.0' is no version of a plan: it has three whole numbers with points between. Write 1.0.0."),
        ('version: "v2"', "Write 2.0.0."),
        ("version: draft", "Write 1.0.0."),
        ("codebook: infants", "Write infants@1, if that is its version."),
        ('codebook: "../x@2"', "Write x@2, if that is its version."),
        ('group: "a\\nb"', "group: 'a\\nb' is no name in words: one line"),
        ('group: ""', "group: '' is no name in words"),
        ('"gro\\nup\\e": x', "f.yaml: 'gro\\nup\\x1b': unknown key."),
    ],
)  # fmt: skip
def test_a_name_of_another_form_is_refused_in_words(text, said):
    with pytest.raises(InputError) as refused:
        validate(Named, parse_yaml(text, "f.yaml"), "f.yaml", InputError)

    assert said in str(refused.value)
    assert "pattern" not in str(refused.value)
    assert "^" not in str(refused.value)


@pytest.mark.parametrize(
    "kind", [names.SiteName, names.PlanVersion, names.CodebookReference, names.LineText]
)
@pytest.mark.parametrize("value", [True, None, ["a"], {"a": 1}])
def test_what_is_neither_text_nor_number_is_no_name(kind, value):
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


def test_a_site_and_a_group_may_be_numbers():
    assert Named(site="12", group="7") == Named.model_validate({"site": 12, "group": 7})


def test_no_model_shows_a_user_a_regular_expression():
    roots = (riskset_common, riskset_node, riskset_server, riskset_embedded)
    found = {
        path.name
        for package in roots
        for path in Path(str(package.__file__)).parent.rglob("*.py")
        if re.search(r"(Field|StringConstraints)\([^)]*pattern=", path.read_text(encoding="utf-8"))
    }

    assert set() == found
