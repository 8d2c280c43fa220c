"""PostgreSQL: types of its own, and whatever goes wrong with a server told in a data manager's words, without a password."""

from __future__ import annotations

import datetime
import os
import signal
import socket
import struct
import threading
from contextlib import suppress
from decimal import Decimal

import psycopg
import pytest
from tests.postgres_server import PASSWORD
from tests.tls_before_postgres import tls_before

from riskset_common.errors import DataError, NodeConfigError, RisksetError
from riskset_node.records.values.column import Column, text_of
from riskset_node.sources.databases import database as limits
from riskset_node.sources.databases import postgresql
from riskset_node.sources.sql import SqlSource
from riskset_server.centre.certificates import make_certificates

SOURCE = SqlSource()
SLOW = "select pg_sleep(0.001), g as a from generate_series(1, 100000) as g"


@pytest.fixture
def read(server, sql_settings):
    """Read the column `x` of one SELECT."""

    def values(query, **more):
        return SOURCE.read(sql_settings(server.url(), query=query, **more), ["x"])["x"]

    return values


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("'é '::text", "é "),
        ("'M'::char(5)", "M"),
        ("'a'::\"char\"", "a"),
        ("null::text", None),
        ("2::smallint", 2),
        ("9007199254740993", 9007199254740993),
        ("20::numeric(14,3)", Decimal("20.000")),
        ("1.5::float8", 1.5),
        ("0.1::float4", 0.1),
        ("true", True),
        ("'2017-01-02'::date", datetime.date(2017, 1, 2)),
        ("'infinity'::date", "infinity"),
        ("'0044-03-15 BC'::date", "0044-03-15 BC"),
        ("'12000-01-01'::date", "12000-01-01"),
        ("'2017-01-02 03:04:05.5'::timestamp", datetime.datetime(2017, 1, 2, 3, 4, 5, 500000)),  # noqa: DTZ001
        ("'-infinity'::timestamp", "-infinity"),
        (
            "'2017-01-02 00:00+01'::timestamptz",
            datetime.datetime(2017, 1, 1, 23, tzinfo=datetime.UTC),
        ),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ],
)
def test_values_keep_what_they_are(read, written, expected):
    assert [expected] == read(f"select {written} as x")


@pytest.mark.parametrize(
    ("written", "expected"),
    [("'NaN'::numeric", None), ("'NaN'::float8", None), ("'infinity'::numeric", "Infinity")],
)
def test_what_is_no_number_is_no_value_and_infinity_is_none_that_is_lost(read, written, expected):
    column = Column.of(read(f"select {written} as x"))

    assert [expected] == [None if at < 0 else text_of(column.distinct[at]) for at in column.index]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Vienna", "America/New_York"])
def test_moments_do_not_depend_on_the_zone_of_the_server(server, sql_settings, zone):
    server.run(
        f"alter role postgres set timezone = '{zone}'",
        "alter role postgres set datestyle = 'German'",
    )
    query = "select '2017-01-02 00:00+01'::timestamptz as x, '2017-01-03'::date as y"
    found = SOURCE.read(sql_settings(server.url(), query=query), ["x", "y"])
    server.run("alter role postgres reset all")

    assert ["2017-01-01 23:00:00+00:00"] == [str(each) for each in found["x"]]
    assert [datetime.date(2017, 1, 3)] == found["y"]


def test_numbers_have_all_their_digits_whatever_the_role_shows(server, sql_settings):
    server.run("alter role postgres set extra_float_digits = -15")
    query = "select 412500.5::float8 as x, 1234567.5::float4 as y"
    found = SOURCE.read(sql_settings(server.url(), query=query), ["x", "y"])
    server.run("alter role postgres reset all")

    assert {"x": [412500.5], "y": [1234567.5]} == found


