"""The cut of a session: made at joining, and gone with the keys, however the session ends."""

from __future__ import annotations

import hashlib

import pytest
from tests.site_node.session.five_sites import CENTRE, NAMES, NOW, ROSTER, SITES

from riskset_common.errors import ProtocolRefusal, RecordsFailed
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.secure.sums.pooling import make_close, make_offer
from riskset_common.wire.messages import Advertisement, Refused, read_message
from riskset_node.session.approval import NobodyIsAsked
from riskset_node.session.node import MOST_REFUSALS, SiteNode
from riskset_node.session.trust import Trust
from riskset_node.sources.csv import CsvSource
from riskset_node.sources.cut_file import read_cut
from riskset_node.state.node_state import NodeState

ROWS = "4711,2010-01-01,2010-02-01,,,2012-01-01,male,5.9\n4712,2010-01-02,,,,2011-06-01,female,6\n"


class Live:
    """A node with a live source that can be killed and started again."""

    def __init__(self, site) -> None:
        self.site, self.study = site, site.study(sites=NAMES)
        self.folder = site.path / "state" / "cuts"
        self.folder.parent.mkdir()
        self.start()

    def start(self) -> None:
        self.state = NodeState(self.folder.parent / "node.sqlite", self.folder)
        records = "source: {kind: csv, path: patients.csv}\npatient: pat\n"
        draws = iter(range(1000))
        self.node = SiteNode(
            self.site.node(records),
            SITES[0],
            Trust(CENTRE.public, ROSTER),
            self.state,
            NobodyIsAsked(),
            now=lambda: NOW,
            random=lambda n: hashlib.sha256(str(next(draws)).encode()).digest()[:n],
        )

    def restart(self) -> None:
        self.state.close()
        self.start()

    def join(self, nonce: bytes = b"n" * 32):
        plan, codebook = canonical_json(self.study.plan), canonical_json(self.study.codebook)
        sid, offer = make_offer(CENTRE, nonce, ROSTER, plan, codebook, 7)
        return sid, read_message(self.node.answer(offer.to_bytes()))

    @property
    def kept(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


@pytest.fixture
def live(site, monkeypatch):
    monkeypatch.setattr(CsvSource, "is_live", lambda *_: True)
    site.patients(ROWS)
    made = Live(site)
    yield made
    made.state.close()


def test_what_is_kept_are_coded_variables_without_ids_and_findings(live):
    sid, answer = live.join()
    file = live.folder / sid.hex()
    cut = read_cut(file, "here")

    assert isinstance(answer, Advertisement)
    assert [sid.hex()] == live.kept
    assert (0o700, 0o600) == (live.folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777)
    assert (None, None, ()) == (cut.header.patient, cut.header.local_ids, cut.header.findings)
    assert {"diagnosed", "remission", "relapse", "died", "seen", "sex", "age"} == {
        *cut.patients.categories, *cut.patients.numbers, *cut.patients.dates,
    }  # fmt: skip


def test_the_cut_goes_with_the_keys_when_the_centre_closes(live):
    sid, _ = live.join()
    live.node.answer(make_close(CENTRE, sid).to_bytes())

    assert (False, False) == (live.state.is_open(sid), live.folder.exists())


def test_the_cut_goes_when_this_site_ends_the_session(live):
    sid, _ = live.join()
    other, _ = live.join(b"m" * 32)
    for _ in range(MOST_REFUSALS + 1):
        live.node.refuse(make_close(CENTRE, sid), ProtocolRefusal("out of place"))

    assert (False, True) == (live.state.is_open(sid), live.state.is_open(other))
    assert [other.hex()] == live.kept


def test_an_offer_that_is_refused_leaves_no_cut(live, site):
    site.patients("4711,2010-01-01,,2009-02-01,,2012-01-01,male,5.9\n")
    _, answer = live.join()

    assert (True, "data") == (isinstance(answer, Refused), answer.wire_code)
    assert not live.folder.exists()


def test_a_node_that_starts_again_deletes_what_no_open_session_needs_and_nothing_else(live):
    sid, _ = live.join()
    (live.folder / ("a" * 64)).write_bytes(b"of a session that was never joined")
    (live.folder / ("b" * 64 + ".part")).write_bytes(b"half")
    (live.folder / "2017-12-31.cut").write_bytes(b"the site's own")
    live.restart()

    assert ["2017-12-31.cut", sid.hex()] == sorted(live.kept)


def test_a_cut_that_was_lost_is_made_again_from_the_same_records_only(live, site):
    sid, _ = live.join()
    (live.folder / sid.hex()).unlink()
    live.restart()
    session = live.node._session(sid)
    same = live.node._records.of(session).n
    kept = live.kept
    (live.folder / sid.hex()).unlink()
    live.restart()
    site.patients(ROWS + "4713,2010-01-02,,,,2011-06-01,female,6\n")
    with pytest.raises(RecordsFailed, match="not those with which it joined"):
        live.node._records.of(live.node._session(sid))

    assert (2, [sid.hex()]) == (same, kept)


def test_a_damaged_cut_is_no_record(live):
    sid, _ = live.join()
    file = live.folder / sid.hex()
    file.write_bytes(file.read_bytes()[:-3])
    live.restart()
    with pytest.raises(RecordsFailed, match="the cut is damaged"):
        live.node._records.of(live.node._session(sid))


def test_a_cut_that_cannot_be_written_keeps_the_site_out(live):
    live.folder.write_bytes(b"a file is in its place")
    sid, answer = live.join()

    assert ("data", False) == (answer.wire_code, live.state.is_open(sid))
    assert "cut of this session cannot be written" in str(live.node.refusal)
