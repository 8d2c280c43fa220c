"""SQLite, whose columns have no types: each value is what it is, and what cannot be read is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.config import read_node
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.reading import read_records
from riskset_node.sources.sql import SqlSettings, SqlSource

SOURCE = SqlSource()
NODE = """
site: dcog
study_group: NOPHO
data:
  source: {kind: sql, url: 'sqlite:///trial.db', table: t}
  patient: pat
"""


def test_values_of_several_types_stay_what_they_are(tmp_path, sql_settings):
    path = tmp_path / "trial.db"
    with sqlite3.connect(path) as file:
        file.execute("create table t (x)")
        file.execute("insert into t values (1), (2.5), ('é'), (null), ('2017-01-02')")
    file.close()
    settings = sql_settings(f"sqlite:///{path}", table="t")

    assert {"x": [1, 2.5, "é", None, "2017-01-02"]} == SOURCE.read(settings, ["x"])


@pytest.mark.parametrize(
    ("value", "said"),
    [("x'00ff'", "column 'x' holds values of type bytes"), ("cast(x'ff41' as text)", "column 'x' holds texts that are not in UTF-8")],
)  # fmt: skip
def test_what_is_no_text_and_no_number_is_refused_with_its_column(
    tmp_path, sql_settings, value, said
):
    path = tmp_path / "trial.db"
    with sqlite3.connect(path) as file:
        file.execute("create table t (x)")
        file.execute(f"insert into t values ({value})")
    file.close()
    with pytest.raises(DataError, match=said):
        SOURCE.read(sql_settings(f"sqlite:///{path}", table="t"), ["x"])


@pytest.mark.parametrize("value", ["2457755.5", "1483315200", "'02.01.2017'", "'20170102'"])
def test_a_day_that_is_a_number_or_in_another_form_is_a_finding(site, value):
    with sqlite3.connect(site.path / "trial.db") as file:
        file.execute("create table t (pat, diagnosed)")
        file.execute(f"insert into t values ('a', '2016-05-06'), ('b', {value})")
    file.close()
    section = """
        source: {kind: sql, url: 'sqlite:///trial.db', table: t}
        patient: pat
        columns: {diagnosed: diagnosed}
        absent: {age: none, sex: none, remission: none, relapse: none, died: none, seen: none}
        """
    found = read_records(site.node(section), site.codebook(), site.TODAY).findings

    assert FindingKind.NOT_A_DATE in {finding.kind for finding in found}


@pytest.mark.parametrize("query", ["select x from r", "select count(*) as x from r"])
def test_a_query_that_takes_too_long_is_ended(tmp_path, sql_settings, query):
    sqlite3.connect(tmp_path / "trial.db").close()
    endless = f"with recursive r(x) as (select 1 union all select x + 1 from r) {query}"
    settings = sql_settings(f"sqlite:///{tmp_path / 'trial.db'}", query=endless, timeout=1)
    with pytest.raises(NodeConfigError, match="not read within 1 seconds"):
        SOURCE.read(settings, ["x"])


def test_a_file_that_is_none_of_sqlite_is_told(tmp_path, sql_settings):
    (tmp_path / "trial.db").write_text("pat;diagnosed\n" * 200, encoding="utf-8")
    with pytest.raises(DataError, match="not a file of SQLite"):
        SOURCE.header(sql_settings(f"sqlite:///{tmp_path / 'trial.db'}", table="t"))


def test_a_name_that_is_no_column_is_not_read_as_a_text(tmp_path, sql_settings):
    with sqlite3.connect(tmp_path / "trial.db") as file:
        file.execute("create table t (sex)")
        file.execute("insert into t values ('male')")
    file.close()
    with pytest.raises(NodeConfigError, match="there is no column 'Sex'"):
        SOURCE.read(sql_settings(f"sqlite:///{tmp_path / 'trial.db'}", table="t"), ["Sex"])


def test_a_path_is_relative_to_node_yaml_wherever_that_is_named_from(site, monkeypatch):
    with sqlite3.connect(site.path / "trial.db") as file:
        file.execute("create table t (pat)")
    file.close()
    site.write("node.yaml", NODE)
    monkeypatch.chdir(site.path)

    settings = read_node(Path("node.yaml")).data.source

    assert isinstance(settings, SqlSettings)
    assert ("pat",) == SOURCE.header(settings)
