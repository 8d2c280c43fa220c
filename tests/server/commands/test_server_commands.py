"""The commands of the centre: check, sign, key; what they print, how they end, and what they do not import."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.least_study import codebook_of, plan_of
from typer.testing import CliRunner

from riskset_common.consortium.roster import Member, Roster
from riskset_common.consortium.roster_file import write_roster
from riskset_common.errors import PlanError
from riskset_common.planning.read import read_plan
from riskset_common.primitives.signing import Identity, fingerprint, read_identity
from riskset_server.commands.riskset import app
from riskset_server.plans.outline import outline, outline_text
from riskset_server.plans.signed_plan import PlanSignature
from riskset_server.plans.submitted import submitted

CODEBOOK = codebook_of(
    "age:    {kind: number, label: Age, unit: years}",
    "sex:    {kind: category, label: Sex, levels: {male: Male, female: Female}}",
    derived='age_65: {from: age, label: Age, cut: {"< 65": [0, 65], ">= 65": [65, 120]}}',
)

PLAN = plan_of(
    "{id: table1, kind: baseline, rows: [age_65]}",
    "{id: os, kind: kaplan_meier, endpoint: OS, primary: true, planned: post_hoc}",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    return tmp_path


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def check(folder: Path, *more: str):
    return run("plan", "check", folder / "plan.yaml", "--codebook", folder / "codebook.yaml", *more)


def sign(folder: Path, key: Path):
    files = folder / "plan.yaml", "--codebook", folder / "codebook.yaml"
    return run("plan", "sign", *files, "--key", key)


def test_an_outline_says_what_is_read_and_becomes_known(folder: Path) -> None:
    found = outline(folder / "plan.yaml", folder / "codebook.yaml")

    assert ["age", "status", "time"] == found["reads"]
    assert "rounded" == found["release"]
    assert ["table1", "os"] == [analysis["id"] for analysis in found["analyses"]]
    assert [None, "OS"] == [analysis["endpoint"] for analysis in found["analyses"]]
    text = outline_text(found)
    assert (
        "os: kaplan_meier of OS (primary, post hoc)\n    is computed on shares, by a committee of sites\n"
        in text
    )
    assert "table1: baseline\n" in text
    assert "becomes known, beside the results:\n- powers of two of" in text
    assert "- after time time: on which days some event of OS falls" in text
    assert text.endswith("The plan fits the codebook.")


def test_an_outline_of_exact_results_says_which_sums_are_opened(folder: Path) -> None:
    change(folder, "", EXACT)
    found = outline(folder / "plan.yaml", folder / "codebook.yaml")

    assert [] == found["public"]
    assert (
        "os: kaplan_meier of OS (primary, post hoc)\n    opens, summed over the sites:\n    - patients with"
        in outline_text(found)
    )


MODELS = (
    "  - {id: blind, kind: cox, endpoint: OS, terms: [{factor: sex, reference: male}]}\n"
    "  - {id: own, kind: cox, endpoint: OS, terms: [{factor: sex, reference: male}], strata: [site]}\n"
)
NAMED = "secure: {blind: {candidates: [s01, s02, s13, s14]}}"
EXACT = "disclosure: {release: exact}"


def change(folder: Path, analyses: str, secure: str = "", derived: str = "") -> None:
    (folder / "plan.yaml").write_text(PLAN + analyses + secure + "\n", encoding="utf-8")
    (folder / "codebook.yaml").write_text(f"{CODEBOOK}\n{derived}", encoding="utf-8")


def roster_of(folder: Path, groups: dict[str, int]) -> Path:
    """A roster of sites s01, s02, ... of so many in each study group."""
    names = [group for group, n_sites in groups.items() for _ in range(n_sites)]
    sites = [
        {"site_id": k, "name": f"s{k:02}", "study_group": group}
        | {"public": Identity.from_random(bytes([k]) * 32).public_text}
        for k, group in enumerate(names, 1)
    ]
    path = folder / "roster.yaml"
    path.write_text(yaml.safe_dump({"roster": 1, "sites": sites}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("secure", "serving"),
    [
        ("", "who serves follows from plan, codebook and sites; --roster says who"),
        (NAMED, "the first of s01, s02, s13, s14 that take part serve"),
    ],
)
def test_an_outline_says_who_computes_a_blind_model(
    folder: Path, secure: str, serving: str
) -> None:
    change(folder, MODELS, f"{secure}\n{EXACT}")
    found = outline(folder / "plan.yaml", folder / "codebook.yaml")
    text = outline_text(found)

    assert [False, False, True, False] == [each["blind"] for each in found["analyses"]]
    assert 1 == text.count("    is computed on shares, by a committee of sites\n")
    assert f"\non shares: {serving}\n" in text


def test_an_outline_for_the_sites_of_a_roster_says_who_may_be_lost_and_who_serves(
    folder: Path,
) -> None:
    region = "  region: {from: study_group, label: Region, groups: {Original: [A], Other: [B]}}\n"
    by_region = "  - {id: os_region, kind: kaplan_meier, endpoint: OS, by: region}\n"
    change(folder, MODELS + by_region, NAMED, region)
    shown = check(folder, "--roster", str(roster_of(folder, {"A": 12, "B": 6}))).stdout

    assert "- all has 18 sites, 13 needed: 5 may be lost\n" in shown
    assert "- region: Original has 12 sites, 5 needed: 5 may be lost\n" in shown
    assert "- region: Other has 6 sites, 5 needed: 1 may be lost\n" in shown
    assert "on shares: s01, s02, s13 would serve, if all sites take part\n" in shown
    assert "warning: s01 and s02, who would compute on shares, are of one study group, A." in shown


def test_a_part_without_slack_and_a_part_that_is_too_small(folder: Path) -> None:
    region = "  region: {from: study_group, label: Region, groups: {Original: [A], Other: [B]}}\n"
    change(
        folder, "  - {id: os_region, kind: kaplan_meier, endpoint: OS, by: region}\n", "", region
    )
    least = check(folder, "--roster", str(roster_of(folder, {"A": 12, "B": 5})))
    fewer = check(folder, "--roster", str(roster_of(folder, {"A": 12, "B": 2})))

    assert "- region: Other has 5 sites, 5 needed: none may be lost\n" in least.stdout
    assert 1 == fewer.exit_code
    assert (
        "analysis os_region: region would show the numbers of 2 sites (region: Other: s13, s14)"
        in fewer.stderr
    )


def test_a_candidate_that_is_in_no_roster_is_told(folder: Path) -> None:
    change(folder, MODELS, "secure: {blind: {candidates: [s01, s02, s03, s99]}}")
    ended = check(folder, "--roster", str(roster_of(folder, {"A": 6})))

    assert 1 == ended.exit_code
    assert (
        "secure.blind.candidates: 's99' is no site of roster version 1. Known: s01" in ended.stderr
    )


def test_a_plan_is_written_without_some_of_its_analyses(folder: Path) -> None:
    displays = """displays:
  - {table: T1, of: [table1, os]}
  - {figure: F1, panels: [{of: os}, {of: copied}]}
  - {figure: F2, of: os}
