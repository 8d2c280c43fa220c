"""Eighteen files in eighteen dialects hold one cohort, and each planted error is found."""

from __future__ import annotations

import csv
import datetime
import subprocess
import sys

import numpy as np
import pytest
from deploy.studies.interfant06.synthetic.dialects import Dialect, read_dialects
from deploy.studies.interfant06.synthetic.errors import PLANTED, plant
from deploy.studies.interfant06.synthetic.files import LocalRecord, age_as_read
from deploy.studies.interfant06.synthetic.study import SEED, write_study

from riskset_common.errors import InputError
from riskset_common.planning.read import ReleasePlan
from riskset_common.study.codebook import CategoryVariable, NumberVariable, read_codebook
from riskset_common.study.patients import NO_DATE
from riskset_common.study.study import Site, Study
from riskset_embedded.local_run import read_nodes
from riskset_node.records.plausibility import implausible
from riskset_node.records.preparing import prepare
from riskset_node.records.reading import read_records
from riskset_node.sources import source_of
from riskset_node.sources.source import FileSettings

TODAY = datetime.date(2018, 6, 1)
PLAN = {
    "plan": "planted-errors",
    "version": "1.0.0",
    "codebook": "interfant06@1",
    "time": {"unit": "years"},
    "conventions": "r",
    "endpoints": {
        "EFS": {
            "label": "Event-free survival",
            "origin": "diagnosis",
            "first_of": {"relapse": {"date": "relapse"}, "death": {"date": "death"}},
            "censor": "last_contact",
        }
    },
    "analyses": [{"id": "efs", "kind": "kaplan_meier", "endpoint": "EFS", "by": "risk"}],
}


@pytest.fixture(scope="module")
def codebook(study):
    return read_codebook(study / "codebook.yaml")


@pytest.fixture(scope="module")
def written(tmp_path_factory, parameters):
    """The study's files as the generator writes them, and again with errors."""
    folder = tmp_path_factory.mktemp("interfant06")
    write_study(folder / "clean", parameters, SEED)
    write_study(folder / "errors", parameters, SEED, errors=True)
    return folder


def words(patients, codebook, row):
    """One patient's record in the words of pooled.csv."""
    found = {}
    for name, variable in codebook.variables.items():
        if isinstance(variable, CategoryVariable):
            code = patients.categories[name][row]
            found[name] = "" if code < 0 else list(variable.levels)[code]
        elif isinstance(variable, NumberVariable):
            value = float(patients.numbers[name][row])
            found[name] = "" if np.isnan(value) else repr(value)
        else:
            day = patients.dates[name][row]
            since = datetime.date(1970, 1, 1) + datetime.timedelta(days=max(int(day), 0))
            found[name] = "" if day == NO_DATE else since.isoformat()
    return found


def test_every_site_reads_its_file_as_what_was_pooled_for_r(study, codebook):
    read = []
    for config in read_nodes(study / "nodes"):
        records = read_records(config, codebook, TODAY)

        assert () == records.findings, config.site
        assert () == records.not_read, config.site
        who = {"site": config.site, "study_group": config.study_group}
        names = records.local_ids.at(np.arange(records.patients.n))
        read += [
            {**who, "patient": name, **words(records.patients, codebook, row)}
            for row, name in enumerate(names)
        ]
    with (study / "pooled.csv").open(encoding="utf-8", newline="") as lines:
        pooled = list(csv.DictReader(lines))
    order = [(row["site"], row["patient"]) for row in pooled]
    read.sort(key=lambda row: order.index((row["site"], row["patient"])))

    assert 651 == sum(row["trial"] == "I06" for row in pooled)
    assert pooled == read


def test_the_committed_files_are_what_the_generator_writes(study, written):
    clean = written / "clean"
    names = sorted(path.relative_to(clean) for path in clean.rglob("*") if path.is_file())

    assert 37 == len(names)
    for name in names:
        if name.suffix in {".csv", ".yaml"}:
            assert (clean / name).read_bytes() == (study / name).read_bytes(), name
    for config in read_nodes(clean / "nodes"):
        source = source_of(config.data.source.kind)
        written = config.data.source
        assert isinstance(written, FileSettings)
        committed = written.model_copy(update={"path": study / "data" / written.path.name})
        columns = source.header(config.data.source)

        assert source.read(committed, columns) == source.read(config.data.source, columns)


def test_no_two_groups_write_alike():
    dialects = read_dialects().groups.values()

    assert 18 == len({dialect.model_dump_json() for dialect in dialects})
    assert {"csv", "sas", "excel"} == {dialect.kind for dialect in dialects}


def test_each_planted_error_is_found_where_it_is_and_nowhere_else(written, codebook):
    configs = read_nodes(written / "errors" / "nodes")
    sites = tuple(Site(config.site, config.study_group) for config in configs)
    study = Study(ReleasePlan.model_validate(PLAN), codebook, sites)
    found = {}
    for config in configs:
        records = read_records(config, codebook, TODAY)
        kinds = {finding.kind.value for finding in prepare(records, config, study).findings}
        if kinds:
            found[config.study_group] = kinds

    assert {error.group: {error.kind} for error in PLANTED} == found


def test_an_error_that_no_record_can_have_is_told():
    language = read_dialects().language_of("Lyon")
    records: list[LocalRecord] = [{language.column("relapse"): None}]

    with pytest.raises(InputError, match="Lyon: no record can have the error reversed_dates"):
        plant("Lyon", records, language)


def test_a_dialect_with_a_unit_that_does_not_fit_is_told():
    dialect = Dialect(language="english", kind="csv", units=("g", "10^9/L", "/uL"))

    with pytest.raises(InputError, match="age: 'g' cannot be turned into 'months'"):
        age_as_read(100, dialect)


def test_the_command_writes_the_study(tmp_path):
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "deploy.studies.interfant06.synthetic",
            str(tmp_path),
            "--seed",
            "5",
        ],
        check=True,
        capture_output=True,
        text=True,
    )

    assert "" == run.stdout + run.stderr
    assert (
        18 == len(list((tmp_path / "nodes").iterdir())) == len(list((tmp_path / "data").iterdir()))
    )


def test_what_is_hardly_true_of_the_files_is_true_and_little(study, codebook):
    told = {}
    for config in read_nodes(study / "nodes"):
        records = read_records(config, codebook, TODAY)
        found = implausible(records, records.findings, config, codebook)
        told[config.site] = {(each.kind.value, each.about) for each in found}

    # Second tumours and failed inductions are rare, and few infants have another lineage than B.
    events = {("all_missing", ("smn",)), ("all_missing", ("resistance", "smn"))}
    assert {"brno", "la-plata"} == {
        site for site, found in told.items() if ("unused_level", ("lineage",)) in found
    }
    assert set() == set().union(*told.values()) - events - {("unused_level", ("lineage",))}
    assert max(map(len, told.values())) <= 2
