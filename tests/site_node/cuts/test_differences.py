"""What differs between two states of the records, as a data manager sees it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from typer.testing import CliRunner

from riskset_common.errors import NodeConfigError
from riskset_common.study.codebook import Codebook
from riskset_common.study.patients import NO_DATE, UNKNOWN_DAY, Patients
from riskset_node.commands.riskset_node import app
from riskset_node.cuts.differences import ChangedValue, differences
from riskset_node.records.findings import LocalIds
from riskset_node.records.site_records import SiteRecords

BEFORE = """\
1,2010-01-01,,,,2012-01-01,male,5.5
2,2010-01-02,,2011-01-01,,2011-06-01,female,
3,2010-01-03,,,,2011-06-01,female,6
"""
AFTER = """\
4,2010-01-04,,,,2012-01-01,male,7
3,2010-01-03,,,,2012-06-01,female,6
2,2010-01-02,,,,2011-06-01,male,4
"""
CODEBOOK = Codebook.model_validate(
    {
        "codebook": "small",
        "version": 1,
        "variables": {
            "died": {"kind": "date", "label": "Death"},
            "sex": {"kind": "category", "label": "Sex", "levels": {"male": "M", "female": "F"}},
            "age": {"kind": "number", "label": "Age"},
        },
    }
)


@pytest.fixture
def command(site):
    def run(*words: str):
        site.codebook()
        options = ["--codebook", str(site.path / "codebook.yaml")]
        return CliRunner().invoke(app, ["data", *words, *options])

    return run


@pytest.fixture
def two(site, command):
    """A cut of the earlier records, and node.yaml of the later."""
    site.patients(BEFORE)
    site.node("source: {kind: csv, path: patients.csv}\npatient: pat\n")
    node = str(site.path / "node.yaml")
    made = command("cut", node, "--name", "first")
    assert 0 == made.exit_code, made.output
    site.patients(AFTER)
    return str(site.path / "cuts" / "first.cut"), node


def test_patients_are_new_gone_and_changed_by_variable(command, two):
    told = json.loads(command("diff", *two, "--json").stdout)
    changed = {
        variable["name"]: [tuple(value.values()) for value in variable["values"]]
        for variable in told["variables"]
    }

    assert ("dcog", [3, 3], [0, 0]) == (told["site"], told["patients"], told["without_id"])
    assert (["4"], ["1"], ["3", "2"]) == tuple(
        told[what]["local_ids"] for what in ("new", "gone", "changed")
    )
    assert {
        "relapse": [("2", "2011-01-01", "missing")],
        "seen": [("3", "2011-06-01", "2012-06-01")],
        "sex": [("2", "female", "male")],
        "age": [("2", "missing", "4")],
    } == changed


def test_the_screen_shows_values_before_and_after(command, two):
    done = command("diff", *two)
    told = " ".join(done.stdout.replace("│", " ").replace("┃", " ").split())

    assert 0 == done.exit_code
    assert "new 1: 4 gone 1: 1 changed 2: 3, 2" in told
    assert "Date of relapse (relapse) 1 2 2011-01-01 missing" in told
    assert told.endswith(
        "3 patients before, 3 after. For this site only; nothing of it is ever sent."
    )


def test_a_state_does_not_differ_from_itself(command, two):
    for one in two:
        told = json.loads(command("diff", one, one, "--json").stdout)
        assert [0, 0, 0, []] == [
            *(told[what]["count"] for what in ("new", "gone", "changed")), told["variables"]
        ]  # fmt: skip


def test_of_many_the_first_20_are_shown(site, command, two):
    site.patients("".join(f"{k},2010-01-04,,,,2012-01-01,male,7\n" for k in range(100, 150)))
    told = json.loads(command("diff", *two, "--json").stdout)
    shown = command("diff", *two).stdout

    assert (50, 20) == (told["new"]["count"], len(told["new"]["local_ids"]))
    assert "and 30 more" in shown


def test_records_with_an_error_and_other_sites_are_not_compared(site, command, two):
    cut, node = two
    site.patients("1,2010-01-01,,,,2012-01-01,m,5.5\n")
    broken = command("diff", cut, node)
    site.patients(AFTER)
    text = (site.path / "node.yaml").read_text(encoding="utf-8").replace("dcog", "aieop")
    (site.path / "node.yaml").write_text(text, encoding="utf-8")
    other = command("diff", cut, node)

    assert (1, 1) == (broken.exit_code, other.exit_code)
    assert "unmapped_code" in broken.stderr
    assert "Give two states of one site." in other.stderr


def state(rows: dict[str, tuple[int, int, float, bool]]) -> SiteRecords:
    """Records with one id, date, level, number and completed day a row."""
    died, sex, age, completed = (list(each) for each in zip(*rows.values(), strict=True))
    n = len(rows)
    patients = Patients(
        n,
        {"sex": np.array(sex, np.int64)},
        {"age": np.array(age, np.float64)},
        {"died": np.array(died, np.int64)},
        approximate={"died": np.array(completed, np.bool_)} if any(completed) else {},
    )
    names = np.array([*rows], dtype=np.object_)
    return SiteRecords(patients, LocalIds(names, np.arange(n)), (), (), (), (), ())


VALUES = st.tuples(
    st.sampled_from([NO_DATE, UNKNOWN_DAY, 0, 1]),
    st.sampled_from([-1, 0, 1]),
    st.sampled_from([float("nan"), 1.0, 1.5]),
    st.booleans(),
)
STATES = st.dictionaries(st.sampled_from("abcdefg"), VALUES, min_size=1)


@given(STATES, STATES)
@examples(50)
def test_a_difference_is_that_of_the_dictionaries(old, new):
    found = differences(state(old), state(new), CODEBOOK)

    def differs(name: str, place: int) -> bool:
        one, other = repr(old[name][place]), repr(new[name][place])
        completed = place == 0 and old[name][3] != new[name][3]
        return one != other or completed

    both = [name for name in new if name in old]
    expected = {
        variable: sum(differs(name, place) for name in both)
        for place, variable in enumerate(("died", "sex", "age"))
    }
    assert {name: n for name, n in expected.items() if n} == {
        each.name: each.patients for each in found.variables
    }
    assert ({*new} - {*old}, {*old} - {*new}) == ({*found.new.local_ids}, {*found.gone.local_ids})
    assert {n for n in both if any(differs(n, p) for p in range(3))} == {*found.changed.local_ids}


def test_an_unknown_day_and_a_completed_day_are_said():
    old = state({"1": (UNKNOWN_DAY, 0, 1.0, False), "2": (0, 0, 1.0, True)})
    new = state({"1": (NO_DATE, 0, 1.0, False), "2": (0, 0, 1.0, False)})
    (died,) = differences(old, new, CODEBOOK).variables

    assert (
        ChangedValue("1", "unknown day", "missing"),
        ChangedValue("2", "1970-01-01 (approximate)", "1970-01-01"),
    ) == died.values


def test_rows_without_an_id_are_counted_and_compared_with_nothing():
    old = state({"1": (0, 0, 1.0, False), "": (0, 0, 1.0, False)})
    new = state({"1": (0, 0, 1.0, False)})

    assert (1, 0) == differences(old, new, CODEBOOK).without_id


def test_states_without_ids_or_with_one_twice_are_refused():
    good = state({"1": (0, 0, 1.0, False), "2": (0, 0, 1.0, False)})
    rows = SiteRecords(good.patients, LocalIds(None, np.arange(2)), (), (), (), (), ())
    twice = LocalIds(np.array(["1", "1"], dtype=np.object_), np.arange(2))
    with pytest.raises(NodeConfigError, match="the second of the two names no ids"):
        differences(good, rows, CODEBOOK)
    with pytest.raises(
        NodeConfigError, match="the first of the two has patient '1' more than once"
    ):
        differences(SiteRecords(good.patients, twice, (), (), (), (), ()), good, CODEBOOK)
