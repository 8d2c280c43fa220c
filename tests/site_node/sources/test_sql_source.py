"""The source `sql`: what node.yaml may say, and that one query gives the same on PostgreSQL and in SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.postgres_server import PASSWORD

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.config import read_node
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.reading import read_records
from riskset_node.sources.databases.database import READER
from riskset_node.sources.sql import SqlSettings, SqlSource

SOURCE = SqlSource()

TABLE = """create table trial_patients (pat {text}, "Sex" {text}, "a""b%c" {text}, diagnosed {text}, age numeric)"""
ROWS = (
    "insert into trial_patients values "
    "('b', 'male', 'x:y', '2017-01-02', 3), ('a', 'female', '50%', '2016-05-06', 4.5), ('c', null, '', '2016-07-08', null)"
)


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request, tmp_path):
    """URL of a database with one small table."""
    if request.param == "sqlite":
        path = tmp_path / "trial.db"
        with sqlite3.connect(path) as file:
            file.execute(TABLE.format(text="text"))
            file.execute(ROWS)
        file.close()
        return f"sqlite:///{path}"
    server = request.getfixturevalue("server")
    server.run("drop table if exists trial_patients", TABLE.format(text="varchar(20)"), ROWS)
    return server.url()


def test_a_table_and_a_query_give_the_columns_that_are_asked_for(database, sql_settings):
    table = sql_settings(database, table="trial_patients")
    query = sql_settings(database, query="select age, pat from trial_patients where age > 4; ")

    assert ("pat", "Sex", 'a"b%c', "diagnosed", "age") == SOURCE.header(table)
    assert ["Sex", 'a"b%c'] == list(SOURCE.read(table, ["Sex", 'a"b%c']))
    assert {None: "", "male": "x:y", "female": "50%"} == dict(
        zip(*SOURCE.read(table, ["Sex", 'a"b%c']).values(), strict=True)
    )
    assert {"pat": ["a"]} == SOURCE.read(query, ["pat"])


def test_a_query_may_be_in_a_file_with_a_comment_at_its_end(database, sql_settings, tmp_path):
    (tmp_path / "infants.sql").write_text(
        "\ufeffselect pat\nfrom trial_patients where \"Sex\" = 'male' -- 100 % of :them\n", "utf-8"
    )
    settings = sql_settings(database, query=f"file:{tmp_path / 'infants.sql'}")

    assert {"pat": ["b"]} == SOURCE.read(settings, ["pat"])


@pytest.mark.parametrize(
    "query",
    [
        "select pat from trial_patients; drop table trial_patients",
        "select pat from trial_patients) as q; drop table trial_patients; --",
        "drop table trial_patients",
        "delete from trial_patients returning pat",
        "with gone as (delete from trial_patients returning pat) select pat from gone",
        "insert into trial_patients (pat) values ('d') returning pat",
        "select pat from trial_patients /*",
        "not even sql",
    ],
)
def test_what_is_not_one_select_is_refused_and_changes_nothing(database, sql_settings, query):
    with pytest.raises(NodeConfigError, match=r"must be one SELECT"):
        SOURCE.read(sql_settings(database, query=query), ["pat"])

    rest = SOURCE.read(sql_settings(database, table="trial_patients"), ["pat"])

    assert ["a", "b", "c"] == sorted(map(str, rest["pat"]))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"table": "trial_patients"}, r"there is no column 'AGE'\. Did you mean 'age'\?"),
        ({"query": "select age, pat as age from trial_patients"}, "there is no column 'AGE'"),
        ({"table": "trial_patient"}, "Correct data.source.table or data.source.query"),
        ({"query": "select agee from trial_patients"}, "agee"),
    ],
)
def test_names_that_are_not_there_are_told(database, sql_settings, more, said):
    with pytest.raises(NodeConfigError, match=said):
        SOURCE.read(sql_settings(database, **more), ["AGE"])


def test_a_column_that_a_query_names_twice_is_refused(database, sql_settings):
    settings = sql_settings(database, query="select pat, diagnosed as pat, age from trial_patients")

    assert {"3", "4.5", "None"} == {str(age) for age in SOURCE.read(settings, ["age"])["age"]}
    with pytest.raises(DataError, match="names 'pat' more than once"):
        SOURCE.read(settings, ["pat"])


def test_rows_are_sorted_by_patient_whatever_order_they_come_in(database, site, only):
    (site.path / "url").write_text(database, "utf-8")
    (site.path / "url").chmod(0o600)
    rows = "(values ('10', 'male'), ('9', 'female'), ('é', 'male'), ('Z', 'female')) as t"
    section = f"""
        source: {{kind: sql, url: 'file:url', query: "select *, '2017-01-02' as day from {rows}"}}
        patient: column1
        columns: {{sex: column2, diagnosed: day}}
        absent: {{age: none, remission: none, relapse: none, died: none, seen: none}}
        """
    records = read_records(site.node(section), site.codebook(), site.TODAY)

    assert records.local_ids.names is not None
    assert ["10", "9", "Z", "é"] == list(records.local_ids.names)
    assert [0, 1, 1, 0] == records.patients.categories["sex"].tolist()


def test_two_rows_of_a_patient_and_no_rows_are_findings(database, site, sql_settings):
    def kinds(query: str) -> set[FindingKind]:
        (site.path / "url").write_text(database, "utf-8")
        (site.path / "url").chmod(0o600)
        columns = ", ".join(f"{name}: pat" for name in ("diagnosed", "remission", "relapse"))
        section = f"""
            source: {{kind: sql, url: 'file:url', query: "{query}", missing: [a, x]}}
            patient: pat
            columns: {{{columns}, died: pat, seen: pat, sex: pat, age: pat}}
            accept: [missing_required]
            """
        found = read_records(site.node(section), site.codebook(), site.TODAY).findings
        return {finding.kind for finding in found}

    twice = "select 'x' || pat as pat from trial_patients union all select 'xb'"

    assert FindingKind.DUPLICATE_PATIENT in kinds(twice)
    assert FindingKind.NO_PATIENTS in kinds("select pat from trial_patients where age > 1000")


def test_the_page_shows_what_the_doctor_prints():
    page = (Path(__file__).parents[3] / "docs" / "node.md").read_text(encoding="utf-8")

    assert f"```sql\n{READER}\n```" in page


def test_the_doctor_is_told_that_there_are_rows_and_when_there_is_none(database, sql_settings):
    some = sql_settings(database, table="trial_patients")
    none = sql_settings(database, query="select * from trial_patients where age > 1000")
    found = [each.found for each in SOURCE.examined(some, ["pat"])]

    assert "there are rows" in found
    with pytest.raises(DataError, match="there is no row"):
        list(SOURCE.examined(none, ["pat"]))


def source_in(node: Path) -> SqlSettings:
    settings = read_node(node).data.source
    assert isinstance(settings, SqlSettings)
    return settings


def test_a_url_without_a_password_may_stand_in_node_yaml_relative_to_its_folder(tmp_path):
    with sqlite3.connect(tmp_path / "trial.db") as file:
        file.execute("create table t (pat)")
    file.close()
    node = tmp_path / "node.yaml"
    text = "site: dcog\nstudy_group: NOPHO\ndata:\n  source: {{kind: sql, url: '{}', table: t}}\n  patient: pat\n"
    for url in ("sqlite:///trial.db", "sqlite:///file:trial.db?mode=ro&uri=true"):
        node.write_text(text.format(url), "utf-8")
        settings = source_in(node)

        assert ("pat",) == SOURCE.header(settings)
        assert f"sql {tmp_path / 'trial.db'}" == SOURCE.place(settings)


def test_paths_of_secret_and_query_are_relative_to_node_yaml(tmp_path):
    (tmp_path / "q.sql").write_text("select 1 as pat", "utf-8")
    (tmp_path / "u").write_text(f"sqlite:///{tmp_path / 'trial.db'}", "utf-8")
    (tmp_path / "u").chmod(0o600)
    sqlite3.connect(tmp_path / "trial.db").close()
    node = tmp_path / "node.yaml"
    source = "{kind: sql, url: 'file:u', query: 'file:q.sql'}"
    node.write_text(
        f"site: a\nstudy_group: b\ndata:\n  source: {source}\n  patient: pat\n", "utf-8"
    )

    assert {"pat": [1]} == SOURCE.read(source_in(node), ["pat"])


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://reader:{PASSWORD}@db/trial",
        f"postgresql+psycopg://reader:{PASSWORD}/x@db/trial",
        f"postgresql+psycopg://:{PASSWORD}@db/trial",
        f"postgresql+psycopg://db/trial?password={PASSWORD}",
        f"postgresql+psycopg://reader:{PASSWORD}/trial",
        f"sqlite:///trial.db?key={PASSWORD}",
        f"sqlite:///user:{PASSWORD}@trial.db",
        f"{PASSWORD}",
    ],
)
def test_a_password_in_node_yaml_is_refused_without_being_repeated(tmp_path, url):
    node = tmp_path / "node.yaml"
    source = f"{{kind: sql, url: '{url}', table: t}}"
    node.write_text(f"site: a\nstudy_group: b\ndata:\n  source: {source}\n  patient: p\n", "utf-8")
    with pytest.raises(NodeConfigError, match=r"not written into node\.yaml") as refused:
        read_node(node)

    assert "data.source" in str(refused.value)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgresql://u:{PASSWORD}@x@db/t", "Write @ as %40"),
        (f"postgresql://u:a@{PASSWORD}/w@db/t", "Write @ as %40"),
        (f"postgresql://u:{PASSWORD}/t", "no URL of a database"),
        (f"postgresql+psycopg2://u:{PASSWORD}@db/t", r"reads no 'postgresql\+psycopg2'.*Known: "),
        (f"postgres://u:{PASSWORD}@db/t", "this release reads no 'postgres'"),
        (f"postgresql://u:{PASSWORD}@/t", "names no machine"),
        (f"postgresql://u:{PASSWORD}@db/t", "data.source.ca is missing"),
        (f"postgresql://u:{PASSWORD}@localhost,db/t", "Write @ as %40"),
        (f"postgresql://u:{PASSWORD}@localhost/t?hostaddr=10.0.0.1", "data.source.ca is missing"),
        (f"postgresql://u:{PASSWORD}@localhost/t?sslmode=disable", "parameter 'sslmode'"),
        (f"mysql+pymysql://u:{PASSWORD}@localhost/t?init_command=x", "parameter 'init_command'"),
        (f"mariadb+pymysql://u:{PASSWORD}@db/t", "data.source.ca is missing"),
        ("sqlite:///trial.db", "write the whole path"),
        ("sqlite:////nowhere/trial.db", "no such file"),
        ("sqlite:////nowhere/trial.db?cache=shared", "parameter 'cache'"),
    ],
)
def test_a_url_that_says_something_else_is_refused_without_its_password(sql_settings, url, said):
    with pytest.raises(NodeConfigError, match=said) as refused:
        SOURCE.header(sql_settings(url, table="t"))

    assert PASSWORD not in str(refused.value)


def test_a_certificate_authority_that_is_not_there_or_without_effect_is_told(
    sql_settings, tmp_path
):
    far = sql_settings(f"postgresql://u:{PASSWORD}@db.umc.example/t", table="t", ca=tmp_path / "ca")
    with pytest.raises(NodeConfigError, match=r"data\.source\.ca: there is no file"):
        SOURCE.header(far)
    sqlite3.connect(tmp_path / "x.db").close()
    near = sql_settings(f"sqlite:///{tmp_path / 'x.db'}", table="t", ca=tmp_path / "ca")
    with pytest.raises(NodeConfigError, match=r"data\.source\.ca has no effect"):
        SOURCE.header(near)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "write query"),
        ({"query": "select 1", "table": "t"}, "not both"),
        ({"table": "trial."}, "names no table"),
        ({"query": 7}, "one SELECT as a text"),
    ],
)
def test_one_of_query_and_table_is_written(more, said):
    with pytest.raises(ValidationError, match=said):
        SqlSettings.model_validate({"kind": "sql", "url": "sqlite:///x", **more})


@pytest.mark.parametrize("key", ["where", "path", "decimal"])
def test_keys_of_files_are_refused(key):
    with pytest.raises(ValidationError, match="Extra inputs"):
        SqlSettings.model_validate({"kind": "sql", "url": "sqlite:///x", "table": "t", key: "x"})


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), (b"", "is empty"), (b"\xff\xfe", "UTF-8")]
)
def test_a_query_file_that_cannot_be_used_is_told(sql_settings, tmp_path, content, said):
    sqlite3.connect(tmp_path / "x.db").close()
    if content is not None:
        (tmp_path / "q.sql").write_bytes(content)
    settings = sql_settings(f"sqlite:///{tmp_path / 'x.db'}", query=f"file:{tmp_path / 'q.sql'}")
    with pytest.raises(NodeConfigError, match=rf"data\.source\.query.*{said}"):
        SOURCE.header(settings)
