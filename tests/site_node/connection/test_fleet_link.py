"""A node whose centre does not answer waits, says so, and goes on when it answers again."""

from __future__ import annotations

import datetime
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from riskset_node.connection.fleet import Connection, FleetLink
from riskset_server.centre.certificates import make_certificates

NOW = datetime.datetime(2018, 6, 1, 12, tzinfo=datetime.UTC)


def link(folder: Path, said: list[str]) -> FleetLink:
    ca = make_certificates(["127.0.0.1"], NOW)[0]
    key = ec.generate_private_key(ec.SECP384R1())
    connection = Connection("centre.example:443", ca, key, None, folder, stream=False)
    return FleetLink(connection, said.append, lambda _: False)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_node_outlives_a_centre_that_is_started_again(tmp_path, status):
    request = httpx.Request("POST", "https://centre.example/v1/fleet/pull-messages")
    answers = [httpx.Response(status, request=request), httpx.Response(200, request=request)]
    said: list[str] = []

    answered = link(tmp_path, said)._call(
        lambda _: answers.pop(0).raise_for_status().status_code,
        "pull",
    )

    assert 200 == answered
    assert [
        f"waiting for centre.example:443: it answers {status}; again in 0.2 s",
        "centre.example:443 answers again",
    ] == said
