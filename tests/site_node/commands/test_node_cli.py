"""The command of a site, as a data manager runs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from riskset_node.commands.riskset_node import app

CLEAN = (
    "1,2010-01-01,2010-02-01,,,2012-01-01,male,5.5\n2,2010-01-02,,2011-01-01,,2011-06-01,female,\n"
)
BAD = "114,2010-01-01,,2009-05-01,,2012-01-01,7,5.5\n201,2010-01-02,,,,,[red]7[/red],\n"


@pytest.fixture
def run(site):
    """Run a command in the folder of a site with this file; NODE, CODEBOOK and PLAN stand for its files."""

    def command(line, rows=CLEAN, records="", more=""):
        site.patients(rows)
        site.node(f"source: {{kind: csv, path: patients.csv}}\npatient: pat\n{records}", more)
        site.study()
        files = {"NODE": "node.yaml", "CODEBOOK": "codebook.yaml", "PLAN": "plan.yaml"}
        words = [str(site.path / files[word]) if word in files else word for word in line.split()]
        return CliRunner().invoke(app, words)

    return command


def test_clean_records_end_with_0_and_a_line_that_sums_up(run):
    done = run("data check NODE --codebook CODEBOOK --plan PLAN")

    assert 0 == done.exit_code
    assert [
        "Read from the column of the same name, because node.yaml does not list them: all variables.",
        "dcog: 2 patients; read 8 of 8 columns; 0 errors, 0 warnings.",
    ] == done.stdout.splitlines()


def test_findings_end_with_1_and_are_told_with_ids_values_and_advice(run):
    done = run("data check NODE --codebook CODEBOOK --plan PLAN", BAD)
    told = " ".join(done.stdout.replace("│", " ").split())

    assert 1 == done.exit_code
    assert "sex holds values that are no level: '7', '[red]7[/red]' (2 rows" in told
    assert "relapse lies before diagnosed (1 row, patient 114)." in told
    assert "Correct one of the two dates." in told
    assert "2 errors, 0 warnings." in told


def test_a_plan_whose_committee_is_of_other_sites_is_checked_by_any_site(site, run):
    committee = "secure: {blind: {candidates: [bristol, memphis, padua]}}\n"
    model = "  - {id: cox, kind: cox, endpoint: EFS, terms: [{factor: sex, reference: male}]}\n"
    plan = site.write("blind.yaml", site.PLAN + model + committee)
    done = run(f"data check NODE --codebook CODEBOOK --plan {plan}")

    assert (0, "") == (done.exit_code, done.stderr)


def test_without_a_plan_endpoints_are_not_looked_at(run):
    assert "relapse" not in run("data check NODE --codebook CODEBOOK", BAD).stdout


def test_warnings_alone_end_with_0(run):
    done = run("data check NODE --codebook CODEBOOK", BAD, "accept: [unmapped_code]")

    assert 0 == done.exit_code
    assert "0 errors, 1 warning." in done.stdout


def test_findings_as_json_hold_everything_and_end_the_same(run):
    done = run("data check NODE --codebook CODEBOOK --plan PLAN --json", BAD)
    told = json.loads(done.stdout)

    assert 1 == done.exit_code
    assert ("dcog", 2, []) == (told["site"], told["patients"], told["columns_not_read"])
    assert [("unmapped_code", ["114", "201"]), ("reversed_dates", ["114"])] == [
        (finding["kind"], finding["local_ids"]) for finding in told["findings"]
    ]


def test_a_profile_shows_counts_and_says_that_it_stays(run):
    done = run("data profile NODE --codebook CODEBOOK")
    told = " ".join(done.stdout.replace("│", " ").split())

    assert 0 == done.exit_code
    assert "Sex (sex) male 1 50.0 female 1 50.0" in told
    assert "Age, months (age) median 5.5 (5.5 to 5.5) 1 missing 1" in told
    assert "2010-01-01 to 2010-01-02 2" in told
    assert "nothing of it is ever sent" in told


def test_a_profile_as_json_has_every_variable(run):
    told = json.loads(run("data profile NODE --codebook CODEBOOK --json").stdout)
    rows = {row["name"]: row for row in told["variables"]}

    assert {"male": 1, "female": 1} == rows["sex"]["counts"]
    assert ["2010-01-01", "2010-01-02"] == rows["diagnosed"]["days"]


def test_a_profile_of_unusable_records_is_refused_with_the_findings(run):
    done = run("data profile NODE --codebook CODEBOOK", BAD)

    assert (1, "") == (done.exit_code, done.stdout)
    assert "error: site dcog: the patient records cannot be used as they are." in done.stderr
    assert "unmapped_code" in done.stderr


def test_a_policy_is_shown_with_what_the_consortium_says_and_what_holds(run):
    done = run(
        "policy show NODE --plan PLAN",
        more="policy: {minimum_patients: 10, minimum_cell: 3}",
    )
    told = [" ".join(line.split()) for line in done.stdout.replace("│", " ").splitlines()]

    assert 0 == done.exit_code
    assert "minimum_patients 10 10 10" in told
    assert "minimum_cell 5 3 5" in told
    assert "aggregation secure secure secure" in told
    assert "expires - - -" in told
    assert "results: to be given to: centre, by people" in told
    assert not any("would be refused here" in line for line in told)


def test_a_plan_that_would_be_refused_is_said_to_be_with_every_reason(run):
    done = run(
        "policy show NODE --plan PLAN",
        more="policy: {minimum_patients: 12, estimators: [cox], expires: 2020-01-31}",
    )
    said = " ".join(done.stdout.split("This plan would be refused here: ")[1].split())

    assert 3 == done.exit_code
    for reason in ("policy.minimum_patients: the plan says 10", "asks for log_rank", "expires"):
        assert reason in said


@pytest.mark.parametrize("written", ["[cox, fine_grey]", "{also: [fine_grey]}"])
def test_a_name_that_no_plan_can_ask_for_is_told_with_the_nearest(site, written):
    node = f"site: dcog\nstudy_group: NOPHO\ndata: {{source: {{kind: csv, path: p.csv}}}}\npolicy: {{estimators: {written}}}\n"
    done = CliRunner().invoke(app, ["policy", "show", str(site.write("node.yaml", node))])

    assert (1, "") == (done.exit_code, done.stdout)
    assert "policy.estimators" in done.stderr
    assert "Did you mean 'fine_gray'?" in done.stderr


def test_also_adds_to_the_defaults_and_is_shown_with_them(run):
    done = run("policy show NODE --json", more="policy: {estimators: {also: [cox]}}")

    assert ["kaplan_meier", "fine_gray"] == [
        json.loads(done.stdout)["fields"]["estimators"]["here"][place] for place in (0, -1)
    ]


def test_an_expired_policy_refuses_every_plan(run):
    done = run("policy show NODE", more="policy: {expires: 2020-01-31}")

    assert 3 == done.exit_code
    assert "Every plan would be refused here: policy.expires: the policy held until" in done.stdout


def test_what_is_allowed_of_blind_models_is_shown_and_a_refusal_foreseen(site, run):
    committee = "secure: {blind: {candidates: [dcog, memphis, padua]}}\n"
    model = "  - {id: cox, kind: cox, endpoint: EFS, terms: [{factor: sex, reference: male}]}\n"
    plan = site.write("blind.yaml", site.PLAN + model + committee)
    asked = f"policy show NODE --plan {plan}"
    allowed = run(f"{asked} --json")
    refused = json.loads(run(f"{asked} --json", more="policy: {blind: {hold: false}}").stdout)

    assert 0 == allowed.exit_code
    assert {"send": True, "hold": True, "committee": {"minimum": 3, "of": "any"}} == json.loads(
        allowed.stdout
    )["fields"]["blind"]["effective"]
    assert "send yes, hold yes, committee minimum 3" in " ".join(run(asked).stdout.split())
    assert ["policy.blind.hold"] == [each.partition(":")[0] for each in refused["refused"]]


def test_what_cannot_be_checked_here_is_named(run):
    told = json.loads(run("policy show NODE --plan PLAN --json").stdout)

    assert [] == told["refused"]
    assert "minimum_sites" in told["not_checked"][0]
    assert "the committee (the sites of the run are not known here)" in told["not_checked"]


def test_a_plan_that_invites_too_few_sites_is_refused_before_it_is_offered(site, run):
    plan = site.write("few.yaml", "quorum: {sites: 3, of: 3}\n" + site.PLAN)
    done = run(f"policy show NODE --plan {plan}")

    assert 3 == done.exit_code
    assert "policy.minimum_sites: the plan invites 3 sites" in done.stdout


def test_a_node_of_another_study_is_refused(run):
    done = run("data check NODE --codebook CODEBOOK", more="study: other")

    assert (1, "") == (done.exit_code, done.stdout)
    assert "study: node.yaml of site 'dcog' is for the study 'other'" in done.stderr


def test_a_policy_without_a_plan_holds_as_it_is_written(run):
    told = json.loads(run("policy show NODE --json", more="policy: {expires: 2028-12-31}").stdout)

    assert None is told["plan"]
    assert {"consortium": None, "here": "2028-12-31", "effective": "2028-12-31"} == told["fields"][
        "expires"
    ]


def test_a_policy_as_json_tells_the_three_values_of_each_field(run):
    told = json.loads(
        run(
            "policy show NODE --plan PLAN --json",
            more="policy: {minimum_cell: 5}",
        ).stdout
    )

    assert {"consortium": 5, "here": 5, "effective": 5} == told["fields"]["minimum_cell"]
    assert [] == told["refused"]
    assert ["kaplan_meier", "log_rank"] == told["fields"]["estimators"]["effective"]


def test_what_node_yaml_does_not_list_is_told(run):
    done = run("data check NODE --codebook CODEBOOK", records="columns: {sex: sex, age: age}")
    told = json.loads(
        run("data check NODE --codebook CODEBOOK --json", records="columns: {sex: sex}").stdout
    )

    assert (
        "Read from the column of the same name, because node.yaml does not list them: "
        "diagnosed, remission, relapse, died, seen." in done.stdout
    )
    assert ["diagnosed", "remission", "relapse", "died", "seen", "age"] == told["read_by_name"]
    assert [] == told["not_held"]


def test_a_variable_that_nothing_holds_is_told(site):
    site.write("patients.csv", "pat,diagnosed\n1,2010-01-01\n")
    site.codebook()
    site.node("source: {kind: csv, path: patients.csv}\npatient: pat\ncolumns: {}")
    files = [str(site.path / "node.yaml"), "--codebook", str(site.path / "codebook.yaml")]
    done = CliRunner().invoke(app, ["data", "check", *files])

    assert 0 == done.exit_code
    assert "no column has their name: remission, relapse, died, seen, sex, age." in done.stdout


def test_the_codebook_beside_node_yaml_is_taken_where_no_other_is_named(run, site):
    done = run("data check NODE")
    (site.path / "other.yaml").write_text(site.CODEBOOK.replace("infants", "others"), "utf-8")
    other = run(f"data check NODE --codebook {site.path / 'other.yaml'}", more="study: others")

    assert (0, f"codebook: {site.path / 'codebook.yaml'}\n") == (done.exit_code, done.stderr)
    assert (0, "") == (other.exit_code, other.stderr)


def test_a_codebook_that_is_nowhere_is_asked_for(site):
    site.patients(CLEAN)
    site.node("source: {kind: csv, path: patients.csv}")
    for command in ("check", "profile"):
        done = CliRunner().invoke(app, ["data", command, str(site.path / "node.yaml")])

        assert 1 == done.exit_code
        assert "codebook.yaml: is not there. Ask the centre" in done.stderr


def test_an_error_is_text_on_stderr_without_a_traceback(run):
    done = run("data check NODE --codebook CODEBOOK", records="columns: {sexe: sex}")

    assert (1, "") == (done.exit_code, done.stdout)
    assert done.stderr.startswith(
        "error: node.yaml of dcog: data.columns.sexe: no variable of the codebook. Did you mean 'sex'?"
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "line", ["data check", "data check nowhere.yaml --codebook CODEBOOK", "data chek"]
)
def test_a_wrong_call_ends_with_2(run, line):
    assert 2 == run(line).exit_code


@pytest.mark.parametrize(
    "line",
    ["--help", "data --help", "data check --help", "data profile --help", "policy show --help"],
)
def test_every_command_has_help(run, line):
    done = run(line)

    assert 0 == done.exit_code
    assert "Usage:" in done.stdout


def test_the_version_is_told(run):
    done = run("--version")

    assert 0 == done.exit_code
    assert done.stdout.startswith("riskset-node ")


def test_help_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from riskset_node.commands.riskset_node import main\n"
        "sys.argv = ['riskset-node', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print([name for name in ('numpy', 'flwr', 'pydantic', 'yaml') if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "[]" == done.stderr.strip()
