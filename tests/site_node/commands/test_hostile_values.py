"""Values of a data file, and words of a codebook or a plan that somebody else wrote, do not steer the terminal of those who look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.least_study import PLAN, codebook_of
from typer.testing import CliRunner

from riskset_node.commands.riskset_node import app

STEERING = "\x1b\r\x9b\u202e\u2066\u2028\x07\x7f"

NODE = """
site: a
study_group: A
data:
  source: {kind: csv, path: patients.csv}
  patient: pat
  columns: {time: time, status: status, sex: sex}
"""

CODEBOOK = codebook_of(
    r'sex: {kind: category, label: "Se\e[31mx\u202e\n", levels: {m: "Ma\e[2Jle", f: Female}}'
)

PATIENTS = (
    "pat,time,status,sex\n"
    '"p\x1b[31m1\nerror: forged",x\x1b[31mred,alive,m\n'
    '"p\x1b[31m1\nerror: forged",2,"de\r\nad\x9b",f\n'
    "p\u202e3,3,dead,\u2066f\x07\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "node.yaml").write_text(NODE, encoding="utf-8")
    (tmp_path / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "patients.csv").write_text(PATIENTS, encoding="utf-8", newline="")
    return tmp_path


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("command", [("data", "check"), ("data", "profile")])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_what_a_data_file_holds_is_shown_as_escapes(folder, command, more):
    ended = run(*command, folder / "node.yaml", "--codebook", folder / "codebook.yaml", *more)
    shown = ended.stdout + ended.stderr

    assert 1 == ended.exit_code
    assert isinstance(ended.exception, SystemExit)
    assert not any(mark in shown for mark in STEERING)
    assert "[31mred" in shown
    assert not any(line.startswith("error: forged") for line in shown.splitlines())
    if more and ended.stdout:
        json.loads(ended.stdout)


def test_a_finding_is_one_line_whatever_its_values_are(folder):
    ended = run("data", "profile", folder / "node.yaml", "--codebook", folder / "codebook.yaml")
    head, *findings = ended.stderr.splitlines()

    assert head.startswith("error: site a: ")
    assert findings
    assert all(line.startswith(("error: ", "warning: ")) for line in findings)


@pytest.mark.parametrize(
    "header", ["pat,ti\x1b[31mme,status,sex", 'pat,"ti\nme",status,sex', "pat,time,time,\u202e"]
)
def test_a_header_does_not_steer_either(folder, header):
    (folder / "patients.csv").write_text(f"{header}\n1,2,alive,m\n", encoding="utf-8", newline="")
    ended = run("data", "check", folder / "node.yaml", "--codebook", folder / "codebook.yaml")

    assert 1 == ended.exit_code
    assert isinstance(ended.exception, SystemExit)
    assert not any(mark in ended.stdout + ended.stderr for mark in STEERING)


def test_a_plan_whose_words_steer_is_shown_as_escapes(folder):
    changed = PLAN.replace("label: Overall survival", r'label: "O\e[2J\u202eS"')
    plan = changed + r'disclosure: {released_to: ["centre\e[31m\n\u202e"]}' + "\n"
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")
    ended = run("policy", "show", folder / "node.yaml", "--plan", folder / "plan.yaml")

    assert "centre\\x1b[31m\\n\\u202e" in ended.stdout
    assert not any(mark in ended.stdout + ended.stderr for mark in STEERING)


def test_what_is_in_a_cut_and_in_a_difference_is_shown_as_escapes(folder):
    codebook = ("--codebook", folder / "codebook.yaml")
    before = 'pat,time,status,sex\n"p\x1b[31m1\nerror: forged",1,alive,m\np\u202e3,3,dead,f\n'
    after = 'pat,time,status,sex\n"p\x1b[31m1\nerror: forged",2,alive,f\np\u20664,3,dead,m\n'
    (folder / "patients.csv").write_text(before, encoding="utf-8", newline="")
    made = run("data", "cut", folder / "node.yaml", *codebook, "--name", "a")
    (folder / "patients.csv").write_text(after, encoding="utf-8", newline="")
    cut = folder / "cuts" / "a.cut"
    ended = [
        run("data", "diff", cut, folder / "node.yaml", *codebook, *more)
        for more in ([], ["--json"])
    ]
    named = run("data", "cut", folder / "node.yaml", *codebook, "--name", "a\x1b[31m\n")
    shown = "".join(each.stdout + each.stderr for each in (made, *ended, named))

    assert [0, 0, 0, 1] == [each.exit_code for each in (made, *ended, named)], shown
    assert not any(mark in shown for mark in STEERING)
    assert "[31m1" in ended[0].stdout
    assert "Se\\x1b[31mx" in ended[0].stdout
    assert not any(line.startswith("error: forged") for line in shown.splitlines())
    assert ["p\u20664"] == json.loads(ended[1].stdout)["new"]["local_ids"]
