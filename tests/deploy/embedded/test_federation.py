"""The folder of a federation: what a study's node.yaml says of its records holds there too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from tests.system.end_to_end.small_study import write_small_study

from riskset_common.errors import NodeConfigError
from riskset_embedded.federation import _write_node, make_federation


@pytest.mark.parametrize(
    ("source", "absolute"),
    [
        ({"kind": "csv", "path": "../data/a.csv"}, {"path": "{}/data/a.csv"}),
        ({"kind": "cut", "path": "cuts/2017.cut"}, {"path": "{}/nodes/cuts/2017.cut"}),
        ({"kind": "sql", "url": "file:db.url", "table": "t"}, {"url": "file:{}/nodes/db.url"}),
        (
            {"kind": "sql", "url": "env:URL", "query": "file:q.sql"},
            {"query": "file:{}/nodes/q.sql"},
        ),
    ],
)
def test_paths_of_the_records_are_absolute_in_the_folder_of_a_site(tmp_path, source, absolute):
    (tmp_path / "nodes").mkdir()
    study_file, home = tmp_path / "nodes" / "a.yaml", tmp_path / "a"
    home.mkdir()
    node = {"site": "a", "study_group": "A", "data": {"source": source, "patient": "pat"}}
    joined = {"centre": {}, "identity": {"key": "site.key"}, "roster": None, "state": "state"}
    study_file.write_text(yaml.safe_dump(node), encoding="utf-8")
    (home / "node.yaml").write_text(yaml.safe_dump(joined), encoding="utf-8")
    _write_node(study_file, home)
    made = yaml.safe_load((home / "node.yaml").read_text(encoding="utf-8"))

    expected = {key: text.format(tmp_path) for key, text in absolute.items()}
    assert {**source, **expected} == made["data"]["source"]


def test_a_study_whose_node_names_no_patients_makes_no_federation(tmp_path: Path):
    study = write_small_study(tmp_path)
    node = next(study.nodes.glob("*.yaml"))
    written = yaml.safe_load(node.read_text(encoding="utf-8"))
    del written["data"]["patient"]
    node.write_text(yaml.safe_dump(written), encoding="utf-8")
    folder = tmp_path / "study"
    shutil.copytree(study.nodes, folder / "nodes")
    with pytest.raises(NodeConfigError, match=r"data\.patient: is not in node\.yaml of site"):
        make_federation(folder, tmp_path / "federation")

    assert not (tmp_path / "federation").exists()
