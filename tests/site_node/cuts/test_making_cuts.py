"""A site's own cut: made of checked records, then the same patients for every plan with its codebook."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.study.patients import UNKNOWN_DAY
from riskset_node.commands.riskset_node import app
from riskset_node.records.findings import Severity
from riskset_node.records.preparing import build_patients
from riskset_node.records.reading import read_records
from riskset_node.sources import source_of
from riskset_node.sources.cut import CutSettings
from riskset_node.sources.cut_file import read_cut, to_bytes

ROWS = """\
8,2010-01-01,2010-02,,,2012-01-01,male,5.5
7,2010-01-02,,2011-01-01,unknown,2011-06-01,female,
9,2010-01-03,,,,2011-06-01,7,6
"""
RECORDS = """\
source: {kind: csv, path: patients.csv}
patient: pat
columns:
  diagnosed: diagnosed
  remission: {from: remission, dates: ["%Y-%m-%d", "%Y-%m"], day: 15}
  relapse: relapse
  died: {from: died, day_unknown: [unknown]}
  seen: seen
  sex: sex
absent: {age: not recorded}
accept: [unmapped_code]
"""
FROM_CUT = "source: {kind: cut, path: cuts/2017-12-31.cut}\npatient: pat\n"


@pytest.fixture
def command(site):
    """Run a command; NODE and CODEBOOK stand for the site's files."""

    def run(line: str):
        site.codebook()
        files = {"NODE": site.path / "node.yaml", "CODEBOOK": site.path / "codebook.yaml"}
        return CliRunner().invoke(app, [str(files.get(word, word)) for word in line.split()])

    return run


@pytest.fixture
def cut(site, command):
    """Make a cut; gives its file."""

    def make(rows: str = ROWS, records: str = RECORDS, name: str = "2017-12-31"):
        site.patients(rows)
        site.node(records)
        made = command(f"data cut NODE --codebook CODEBOOK --name {name}")
        assert 0 == made.exit_code, made.output
        return site.path / "cuts" / f"{name}.cut"

    return make


def read(site, records: str, needed: tuple[str, ...] = ()):
    return read_records(site.node(records), site.codebook(), site.TODAY, needed)


def test_a_cut_gives_the_patients_of_the_file_with_ids_findings_and_days_completed(site, cut):
    cut()
    here, there = read(site, RECORDS), read(site, FROM_CUT)

    assert here.patients.digest() == there.patients.digest()
    assert [True, False, False] == there.patients.approximate["remission"].tolist()
    assert UNKNOWN_DAY == there.patients.dates["died"][1]
    assert np.isnan(there.patients.numbers["age"]).all()
    assert here.local_ids.at(np.arange(3)) == there.local_ids.at(np.arange(3))
    assert here.findings == there.findings
    assert [Severity.WARNING] == [finding.severity for finding in there.findings]
    assert "Accepted: the value counts as missing." == there.findings[0].advice


def test_a_plan_gets_the_same_from_the_cut_also_when_the_file_is_gone(site, cut):
    cut(ROWS.replace("2010-02,", "2010-02-01,"))
    study = site.study()
    records = read(site, RECORDS)
    here = build_patients(records, site.node(RECORDS), study)
    (site.path / "patients.csv").unlink()
    there = build_patients(read(site, FROM_CUT), site.node(FROM_CUT), study)

    assert here.digest() == there.digest()


def test_a_cut_is_for_its_owner_alone_and_its_hash_is_beside_it(cut, command):
    file = cut()
    beside = file.with_name("2017-12-31.cut.sha256")
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    modes = [path.stat().st_mode & 0o777 for path in (file.parent, file, beside)]

    assert [0o700, 0o600, 0o600] == modes
    assert f"{sha256}  2017-12-31.cut\n" == beside.read_text(encoding="ascii")
    assert [file, beside] == sorted(file.parent.iterdir())


def test_the_command_checks_says_the_hash_and_what_to_write(site, command):
    site.patients(ROWS)
    site.node(RECORDS)
    made = command(f"data cut NODE --codebook CODEBOOK --name first --out {site.path / 'kept'}")
    sha256 = hashlib.sha256((site.path / "kept" / "first.cut").read_bytes()).hexdigest()

    assert 0 == made.exit_code
    assert "sex holds values that are no level: '7' (1 row, patient 9)." in made.stdout
    assert "0 errors, 1 warning." in made.stdout
    assert f"SHA-256  {sha256}\n" in made.stdout
    assert "source: {kind: cut, path: kept/first.cut}" in made.stdout
    assert made.stdout.rstrip().endswith("patient: pat")


def test_records_with_an_error_make_no_cut(site, command):
    site.patients("1,2010-01-01,,,,2012-01-01,m,5.5\n")
    site.node("source: {kind: csv, path: patients.csv}\npatient: pat\n")
    made = command("data cut NODE --codebook CODEBOOK --name a")
    told = command("data cut NODE --codebook CODEBOOK --name a --json")

    assert (1, 1, False) == (made.exit_code, told.exit_code, (site.path / "cuts").exists())
    assert "No cut was made." in made.stdout
    assert json.loads(told.stdout)["cut"] is None


def test_as_json_the_command_gives_findings_and_hash(site, command):
    site.patients(ROWS)
    site.node(RECORDS)
    told = json.loads(command("data cut NODE --codebook CODEBOOK --name a --json").stdout)

    assert ["unmapped_code"] == [finding["kind"] for finding in told["findings"]]
    assert {"path", "sha256"} == set(told["cut"])