"""
    change(folder, "  - {copy: os, id: copied, at: [100]}\n", displays)
    ended = run("plan", "without", folder / "plan.yaml", "os")
    path = folder / "plan-2.yaml"
    path.write_text(ended.stdout, encoding="utf-8")
    before, after = read_plan(folder / "plan.yaml"), read_plan(path)

    assert 0 == ended.exit_code
    assert ("1.0.0", "1.0.1") == (before.version, after.version)
    assert (before.analyses[0], before.analyses[2]) == after.analyses
    assert {"T1": ["table1"], "F1": ["copied"]} == {
        display.name: [name for panel in display.shows for name in panel.of]
        for display in after.displays
    }
    assert before.endpoints == after.endpoints


@pytest.mark.parametrize("title", ["Überleben", "a\u200eb"])
def test_a_plan_without_an_analysis_keeps_every_letter(folder: Path, title: str) -> None:
    path = folder / "plan.yaml"
    path.write_text(f"title: {title}\n{PLAN.lstrip()}", encoding="utf-8")
    (folder / "plan-2.yaml").write_text(run("plan", "without", path, "os").stdout, "utf-8")

    assert title == read_plan(path).title == read_plan(folder / "plan-2.yaml").title


@pytest.mark.parametrize(
    ("left_out", "said"),
    [(["oss"], "'oss' is no analysis. Did you mean 'os'?"), (["os", "table1"], "no analysis would be left")],
)  # fmt: skip
def test_what_cannot_be_left_out_is_told(folder: Path, left_out: list[str], said: str) -> None:
    ended = run("plan", "without", folder / "plan.yaml", *left_out)

    assert (1, "") == (ended.exit_code, ended.stdout)
    assert said in ended.stderr


def test_check_prints_the_outline_and_as_json_the_same(folder: Path) -> None:
    text, listing = check(folder), check(folder, "--json")

    assert 0 == text.exit_code == listing.exit_code
    assert outline(folder / "plan.yaml", folder / "codebook.yaml") == json.loads(listing.stdout)
    assert json.loads(listing.stdout)["sha256"] in text.stdout


def test_check_tells_every_problem_of_a_plan_at_once(folder: Path) -> None:
    path = folder / "plan.yaml"
    path.write_text(
        PLAN.replace("age_65", "age_66").replace("variable: status", "variable: state"), "utf-8"
    )
    ended = check(folder)

    assert 1 == ended.exit_code
    assert "" == ended.stdout
    assert f"{path}: analysis table1: 'age_66' is not in the codebook. Known: age_65, sex" in (
        ended.stderr
    )
    assert "endpoints.OS: 'state' is not in the codebook. Did you mean 'status'?" in ended.stderr


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "centre.key"
    made = run("key", "new", path)
    key = path.read_bytes()
    again = run("key", "new", path)

    assert 0 == made.exit_code
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert read_identity(path).public_text in made.stdout
    assert fingerprint(read_identity(path).public) in made.stdout
    assert 1 == again.exit_code
    assert "a lost key cannot be made again" in again.stderr
    assert key == path.read_bytes()


def test_a_key_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    ended = run("key", "new", tmp_path / "no folder" / "centre.key")

    assert 1 == ended.exit_code
    assert "centre.key: cannot be written (No such file or directory)" in ended.stderr


def test_sign_writes_the_signature_beside_the_plan(folder: Path) -> None:
    run("key", "new", folder / "centre.key")
    ended = sign(folder, folder / "centre.key")
    signed = PlanSignature.model_validate_json((folder / "plan.yaml.sig").read_text("utf-8"))

    assert 0 == ended.exit_code
    assert f"small-main 1.0.0 sha256 {signed.plan_sha256}" in ended.stdout
    assert read_identity(folder / "centre.key").public_text == signed.public_key


def test_a_plan_that_does_not_fit_its_codebook_is_not_signed(folder: Path) -> None:
    run("key", "new", folder / "centre.key")
    (folder / "plan.yaml").write_text(PLAN.replace("age_65", "age_66"), encoding="utf-8")
    ended = sign(folder, folder / "centre.key")

    assert 1 == ended.exit_code
    assert not (folder / "plan.yaml.sig").exists()


def test_a_plan_whose_displays_cannot_be_made_is_not_signed(folder: Path) -> None:
    run("key", "new", folder / "centre.key")
    shown = "displays:\n  - {figure: F, of: table1}\n"
    (folder / "plan.yaml").write_text(PLAN + shown, encoding="utf-8")
    ended = sign(folder, folder / "centre.key")

    assert 1 == ended.exit_code
    assert "figure 'F' shows table1: no figure shows a baseline" in ended.stderr
    assert not (folder / "plan.yaml.sig").exists()


def test_a_plan_whose_displays_cannot_be_made_does_not_start_a_run(folder: Path) -> None:
    plan = folder / "plan.yaml"
    plan.write_text(PLAN + "displays:\n  - {figure: F, of: table1}\n", encoding="utf-8")
    with pytest.raises(PlanError, match="figure 'F' shows table1: no figure shows a baseline"):
        submitted(plan, folder / "codebook.yaml")


def test_a_plan_that_changed_after_signing_is_checked_when_it_is_signed_again(folder: Path) -> None:
    run("key", "new", folder / "centre.key")
    sign(folder, folder / "centre.key")
    changed = PLAN.replace("version: 1.0.0", "version: 1.0.1")
    (folder / "plan.yaml").write_text(changed, encoding="utf-8")
    checked = check(folder)
    sign(folder, folder / "centre.key")

    assert 3 == checked.exit_code
    assert "plan.yaml.sig: the plan (signed " in checked.stderr
    assert 0 == check(folder).exit_code


def test_a_key_file_that_is_none_is_named(folder: Path) -> None:
    (folder / "centre.key").write_text("no key", encoding="utf-8")
    ended = sign(folder, folder / "centre.key")

    assert 1 == ended.exit_code
    assert f"{folder / 'centre.key'}: The identity key cannot be read" in ended.stderr
    assert not (folder / "plan.yaml.sig").exists()


def test_a_signature_that_cannot_be_written_is_told(folder: Path) -> None:
    (folder / "centre.key").write_bytes(Identity.from_random(b"c" * 32).to_pem())
    (folder / "plan.yaml.sig").mkdir()
    ended = sign(folder, folder / "centre.key")

    assert 1 == ended.exit_code
    assert "plan.yaml.sig: cannot be written (Is a directory)" in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "check"],
        ["plan", "check", "absent.yaml", "--codebook", "absent.yaml"],
        ["plan", "chekc"],
        ["plan", "sign", "absent.yaml"],
        ["--unknown"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert 2 == run(*arguments).exit_code


def test_version_is_printed() -> None:
    ended = run("--version")

    assert 0 == ended.exit_code
    assert ended.stdout.startswith("riskset ")


@pytest.mark.parametrize(
    "module",
    [
        "riskset_server.commands.riskset",
        "riskset_node.commands.riskset_node",
        "riskset_embedded.commands",
    ],
)
def test_a_command_imports_nothing_heavy_before_it_runs(module: str) -> None:
    heavy = ["numpy", "flwr", "matplotlib", "scipy", "pydantic", "cryptography", "jinja2", "yaml"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert "[]\n" == ended.stdout


def test_help_through_the_command_itself_names_the_engines_commands() -> None:
    code = "from riskset_server.commands.riskset import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert all(name in ended.stdout for name in ("plan", "key", "run", "demo"))


@pytest.mark.parametrize(("member", "code"), [("c", 0), ("d", 1)])
def test_the_committee_is_checked_where_the_roster_is_given(folder, member, code) -> None:
    members = tuple(
        Member(site_id=n, name=name, study_group=name, public=bytes([n]) * 32)
        for n, name in enumerate("abc", 1)
    )
    write_roster(Roster(version=1, members=members), folder / "roster.yaml")
    secure = f"secure: {{committee: [a, b, {member}], minimum_sites: 3}}\n"
    (folder / "plan.yaml").write_text(PLAN + secure, encoding="utf-8")
    ended = check(folder, "--roster", str(folder / "roster.yaml"))

    assert code == ended.exit_code
    assert ("'d' is no site of roster version 1" in ended.stderr) == bool(code)
