"""Whatever goes wrong with a database, its password is in no error, no log, no settings, and not in what the doctor prints."""

from __future__ import annotations

import logging
import socket
import threading
import traceback

import pytest
import typer
from tests.postgres_server import PASSWORD

from riskset_common.errors import RisksetError
from riskset_node.commands.node import doctor
from riskset_node.config import read_node
from riskset_node.sources.sql import SqlSettings, SqlSource

SOURCE = SqlSource()


@pytest.fixture
def refusing():
    """Port of a server that answers every connection with rubbish and ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            while True:
                try:
                    arrived, _ = listening.accept()
                except OSError:
                    return
                with arrived:
                    arrived.sendall(b"N" * 100)

        thread = threading.Thread(target=refuse)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:{password}@127.0.0.1:1/trial",
        "postgresql+psycopg://u:{password}@127.0.0.1:{refusing}/trial",
        "postgresql+psycopg://u:{password}@127.0.0.1:{server}/trial",
        "postgresql+psycopg://postgres:{password}@127.0.0.1:{server}/postgres",
        "postgresql+psycopg://u:{password}@127.0.0.1:port/trial",
        "postgresql+psycopg://u:{password}@127.0.0.1/trial?what=1",
        "mariadb+pymysql://u:{password}@127.0.0.1:1/trial",
        "mariadb+pymysql://u:{password}@127.0.0.1:{refusing}/trial",
        "sqlite:///{password}@/trial.db",
        "sqlite://u:{password}@/trial.db",
        "oracle+oracledb://u:{password}@127.0.0.1/trial",
    ],
)
def test_a_password_is_told_to_nobody(url, server, refusing, site, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    (site.path / "url").write_text(
        url.format(password=PASSWORD, server=server.port, refusing=refusing), encoding="utf-8"
    )
    (site.path / "url").chmod(0o600)
    section = "source: {kind: sql, url: 'file:url', table: nowhere}\npatient: pat"
    config = site.node(section)
    said = [repr(config), config.model_dump_json()]
    for ask in (SOURCE.place, SOURCE.header, lambda settings: SOURCE.read(settings, ["pat"])):
        try:
            settings = read_node(site.path / "node.yaml").data.source
            assert isinstance(settings, SqlSettings)
            said.append(str(ask(settings)))
        except RisksetError as error:
            said += [str(error), *traceback.format_exception(error)]
    with pytest.raises(typer.Exit):
        doctor(site.path / "node.yaml")
    printed = capsys.readouterr()
    everything = "\n".join([*said, caplog.text, printed.out, printed.err])

    assert "FAIL  records" in printed.out
    assert PASSWORD not in everything