@pytest.mark.parametrize(
    ("records", "name", "said"),
    [
        (RECORDS, "2017/12/31", "--name: '2017/12/31' is no name of a cut: "),
        (RECORDS, "../x", "Write such as x."),
        (RECORDS, "2017-12-31", "is there already, and a cut is never changed"),
        ("source: {kind: csv, path: patients.csv}\n", "b", "data.patient: is not in node.yaml"),
        (FROM_CUT, "b", "is a cut. A cut is made from the records"),
    ],
)
def test_what_cannot_be_cut_is_said_before_anything_is_read(
    site, cut, command, records, name, said
):
    file = cut()
    before = file.read_bytes()
    site.node(records)
    (site.path / "patients.csv").unlink()
    made = command(f"data cut NODE --codebook CODEBOOK --name {name}")

    assert (1, True) == (made.exit_code, said in made.stderr), made.stderr
    assert before == file.read_bytes()


@pytest.mark.parametrize(
    "key", ["columns: {sex: sex}", "absent: {sex: why}", "accept: [not_a_date]"]
)
def test_what_says_how_to_read_a_file_is_refused_with_a_cut(site, key):
    with pytest.raises(
        NodeConfigError, match=f"{key.partition(':')[0]}: a cut holds the variables"
    ):
        site.node(FROM_CUT + key)


@pytest.mark.parametrize(
    "key", ["dates: '%Y'", "missing: [x]", "day: 15", "where: {sex: male}", "decimal: ','"]
)
def test_what_says_how_values_are_written_is_refused_with_a_cut(site, key):
    source = FROM_CUT.replace("cut}", "cut, " + key + "}")
    with pytest.raises(NodeConfigError, match=rf"data\.source\.{key.partition(':')[0]}"):
        site.node(source)


def test_the_column_of_the_ids_must_be_named_as_it_was(site, cut):
    cut()
    with pytest.raises(NodeConfigError, match="from which the cut took the patients' ids"):
        site.node("source: {kind: cut, path: cuts/2017-12-31.cut}")
    with pytest.raises(NodeConfigError, match=r"from the column 'pat', .* Write patient: pat"):
        read(site, FROM_CUT.replace("patient: pat", "patient: nummer"))


def test_a_cut_of_another_codebook_is_refused_with_both_names(site, cut):
    cut()
    later = site.CODEBOOK.replace("version: 3", "version: 4")
    with pytest.raises(NodeConfigError, match=r"codebook infants@3 .* this one is infants@4"):
        read_records(site.node(FROM_CUT), site.codebook(later), site.TODAY)


def test_a_cut_of_another_site_is_refused(site, cut):
    cut()
    node = site.node(FROM_CUT).model_copy(update={"site": "aieop"})
    with pytest.raises(NodeConfigError, match=r"patients of site 'dcog', .* of site 'aieop'"):
        read_records(node, site.codebook(), site.TODAY)


def test_a_plan_that_reads_what_there_was_no_column_for_is_refused(site, command):
    file = site.patients(ROWS)
    text = file.read_text(encoding="utf-8").replace("relapse", "recidief", 1)
    file.write_text(text, encoding="utf-8")
    site.node(RECORDS.replace("  relapse: relapse\n", ""))
    made = command("data cut NODE --codebook CODEBOOK --name 2017-12-31")
    records = read(site, FROM_CUT)

    assert (0, ("relapse",)) == (made.exit_code, records.not_held)

    assert 3 == read(site, FROM_CUT, ("age",)).patients.n
    with pytest.raises(NodeConfigError, match=r"has no values of relapse \(Date of relapse\)"):
        read(site, FROM_CUT, ("relapse",))


def test_findings_of_a_release_that_is_not_known_are_refused(site, cut):
    file = cut()
    made = read_cut(file, "here")
    header = made.header.model_copy(update={"findings": ({"kind": "newer"},)})
    file.write_bytes(to_bytes(replace(made, header=header)))
    with pytest.raises(DataError, match="whose findings this release does not know"):
        read(site, FROM_CUT)


def test_check_and_profile_read_a_cut(site, cut, command):
    cut()
    site.node(FROM_CUT)
    checked = command("data check NODE --codebook CODEBOOK")
    profiled = command("data profile NODE --codebook CODEBOOK")

    assert (0, 0) == (checked.exit_code, profiled.exit_code)
    assert "dcog: 3 patients; read 7 of 7 columns; 0 errors, 1 warning." in checked.stdout


def test_a_path_of_a_cut_is_relative_to_node_yaml(site, cut):
    source = site.node(FROM_CUT).data.source

    assert isinstance(source, CutSettings)
    assert cut() == source.path


def test_the_doctor_is_told_when_a_cut_was_made_and_what_it_holds(site, cut):
    cut()
    source, settings = source_of("cut"), site.node(FROM_CUT).data.source
    (found,) = source.examined(settings, ())

    assert ("pat", "diagnosed", "remission", "relapse", "died", "seen", "sex") == source.header(
        settings
    )
    assert "'2017-12-31', made on 20" in found.found
    assert found.found.endswith("with the codebook infants@3")
    with pytest.raises(TypeError):
        source.read(settings, ["sex"])
