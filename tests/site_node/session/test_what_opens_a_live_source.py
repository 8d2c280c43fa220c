"""Nothing is connected to before protocol, approval and policy had their say; and whatever fails then is the same for others."""

from __future__ import annotations

import hashlib
import socket
import sqlite3
import threading
from contextlib import suppress

import pytest
from tests.site_node.session.five_sites import CENTRE, NAMES, NOW, ROSTER, SITES

from riskset_common.consortium.roster import Roster
from riskset_common.errors import SignatureRefusal
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.pooling import make_offer
from riskset_common.wire.messages import Refused, read_message
from riskset_node.session.approval import NobodyIsAsked, PinnedPlans
from riskset_node.session.node import SiteNode
from riskset_node.session.trust import Trust
from riskset_node.state.node_state import NodeState

STRANGER = Identity.from_random(b"s" * 32)
POISON = "POISON4711"
COLUMNS = "pat, diagnosed, remission, relapse, died, seen, sex, age"
EXACT = "disclosure: {release: exact}\n"


@pytest.fixture
def door():
    """A port, and how often somebody came to it; whoever comes is sent away."""
    came: list[object] = []

    def count() -> None:
        with suppress(OSError):
            while True:
                line, who = listening.accept()
                came.append(who)
                line.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        counting = threading.Thread(target=count)
        counting.start()
        yield listening.getsockname()[1], came
        listening.shutdown(socket.SHUT_RDWR)
        counting.join()


class Asked:
    """A node with a source, which is offered plans."""

    def __init__(self, site, source: str, approval=None) -> None:
        site.path.mkdir(exist_ok=True)
        self.site, self.state = site, NodeState(site.path / "node.sqlite")
        draws = iter(range(1000))
        self.node = SiteNode(
            site.node(f"source: {source}\npatient: pat\n"),
            SITES[0],
            Trust(CENTRE.public, ROSTER),
            self.state,
            approval or NobodyIsAsked(),
            now=lambda: NOW,
            random=lambda n: hashlib.sha256(str(next(draws)).encode()).digest()[:n],
        )

    def offer(self, more: str = "", roster: Roster = ROSTER, centre: Identity = CENTRE) -> bytes:
        study = self.site.study(plan=more + self.site.PLAN, sites=NAMES)
        texts = canonical_json(study.plan), canonical_json(study.codebook)
        return self.node.answer(make_offer(centre, b"n" * 32, roster, *texts, 7)[1].to_bytes())

    def refusal(self, more: str = "", roster: Roster = ROSTER) -> str:
        answer = read_message(self.offer(more, roster))
        assert isinstance(answer, Refused)
        return answer.wire_code


def database(port: int) -> str:
    return f"{{kind: sql, url: 'postgresql://reader@127.0.0.1:{port}/trial', table: t}}"


def redcap(port: int) -> str:
    return f"{{kind: redcap, url: 'http://127.0.0.1:{port}/api/', token: 'env:REDCAP_TOKEN'}}"


@pytest.mark.parametrize("source", [database, redcap])
def test_nothing_is_connected_to_for_an_offer_that_is_refused(site, door, source, monkeypatch):
    monkeypatch.setenv("REDCAP_TOKEN", "A" * 32)
    port, came = door
    asked = Asked(site, source(port))
    other = ROSTER.model_copy(update={"version": 2})

    assert ("signature", "policy") == (asked.refusal("", other), asked.refusal(EXACT))
    with pytest.raises(SignatureRefusal):
        asked.offer(centre=STRANGER)
    asked.state.require_roster(2)
    assert ("protocol", []) == (asked.refusal(), came)
    asked.state.close()

    asked = Asked(type(site)(site.path / "pinned"), source(port), PinnedPlans())
    assert ("approval", []) == (asked.refusal(), came)
    asked.state.close()

    asked = Asked(type(site)(site.path / "agreed"), source(port))
    assert ("data", True) == (asked.refusal(), bool(came))
    asked.state.close()


def rows(site, columns: str, values: str) -> str:
    """A SQLite file with one row."""
    with sqlite3.connect(site.path / "trial.db") as file:
        file.execute(f"create table t ({columns})")
        file.execute(f"insert into t values ({values})")
    file.close()
    return "{kind: sql, url: 'sqlite:///trial.db', table: t, dates: '%Y-%m-%d'}"


def a_column_is_gone(site) -> str:
    return rows(site, f"pat, {POISON}", f"'{POISON}', '{POISON}'")


def no_date(site) -> str:
    return rows(site, COLUMNS, f"'{POISON}', '{POISON}', null, null, null, '2012-01-01', 'male', 5")


def no_level(site) -> str:
    return rows(site, COLUMNS, f"'1', '2010-01-01', null, null, null, '2012-01-01', '{POISON}', 5")


def bytes_in_a_column(site) -> str:
    return rows(site, COLUMNS, "'1', x'00ff', null, null, null, '2012-01-01', 'male', 5")


def no_number(site) -> str:
    return rows(
        site, COLUMNS, f"'1', '2010-01-01', null, null, null, '2012-01-01', 'male', '{POISON}'"
    )


def fails_on_a_value(site) -> str:
    rows(site, COLUMNS, f"'{POISON}', '2010-01-01', null, null, null, '2012-01-01', 'male', 5")
    query = "select *, json_extract(pat, pat) as x from t where json(pat) is not null"
    return f"{{kind: sql, url: 'sqlite:///trial.db', query: '{query}', dates: '%Y-%m-%d'}}"


def no_database(site) -> str:
    return "{kind: sql, url: 'sqlite:///trial.db', table: t}"


def a_damaged_cut(site) -> str:
    (site.path / "a.cut").write_bytes(b"riskset cut\x01" + POISON.encode())
    return "{kind: cut, path: a.cut}"


def no_server(site) -> str:
    return "{kind: redcap, url: 'http://127.0.0.1:1/api/', token: 'env:REDCAP_TOKEN'}"


BROKEN = (
    *(a_column_is_gone, no_date, no_level, bytes_in_a_column, no_number, fails_on_a_value),
    *(no_database, a_damaged_cut, no_server),
)


def test_whatever_is_wrong_with_a_source_gets_the_same_bytes(site, monkeypatch):
    monkeypatch.setenv("REDCAP_TOKEN", "A" * 32)
    answers = set()
    for broken in BROKEN:
        folder = type(site)(site.path / broken.__name__)
        folder.path.mkdir()
        asked = Asked(folder, broken(folder))
        answers.add(asked.offer())
        assert not asked.state.cuts._folder.exists(), broken
        asked.state.close()

    [answer] = answers
    said = read_message(answer)
    assert isinstance(said, Refused)
    assert "data" == said.wire_code
    assert POISON.encode() not in answer