def test_an_enumeration_and_a_domain_are_read_as_what_they_are_made_of(server, read):
    server.run(
        "drop type if exists sex cascade", "create type sex as enum ('male', 'female')",
        "drop domain if exists weeks", "create domain weeks as numeric(4,1)",
    )  # fmt: skip

    assert ["male"] == read("select 'male'::sex as x")
    assert [Decimal("2.0")] == read("select 2::weeks as x")


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("array[1]", r"integer\[\]"),
        ("'1'::json", "json"),
        ("'true'::jsonb", "jsonb"),
        ("'a'::bytea", "bytea"),
        ("'1 day'::interval", "interval"),
        ("'10:00'::time", "time without time zone"),
        ("3::money", "money"),
        ("'10.0.0.1'::inet", "inet"),
        ("row(1, 2)", "record"),
        ("int4range(1, 2)", "int4range"),
    ],
)
def test_what_is_not_one_value_is_refused_with_the_column_and_its_type(read, written, kind):
    with pytest.raises(DataError, match=f"column 'x' holds values of type {kind}"):
        read(f"select {written} as x")


def test_a_column_of_another_type_does_not_matter_where_it_is_not_asked_for(read):
    assert [1] == read("select 1 as x, '{}'::json as other")


def test_names_are_taken_as_they_are_written(server, sql_settings):
    server.run('drop schema if exists "Trial" cascade', 'create schema "Trial"')
    server.run(
        'create table "Trial"."Pat""s" ("Nr" int)', 'insert into "Trial"."Pat""s" values (7)'
    )
    table = sql_settings(server.url(), table='Trial.Pat"s')

    assert {"Nr": [7]} == SOURCE.read(table, ["Nr"])
    with pytest.raises(NodeConfigError, match="PostgreSQL takes names in small letters"):
        SOURCE.header(sql_settings(server.url(), table="trial.pats"))


@pytest.mark.parametrize(
    "query",
    [
        "select nextval('steps') as x",
        "select setval('steps', 5) as x",
        "select x from kept for update",
    ],
)
def test_a_function_that_writes_is_refused_even_to_the_superuser(server, read, query):
    server.run("create sequence if not exists steps", "create table if not exists kept (x int)")
    with pytest.raises(NodeConfigError, match="the node only reads"):
        read(query)


@pytest.mark.parametrize(
    "query",
    ["select ('POISON' || g)::int as x from generate_series(1, 3) as g", "select 1 / (g - 2) as x from generate_series(1, 3) as g"],
)  # fmt: skip
def test_a_value_that_cannot_be_converted_is_not_repeated(read, query):
    with pytest.raises(DataError, match="a value cannot be converted or computed") as refused:
        read(query)

    assert "POISON" not in str(refused.value)


def test_texts_in_another_encoding_than_the_database_states_are_told(server, sql_settings):
    server.run("drop database if exists old")
    server.run("create database old encoding 'SQL_ASCII' template template0")
    server.run(r"create table t as select convert_from('\xe9'::bytea, 'SQL_ASCII') as x", database="old")  # fmt: skip
    with pytest.raises(DataError, match="not in the encoding"):
        SOURCE.read(sql_settings(server.url(database="old"), table="t"), ["x"])


@pytest.mark.parametrize(
    "query",
    ["select pg_sleep(30) is null as x", "select pg_sleep(0.03), g as x from generate_series(1, 1000) as g"],
)  # fmt: skip
def test_a_query_that_takes_too_long_is_ended(read, query):
    with pytest.raises(NodeConfigError, match=r"not read within 1 seconds.*data\.source\.timeout"):
        read(query, timeout=1)


def backend(server) -> int:
    """Process of the server that reads for the node, once there is one."""
    with server.connect() as connection:
        while True:
            found = connection.execute(
                "select pid from pg_stat_activity where application_name = 'riskset-node' and query like 'FETCH%'"
            ).fetchone()
            if found is not None:
                return int(found[0])


def test_a_server_that_falls_silent_is_left(server, sql_settings, monkeypatch):
    monkeypatch.setattr(limits, "GRACE_SECONDS", 0.2)
    stopped: list[int] = []

    def stop() -> None:
        stopped.append(backend(server))
        os.kill(stopped[0], signal.SIGSTOP)

    stopping = threading.Thread(target=stop)
    stopping.start()
    with pytest.raises(NodeConfigError, match="not read within 1 seconds"):
        SOURCE.read(sql_settings(server.url(), query=SLOW, timeout=1), ["a"])
    stopping.join()
    os.kill(stopped[0], signal.SIGCONT)


