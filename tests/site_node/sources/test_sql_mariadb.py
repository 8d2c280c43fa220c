"""MariaDB: its errors in a data manager's words; and a real server, where the machine has one (`make slow`)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path

import pymysql
import pytest
from tests.postgres_server import PASSWORD

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.sql import SqlSource

SOURCE = SqlSource()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1045, "refuses this user or this password"),
        (1044, "may not use the database"),
        (1049, "no database of this name"),
        (1040, "no connection left"),
        (1234, "the database gave the error 1234"),
    ],
)
def test_a_server_that_refuses_is_told_by_its_number(sql_settings, number, said):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def refuse() -> None:
            arrived, _ = listening.accept()
            text = b"\xff" + number.to_bytes(2, "little") + f"#28000{PASSWORD} for 4711".encode()
            with arrived:
                arrived.sendall(len(text).to_bytes(3, "little") + b"\0" + text)

        refusing = threading.Thread(target=refuse)
        refusing.start()
        url = f"mariadb+pymysql://u:{PASSWORD}@127.0.0.1:{port}/trial"
        with pytest.raises(NodeConfigError, match=said) as refused:
            SOURCE.header(sql_settings(url, table="t"))
        refusing.join()

    assert not any(word in str(refused.value) for word in (PASSWORD, "4711"))


def test_a_server_that_is_not_there_is_told(sql_settings, tmp_path):
    near = f"mysql+pymysql://u:{PASSWORD}@127.0.0.1:1/trial"
    with pytest.raises(NodeConfigError, match=r"sql trial on 127\.0\.0\.1.*nothing listens"):
        SOURCE.header(sql_settings(near, table="t"))
    socket_there = f"mariadb+pymysql://u:{PASSWORD}@/trial?unix_socket={tmp_path / 'none'}"
    with pytest.raises(NodeConfigError, match="no socket of a server"):
        SOURCE.header(sql_settings(socket_there, table="t"))


HERE = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
only_where_it_is = [
    pytest.mark.slow,
    pytest.mark.skipif(HERE is None, reason="no MariaDB here: apt-get install mariadb-server"),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the user `reader`, who sees one view, and `writer`, who may do anything in the database `trial`."""
    folder = tmp_path_factory.mktemp("mariadb")
    options = ["--no-defaults", f"--basedir={Path(str(HERE)).parents[1]}", f"--datadir={folder / 'data'}", "--user=root"]  # fmt: skip
    install = shutil.which("mariadb-install-db") or "/usr/bin/mariadb-install-db"
    more = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run([install, *options, *more], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    at = folder / "s"
    started = subprocess.Popen(
        [str(HERE), *options, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={at}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        with closing(_first(at, started)) as root, root.cursor() as cursor:
            for statement in (
                "create database trial",
                "create table trial.t (a int, n decimal(14,3), d date, b blob, m time, f float, `q``x%` text)",
                "set sql_mode = ''",
                "insert into trial.t values (1, 20, '0000-00-00', 'x', '10:00', 1234567, '%z:x')",
                "create view trial.v as select a from trial.t",
                f"create user reader identified by '{PASSWORD}'",
                "grant select on trial.v to reader",
                f"create user writer identified by '{PASSWORD}'",
                "grant all on trial.* to writer",
            ):
                cursor.execute(statement)
        yield f"mariadb+pymysql://USER:{PASSWORD}@127.0.0.1:{port}/trial"
    finally:
        started.terminate()
        started.wait()


def _first(at: Path, started: subprocess.Popen[bytes]) -> pymysql.Connection:
    while started.poll() is None:
        # PyMySQL leaves its socket open where nobody listens yet.
        with suppress(OSError), socket.socket(socket.AF_UNIX) as tried:
            tried.connect(str(at))
            return pymysql.connect(unix_socket=str(at), user="root", autocommit=True)
    raise RuntimeError("MariaDB did not start")


class TestARealServer:
    pytestmark = only_where_it_is

    def test_values_keep_what_they_are(self, url, sql_settings):
        settings = sql_settings(url.replace("USER", "writer"), table="t")
        found = SOURCE.read(settings, ["a", "n", "d", "q`x%"])

        assert {"a": [1], "n": [Decimal("20.000")], "d": ["0000-00-00"], "q`x%": ["%z:x"]} == found
        for column, kind in (("b", "bytes"), ("m", "interval")):
            with pytest.raises(DataError, match=f"column '{column}' holds values of type {kind}"):
                SOURCE.read(settings, [column])
        with pytest.raises(DataError, match=r"column 'f' has the type FLOAT.* six digits"):
            SOURCE.read(settings, ["f"])

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"query": "select 1 as a; drop table t"}, "must be one SELECT"),
            ({"query": "select 1 as a) as q; drop table t; --"}, "must be one SELECT"),
            ({"query": "delete from t"}, "must be one SELECT"),
            ({"query": "select a, a from t"}, "Duplicate column name"),
            ({"query": "select sleep(30) as a", "timeout": 1}, "not read within 1 seconds"),
            ({"table": "nowhere"}, "Correct data.source.table"),
        ],
    )
    def test_what_is_not_one_short_select_is_refused(self, url, sql_settings, more, said):
        with pytest.raises(NodeConfigError, match=said):
            SOURCE.read(sql_settings(url.replace("USER", "writer"), **more), ["a"])

    def test_the_doctor_warns_of_rights_that_the_node_does_not_need(self, url, sql_settings):
        warned = {
            user: [each.found for each in SOURCE.examined(sql_settings(url.replace("USER", user), table="v"), ["a"]) if each.warns]
            for user in ("reader", "writer")
        }  # fmt: skip

        assert [] == warned["reader"]
        assert "may do more than read and sees whole databases" in warned["writer"][0]
        assert PASSWORD not in warned["writer"][0]

    def test_what_a_user_may_not_read_is_told(self, url, sql_settings):
        with pytest.raises(NodeConfigError, match="does not allow it"):
            SOURCE.header(sql_settings(url.replace("USER", "reader"), table="t"))
