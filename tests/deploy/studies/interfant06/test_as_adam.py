"""A file of the study as ADSL and ADTTE: the same patients as from the file itself, and the times of its dates."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from tests.cdisc_files import DataSets

from riskset_common.study.codebook import Codebook, read_codebook
from riskset_node.config import NodeConfig, read_node
from riskset_node.records.reading import read_records
from riskset_node.sources import source_of

TODAY = datetime.date(2018, 6, 1)


@pytest.mark.parametrize("kind", ["xpt", "ndjson"])
def test_a_file_as_adsl_and_adtte_gives_the_same_patients(study, tmp_path, kind):
    config = read_node(study / "nodes" / "boston.yaml")
    codebook = read_codebook(study / "codebook.yaml")
    as_sas = read_records(config, codebook, TODAY)
    source = config.data.source
    columns = dict(source_of("sas").read(source, source_of("sas").header(source)))
    columns = {name: [None if v != v else v for v in values] for name, values in columns.items()}  # noqa: PLR0124  # NaN
    columns["USUBJID"] = columns.pop("SUBJID")
    data_sets = DataSets(tmp_path)
    died = columns["DTHDT"]
    adtte = {
        "USUBJID": columns["USUBJID"],
        "PARAMCD": ["OS"] * len(died),
        "STARTDT": columns["DXDT"],
        "ADT": [death or seen for death, seen in zip(died, columns["LSTALVDT"], strict=True)],
        "CNSR": [int(death is None) for death in died],
    }
    paths = [
        data_sets.write(name, each, kind) for name, each in (("adsl", columns), ("adtte", adtte))
    ]
    written = config.model_dump(by_alias=True, exclude_unset=True)
    written["data"]["source"] = {
        "kind": "adam",
        "adsl": paths[0],
        "adtte": paths[1],
        "parameters": {"os": "OS"},
    }
    written["data"]["patient"] = "USUBJID"
    as_adam = read_records(NodeConfig.model_validate(written), codebook, TODAY)
    assert as_sas.local_ids.names is not None
    by_name = np.argsort(as_sas.local_ids.names.astype(str), kind="stable")

    assert as_sas.patients.rows(by_name).digest() == as_adam.patients.digest()

    written["data"]["columns"] = {**written["data"]["columns"], "os_time": {"from": "os.time"}}
    more = codebook.model_dump(by_alias=True, exclude_unset=True)
    more["variables"]["os_time"] = {"kind": "number", "label": "Survival", "unit": "days"}
    times = read_records(
        NodeConfig.model_validate(written), Codebook.model_validate(more), TODAY
    ).patients
    end = np.where(times.known("death"), times.dates["death"], times.dates["last_contact"])
    assert (end - times.dates["diagnosis"]).tolist() == times.numbers["os_time"].tolist()
