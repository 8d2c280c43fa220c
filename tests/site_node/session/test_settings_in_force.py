"""A policy that is changed acts without a restart; what could change the records or the site's name waits for one."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import replace

import pytest
import structlog
from tests.site_node.session.five_sites import CENTRE, NAMES, NOW, ROSTER, SITES

from riskset_common.errors import PolicyRefusal
from riskset_common.formats.canonical_json import canonical_json, sha256_hex
from riskset_common.rounds.questions import rule_of
from riskset_common.secure.sums.pooling import collect_keys, make_offer
from riskset_common.secure.sums.site_session import SessionSecrets, advertise
from riskset_common.wire.messages import Advertisement, Refused, read_message
from riskset_node.session.approval import NobodyIsAsked, PinnedPlans
from riskset_node.session.joined import JoinedSession
from riskset_node.session.node import SiteNode
from riskset_node.session.settings import Settings
from riskset_node.session.trust import Trust
from riskset_node.state.node_state import NodeState
from riskset_node.state.told import told_by

RECORDS = "source: {kind: csv, path: patients.csv}\npatient: pat\n"
ROWS = "1,2010-01-01,2010-02-01,,,2012-01-01,male,5.9\n2,2010-01-02,,,,2011-06-01,female,6\n"


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


class Watched:
    """A node whose node.yaml is rewritten while it runs."""

    def __init__(self, site, *, pinned: bool = False) -> None:
        self.site, self.at = site, NOW
        site.patients(ROWS)
        self.study = site.study(sites=NAMES)
        config = site.node(RECORDS, "policy: {minimum_cell: 5}")
        self.state = NodeState(site.path / "node.sqlite")
        self.node = SiteNode(
            config,
            SITES[0],
            Trust(CENTRE.public, ROSTER),
            self.state,
            PinnedPlans() if pinned else NobodyIsAsked(),
            now=lambda: self.at,
            random=lambda n: secret("draw", self.state.path)[:n],
            file=site.path / "node.yaml",
        )

    def write(self, more: str, records: str = RECORDS) -> None:
        self.at += datetime.timedelta(minutes=1)
        section = "".join(f"  {line}\n" for line in records.splitlines())
        self.site.write("node.yaml", f"site: dcog\nstudy_group: NOPHO\ndata:\n{section}{more}\n")

    def answer(self, message) -> str:
        """The code of a refusal; empty where there is none."""
        reply = self.node.answer(message.to_bytes())
        read = read_message(reply) if reply else None
        return read.wire_code if isinstance(read, Refused) else ""

    def offer(self, nonce: str = "first"):
        plan, codebook = canonical_json(self.study.plan), canonical_json(self.study.codebook)
        return make_offer(CENTRE, secret(nonce), ROSTER, plan, codebook, 7)

    def keys(self, sid: bytes, own: Advertisement):
        others = [
            advertise(
                SITES[n], n + 1, sid, SessionSecrets(secret(n), secret(-n)), bytes(32), ROSTER
            )
            for n in range(1, 5)
        ]
        advertised = [own, *(each for _, each in others)]
        return collect_keys(CENTRE, sid, ROSTER, advertised, rule_of(self.study.plan, ROSTER))[1]

    @property
    def told(self):
        return told_by(self.state.path).settings


@pytest.fixture
def watched(site):
    watched = Watched(site)
    yield watched
    watched.state.close()


def test_a_stricter_policy_refuses_the_next_offer_and_a_looser_one_takes_it(watched):
    watched.write("policy: {minimum_cell: 9}")
    strict = watched.answer(watched.offer()[1])
    watched.write("policy: {minimum_cell: 5}")

    assert ("policy", "") == (strict, watched.answer(watched.offer()[1]))


def test_a_plan_is_answered_once_it_is_pinned_and_without_a_restart(site):
    watched = Watched(site, pinned=True)
    pin = f"{{plan: {sha256_hex(watched.study.plan)}, codebook: {sha256_hex(watched.study.codebook)}}}"
    other = f"{{plan: {sha256_hex(watched.study.plan)}, codebook: {'f' * 64}}}"
    nothing = watched.answer(watched.offer()[1])
    why = str(watched.node.refusal)
    site.patients("broken")
    watched.write(f"centre: {{plans: [{other}]}}")
    another = watched.answer(watched.offer()[1])
    site.patients(ROWS)
    watched.write(f"centre: {{plans: [{other}, {pin}]}}")
    pinned = watched.answer(watched.offer()[1])
    watched.state.close()

    assert ("approval", "approval", "") == (nothing, another, pinned)
    assert f"plans: [{pin}]" in why


def test_a_run_under_way_is_refused_once_the_policy_no_longer_allows_its_plan(watched):
    sid, offer = watched.offer()
    own = Advertisement.from_bytes(watched.node.answer(offer.to_bytes()))
    keys = watched.keys(sid, own)
    watched.write("policy: {estimators: [cox]}")
    strict = watched.answer(keys)
    reason = watched.node.refusal
    watched.write("policy: {}")
    again = watched.answer(keys)
    watched.write(f"policy: {{expires: {NOW.date()}}}")
    on_the_last_day = watched.answer(keys)
    watched.at += datetime.timedelta(days=1)

    assert ("policy", "", "", "policy") == (strict, again, on_the_last_day, watched.answer(keys))
    assert "asks for kaplan_meier, here allowed: cox" in str(reason)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("policy: {minimum_cel: 9}", "minimum_cel"),
        ("policy: {minimum_cell: many}", "minimum_cell"),
        ("policy: {", "node.yaml"),
        (b"policy: \xff\x00", "node.yaml"),
        ("policy: {expires: 2026-13-45}", "node.yaml"),
        ("? {[a]: {b}}\n: c", "node.yaml"),
        ("policy: " + 5000 * "[", "node.yaml"),
        (None, "node.yaml"),
    ],
)
def test_a_broken_node_yaml_keeps_the_policy_and_is_told_once(watched, broken, said):
    if broken is None:
        (watched.site.path / "node.yaml").unlink()
    elif isinstance(broken, bytes):
        (watched.site.path / "node.yaml").write_bytes(broken)
    else:
        watched.write(broken)
    with structlog.testing.capture_logs() as logged:
        answers = [watched.answer(watched.offer(str(n))[1]) for n in range(3)]
    trouble = watched.told
    watched.write("policy: {minimum_cell: 9}")
    mended = watched.answer(watched.offer("mended")[1])

    assert ["", "", ""] == answers
    assert (NOW, True) == (trouble.policy_at, said in trouble.trouble)
    assert 1 == [each["event"] for each in logged].count("node_yaml_not_used")
    assert ("policy", "", watched.at) == (mended, watched.told.trouble, watched.told.policy_at)


def test_a_change_is_logged_with_both_values(watched):
    watched.write("policy: {minimum_cell: 9, estimators: [cox, gray]}")
    with structlog.testing.capture_logs() as logged:
        watched.answer(watched.offer()[1])
    (said,) = [each["said"] for each in logged if each["event"] == "policy_changed"]

    assert said.startswith("policy.estimators: kaplan_meier, log_rank")
    assert said.endswith("-> cox, gray; policy.minimum_cell: 5 -> 9")


def test_records_name_and_state_wait_for_a_restart(watched):
    watched.answer(watched.offer()[1])
    other = RECORDS.replace("patients.csv", "others.csv")
    watched.write("state: elsewhere\npolicy: {}", other)
    again = watched.answer(watched.offer()[1])
    anew = watched.answer(watched.offer("second")[1])

    assert ("", "") == (again, anew)
    assert ("data.source", "state") == watched.told.waiting


def test_the_minimum_of_sites_of_a_run_may_rise_and_never_falls(watched, site):
    settings = Settings(watched.node._config, site.path / "node.yaml", watched.state, lambda: NOW)
    sid, offer = watched.offer()
    watched.node.answer(offer.to_bytes())
    keys = watched.keys(sid, watched.node._sessions.of(sid).session.advertisement)
    watched.node.answer(keys.to_bytes())
    joined: JoinedSession = watched.node._sessions.of(sid)
    joined = replace(joined, session=replace(joined.session, minimum_sites=2))
    minima = []
    for least in (3, 5, 4):
        watched.write(f"policy: {{minimum_sites: {least}}}")
        settings.renew()
        joined = settings.still_allow(joined)
        minima.append(joined.session.minimum_sites)
    watched.write("policy: {minimum_sites: 6}")
    settings.renew()

    assert [3, 5, 5] == minima
    with pytest.raises(PolicyRefusal, match=r"policy\.minimum_sites: 5 in this run"):
        settings.still_allow(joined)


def test_the_settings_of_a_local_run_are_those_that_were_given(watched, site):
    settings = Settings(watched.node._config, None, watched.state, lambda: NOW)
    watched.write("policy: {minimum_cell: 9}")
    settings.renew()

    assert 5 == settings.config.policy.minimum_cell