@pytest.fixture
def silent_after_login():
    """The port of a server that admits everybody, and then says nothing more."""

    def message(kind: bytes, content: bytes) -> bytes:
        return kind + struct.pack(">I", len(content) + 4) + content

    def admit() -> None:
        with suppress(OSError):
            line, _ = listening.accept()
            with line:
                while line.recv(8)[:4] == struct.pack(">I", 8):
                    line.sendall(b"N")
                line.recv(4096)
                line.sendall(message(b"R", bytes(4)) + message(b"Z", b"I"))
                over.wait(30)

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        admitting = threading.Thread(target=admit)
        admitting.start()
        yield listening.getsockname()[1]
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        admitting.join()


def test_a_server_that_falls_silent_after_the_login_is_left(
    silent_after_login, sql_settings, monkeypatch
):
    monkeypatch.setattr(postgresql, "CONNECT_SECONDS", 1)
    settings = sql_settings(f"postgresql://reader@127.0.0.1:{silent_after_login}/trial", table="t")
    with pytest.raises(DataError, match="connection ended"):
        SOURCE.read(settings, ["a"])


def test_a_connection_that_is_killed_in_mid_read_gives_no_records(server, sql_settings):
    killing = threading.Thread(
        target=lambda: server.run(f"select pg_terminate_backend({backend(server)})")
    )
    killing.start()
    with pytest.raises(DataError, match="ended while the records were read"):
        SOURCE.read(sql_settings(server.url(), query=SLOW), ["a"])
    killing.join()


@pytest.fixture
def roles(server):
    """Roles with more and less rights, and a view that one of them may read and nothing else."""
    for role in ("reader", "writer", "owner", "nobody_else"):
        with suppress(psycopg.errors.UndefinedObject):
            server.run(f"drop owned by {role} cascade")
        server.run(f"drop role if exists {role}", f"create role {role} login password '{PASSWORD}'")
    server.run("drop schema if exists trial cascade", "create schema trial")
    server.run(
        "create table trial.patients (nr int)", "insert into trial.patients values (1)",
        "create view trial.export as select nr from trial.patients",
        "create table trial.other (nr int)", "alter table trial.other owner to owner",
        "grant usage on schema trial to reader, writer, owner",
        "grant select on trial.export to reader, writer, owner",
        "grant select, insert on trial.patients to writer",
    )  # fmt: skip
    return server


def test_the_doctor_warns_of_rights_that_the_node_does_not_need(roles, sql_settings):
    def warned(role: str) -> str:
        settings = sql_settings(roles.url(role), table="trial.export")
        return "\n".join(each.found for each in SOURCE.examined(settings, ["nr"]) if each.warns)

    assert "" == warned("reader")
    assert "may write (tables: 1), sees more than one table or view (2)" in warned("writer")
    assert "owns tables, schemas or databases (1)" in warned("owner")
    assert "is a superuser" in warned("postgres")
    assert "create role riskset_reader login" in warned("writer")
    assert PASSWORD not in warned("postgres")


def test_the_role_of_the_documentation_reads_and_has_no_other_right(roles, sql_settings):
    text = limits.READER.replace("as select ... from ...", "as select nr from trial.patients")
    text = text.replace("trial.riskset_export", "trial.shown")
    roles.run("drop role if exists riskset_reader")
    roles.run(*(part for part in text.split(";") if part.strip()))
    roles.run(f"alter role riskset_reader password '{PASSWORD}'")
    settings = sql_settings(roles.url("riskset_reader"), table="trial.shown")
    found = list(SOURCE.examined(settings, ["nr"]))
    roles.run("drop owned by riskset_reader", "drop role riskset_reader")

    assert [False] * len(found) == [each.warns for each in found]


