"""What plan.md says breaks a plan's signature does, and what it says does not, does not."""

from __future__ import annotations

import pytest
import yaml
from tests.system.docs.fragments import full_text
from tests.system.docs.pages import page

from riskset_common.formats.canonical_json import sha256_hex
from riskset_common.planning.read import read_plan

TEXT = full_text(page("plan.md"), "plan.yaml")

BREAKS = {
    "another title": ("Event-free survival with", "Survival with"),
    "another label": ("label: Randomised patients", "label: Patients randomised"),
    "another version": ("version: 1.0.0", "version: 1.0.1"),
    "another order of events": (
        """      death_before_remission: {date: death, before: remission}
      relapse: {date: relapse}
""",
        """      relapse: {date: relapse}
      death_before_remission: {date: death, before: remission}
""",
    ),
    "another order of a list": ("rows: [sex, age_6, wbc_300]", "rows: [age_6, sex, wbc_300]"),
    "a key taken away that changes what holds": (", primary: true}", "}"),
}

KEEPS = {
    "a comment": ("conventions: sas", "conventions: sas  # as in the protocol"),
    "blank lines": ("\nanalyses:", "\n\n\nanalyses:"),
    "quotes": (
        "title: Event-free survival with the new drug",
        'title: "Event-free survival with the new drug"',
    ),
    "a default written out": ("time: {unit: years, grid_days: 1}", "time: {unit: years}"),
    "another order of keys": ("{unit: years, grid_days: 1}", "{grid_days: 1, unit: years}"),
    "a copy written out": (
        "{copy: efs, id: os, endpoint: OS, primary: false}",
        "{id: os, kind: kaplan_meier, endpoint: OS, by: arm, at: [1, 4], test: log_rank, population: randomised}",
    ),
}


@pytest.fixture
def hash_of(tmp_path):
    """The hash that is signed, of a plan's text."""

    def hashed(text):
        path = tmp_path / "plan.yaml"
        path.write_text(text, encoding="utf-8")
        return sha256_hex(read_plan(path))

    return hashed


def changed(old, new):
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


@pytest.mark.parametrize("change", BREAKS)
def test_a_change_of_what_the_plan_says_breaks_the_signature(change, hash_of):
    assert hash_of(TEXT) != hash_of(changed(*BREAKS[change]))


@pytest.mark.parametrize("change", KEEPS)
def test_a_change_of_how_it_is_written_does_not(change, hash_of):
    assert hash_of(TEXT) == hash_of(changed(*KEEPS[change]))


def test_another_order_of_endpoints_does_not(hash_of):
    found = yaml.safe_load(TEXT)
    found["endpoints"] = dict(reversed(found["endpoints"].items()))

    assert hash_of(TEXT) == hash_of(yaml.safe_dump(found, sort_keys=False))


def test_another_order_of_analyses_does(hash_of):
    found = yaml.safe_load(TEXT)
    found["analyses"].reverse()

    assert hash_of(TEXT) != hash_of(yaml.safe_dump(found, sort_keys=False))