@pytest.mark.parametrize(
    ("role", "said"), [("reader", "patients"), ("nobody_else", "schema trial")]
)
def test_what_a_role_may_not_read_is_told(roles, sql_settings, role, said):
    with pytest.raises(NodeConfigError, match=f"does not allow it.*{said}.*grant select"):
        SOURCE.read(sql_settings(roles.url(role), table="trial.patients"), ["nr"])


def test_an_encrypted_connection_is_verified_and_what_is_wrong_with_it_told(server, sql_settings, tmp_path):  # fmt: skip
    now = datetime.datetime.now(datetime.UTC)
    authority, made = make_certificates(["db.umc.example"], now)
    other, _ = make_certificates(["db.umc.example"], now)
    for name, content in {"ca": authority, "other": other, "crt": made.certificate, "key": made.key, "none": b"x"}.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    server.run("create table if not exists t as select 1 as x")

    def told(offering, host: str, ca: str) -> str:
        settings = sql_settings(offering.url(host=host), table="t", ca=tmp_path / ca)
        try:
            return " ".join(each.found for each in SOURCE.examined(settings, ["x"]))
        except RisksetError as error:
            return str(error)

    with tls_before(server, tmp_path / "crt", tmp_path / "key") as offering:
        assert "encrypted (TLS)" in told(offering, "db.umc.example", "ca")
        assert "not signed by the authority" in told(offering, "db.umc.example", "other")
        assert "for another host" in told(offering, "other.example", "ca")
        assert "no certificate in PEM form" in told(offering, "db.umc.example", "none")
    assert "offers no TLS" in told(server, "db.umc.example", "ca")


def test_a_server_is_reached_by_its_unix_socket(server, sql_settings):
    url = f"postgresql+psycopg://postgres:{PASSWORD}@/postgres?host={server.folder}&port={server.port}"

    assert {"x": [1]} == SOURCE.read(sql_settings(url, query="select 1 as x"), ["x"])


def test_what_libpq_takes_from_the_environment_changes_nothing(server, sql_settings, monkeypatch):
    for name, value in {
        "PGHOSTADDR": "192.0.2.1",
        "PGOPTIONS": "-c default_transaction_read_only=off -c timezone=Europe/Vienna",
        "PGSSLMODE": "disable",
    }.items():
        monkeypatch.setenv(name, value)
    query = "select current_setting('timezone') as x, current_setting('transaction_read_only') as y"
    found = SOURCE.read(sql_settings(server.url(), query=query), ["x", "y"])

    assert {"x": ["UTC"], "y": ["on"]} == found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((PASSWORD, f"{PASSWORD}x"), "refuses this user or this password"),
        (("postgres:", "nobody_here:"), "refuses this user or this password"),
        ((f":{PASSWORD}@", "@"), "the URL has none"),
        (("/postgres", "/nowhere"), "no database of this name"),
    ],
)
def test_a_server_that_refuses_is_told_without_the_password(server, sql_settings, change, said):
    changed = server.url().replace(*change) if change[0] != "/postgres" else server.url(database="nowhere")  # fmt: skip
    with pytest.raises(NodeConfigError, match=f"cannot be reached: .*{said}") as refused:
        SOURCE.header(sql_settings(changed, table="t"))

    assert PASSWORD not in str(refused.value)


def test_a_server_that_is_not_there_is_told(sql_settings, tmp_path):
    (tmp_path / "ca").write_text("x", "utf-8")
    url = f"postgresql+psycopg://u:{PASSWORD}@127.0.0.1:1/trial"
    with pytest.raises(
        NodeConfigError, match=r"sql trial on 127\.0\.0\.1: cannot be reached: nothing listens"
    ):
        SOURCE.header(sql_settings(url, table="t"))
    url = f"postgresql+psycopg://u:{PASSWORD}@nowhere.invalid/trial"
    with pytest.raises(NodeConfigError, match="the name of the host is not known here"):
        SOURCE.header(sql_settings(url, table="t", ca=tmp_path / "ca"))
    url = f"postgresql+psycopg://u:{PASSWORD}@/trial?host={tmp_path}"
    with pytest.raises(NodeConfigError, match="no socket of a server in this folder"):
        SOURCE.header(sql_settings(url, table="t"))
