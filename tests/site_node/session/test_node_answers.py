"""What a site node answers: it checks the centre, the plan and its own records, and tells the centre a kind of reason only."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import structlog

from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import (
    DataError,
    NodeConfigError,
    PlanError,
    PolicyRefusal,
    ProtocolRefusal,
    SignatureRefusal,
)
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.planning.read import ReleasePlan
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.questions import rule_of
from riskset_common.secure.sums.pooling import collect_keys, make_close, make_offer
from riskset_common.secure.sums.site_session import SessionSecrets, SiteSession, advertise
from riskset_common.wire.frame import Message
from riskset_common.wire.messages import Advertisement, Refused, read_message
from riskset_node.session.approval import NobodyIsAsked
from riskset_node.session.node import SiteNode
from riskset_node.session.trust import Trust
from riskset_node.state.node_state import NodeState
from riskset_node.state.outbox import Outbox

NOW = datetime.datetime(2018, 6, 1, 12, tzinfo=datetime.UTC)
CENTRE, STRANGER = Identity.from_random(b"c" * 32), Identity.from_random(b"x" * 32)
NAMES = ("aieop", "coall", "dcog", "nopho", "sjcrh")
SITES = [Identity.from_random(name.encode().ljust(32, b".")) for name in NAMES]
ROSTER = Roster(
    version=1,
    members=tuple(
        Member(site_id=number, name=name, study_group=name.upper(), public=site.public)
        for number, (name, site) in enumerate(zip(NAMES, SITES, strict=True), 1)
    ),
)
OWN = NAMES.index("dcog")
ROWS = """
1,2010-01-01,2010-02-01,,,2012-01-01,male,5.9
2,2010-01-02,,2011-01-02,2011-06-01,2011-06-01,female,6
3,2010-01-02,,,2010-01-05,2010-01-05,female,7
"""
POISON = "POISON-4711,2010-01-02,,,2009-01-05,2010-01-05,female,3.1415926535"


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


@dataclass
class Played:
    """One node, and the centre and the other sites around it, played by the test."""

    node: SiteNode
    outbox: Outbox
    plan: bytes
    codebook: bytes
    sessions: list[SiteSession] = field(default_factory=list)

    def offer(self, nonce: str = "first", centre: Identity = CENTRE, roster: Roster = ROSTER):
        return make_offer(centre, secret(nonce), roster, self.plan, self.codebook, 7)

    def keys(self, sid: bytes, own: Advertisement, others: int = 4) -> Message:
        """The keys of a session in which this site and some others take part, from a centre that asks for no minimum."""
        advertised = [own]
        for number in [number for number in range(len(SITES)) if number != OWN][:others]:
            secrets = SessionSecrets(secret("key", number), secret("root", number))
            parts = SITES[number], number + 1, sid, secrets, bytes(32), ROSTER
            advertised.append(advertise(*parts)[1])
        chosen = [each.site_id for each in advertised]
        members = tuple(member for member in ROSTER.members if member.site_id in chosen)
        roster = ROSTER.model_copy(update={"members": members})
        rule = replace(
            rule_of(ReleasePlan.model_validate_json(self.plan), ROSTER),
            minimum_sites=min(5, others + 1),
        )
        return collect_keys(CENTRE, sid, roster, advertised, rule)[1]

    def refused(self, answer: bytes) -> str:
        """The code of a refusal."""
        read = read_message(answer)
        if not isinstance(read, Refused):
            raise TypeError(type(read).__name__)
        return read.wire_code


@pytest.fixture
def play(site, tmp_path: Path) -> Iterator[Callable[..., Played]]:
    opened: list[NodeState] = []

    def start(
        rows: str = ROWS, plan: str = site.PLAN, policy: str = "", group: str = "DCOG"
    ) -> Played:
        site.patients(rows)
        section = "source: {kind: csv, path: patients.csv}\npatient: pat"
        config = site.node(section, f"policy: {{{policy}}}")
        config = config.model_copy(update={"study_group": group})
        study = site.study(plan)
        state = NodeState(tmp_path / f"node-{len(opened)}.sqlite")
        opened.append(state)
        draws = iter(range(1000))
        node = SiteNode(
            config,
            SITES[OWN],
            Trust(CENTRE.public, ROSTER),
            state,
            NobodyIsAsked(),
            now=lambda: NOW,
            random=lambda n: secret("draw", next(draws))[:n],
        )
        return Played(
            node, state.outbox, canonical_json(study.plan), canonical_json(study.codebook)
        )

    yield start
    for state in opened:
        state.close()


def test_a_good_offer_is_joined_and_the_answer_written_down(play) -> None:
    played = play()
    sid, offer = played.offer()
    answer = played.node.answer(offer.to_bytes())
    read = read_message(answer)

    assert isinstance(read, Advertisement)
    assert (sid, OWN + 1) == (read.sid, read.site_id)
    assert [answer] == [entry.message for entry in played.outbox.entries()]
    assert played.node.refusal is None
    assert "dcog" == played.node.name


def test_the_same_offer_gets_the_same_bytes(play) -> None:
    played = play()
    offer = played.offer()[1].to_bytes()

    assert played.node.answer(offer) == played.node.answer(offer)


def test_a_node_is_idle_until_it_joins_and_after_the_close(play) -> None:
    played = play()
    sid, offer = played.offer()
    before = played.node.is_idle
    played.node.answer(offer.to_bytes())
    within = played.node.is_idle
    played.node.answer(make_close(CENTRE, sid).to_bytes())

    assert (True, False, True) == (before, within, played.node.is_idle)


def test_a_close_is_told_once_and_only_of_a_session_that_the_site_joined(play) -> None:
    played = play()
    sid, offer = played.offer()
    close = make_close(CENTRE, sid).to_bytes()
    told: list[list[str]] = []
    for messages in ([close], [offer.to_bytes(), close], [close]):
        with structlog.testing.capture_logs() as logged:
            for message in messages:
                played.node.answer(message)
        told.append([line["event"] for line in logged])

    assert [[], ["session_joined", "session_closed"], []] == told


def test_another_session_gets_another_key_and_another_commitment(play) -> None:
    played = play()
    first, second = (
        Advertisement.from_bytes(played.node.answer(played.offer(nonce)[1].to_bytes()))
        for nonce in ("first", "second")
    )

    assert first.ephemeral != second.ephemeral
    assert first.snapshot != second.snapshot


def test_an_offer_of_another_centre_is_dropped(play) -> None:
    played = play()
    with pytest.raises(SignatureRefusal, match="another key than that of the centre"):
        played.node.answer(played.offer(centre=STRANGER)[1].to_bytes())

    assert [] == list(played.outbox.entries())


def test_an_offer_with_another_roster_is_refused(play) -> None:
    played = play()
    larger = Roster(version=2, members=ROSTER.members)

    assert "signature" == played.refused(
        played.node.answer(played.offer(roster=larger)[1].to_bytes())
    )


def test_an_offer_that_was_changed_on_its_way_is_dropped(play) -> None:
    played = play()
    offer = played.offer()[1]
    turned = offer.model_copy(update={"body": offer.body.replace(b"infants-main", b"infants-mean")})

    with pytest.raises(SignatureRefusal, match="the centre's Offer"):
        played.node.answer(turned.to_bytes())


@pytest.mark.parametrize(
    ("changes", "code", "reason", "said"),
    [
        ({"policy": "minimum_sites: 6"}, "policy", PolicyRefusal, "policy.minimum_sites"),
        ({"policy": "expires: 2018-05-31"}, "policy", PolicyRefusal, "policy.expires"),
        ({"rows": ROWS + POISON}, "data", DataError, "died lies before diagnosed"),
        ({"rows": ROWS + ROWS}, "data", DataError, "the same patient"),
        ({"rows": ""}, "data", DataError, "only a header"),
    ],
    ids=["too few sites", "expired", "reversed dates", "duplicates", "nobody"],
)
def test_a_reason_stays_at_the_site_and_its_kind_is_told(play, changes, code, reason, said) -> None:
    played = play(**changes)
    answer = played.node.answer(played.offer()[1].to_bytes())

    assert code == played.refused(answer)
    assert isinstance(played.node.refusal, reason)
    assert said in str(played.node.refusal)
    assert not any(word in answer for word in (b"POISON", b"4711", b"3.14", b"patients.csv"))
    assert [answer] == [entry.message for entry in played.outbox.entries()]


def test_a_plan_that_does_not_fit_its_codebook_is_refused_by_the_site_too(play, site) -> None:
    played = play(plan=site.PLAN.replace("by: sex", "by: age"))

    assert "plan" == played.refused(played.node.answer(played.offer()[1].to_bytes()))
    assert isinstance(played.node.refusal, PlanError)


def test_keys_are_accepted_without_a_word(play) -> None:
    played = play()
    sid, offer = played.offer()
    own = read_message(played.node.answer(offer.to_bytes()))

    assert b"" == played.node.answer(played.keys(sid, own).to_bytes())


def test_keys_of_fewer_sites_than_the_policy_wants_are_refused(play) -> None:
    played = play()
    sid, offer = played.offer()
    own = read_message(played.node.answer(offer.to_bytes()))

    assert "protocol" == played.refused(played.node.answer(played.keys(sid, own, 3).to_bytes()))
    assert "has 4 sites" in str(played.node.refusal)


def test_keys_of_a_session_that_was_not_joined_are_refused(play) -> None:
    played, another = play(), play()
    sid, offer = played.offer()
    own = read_message(played.node.answer(offer.to_bytes()))
    keys = played.keys(sid, own).to_bytes()

    assert "protocol" == another.refused(another.node.answer(keys))
    assert "did not join" in str(another.node.refusal)


def test_a_node_that_lost_its_memory_goes_on_from_its_file(play) -> None:
    played = play()
    sid, offer = played.offer()
    own = read_message(played.node.answer(offer.to_bytes()))
    stranger = play()

    assert "protocol" == stranger.refused(stranger.node.answer(played.keys(sid, own).to_bytes()))
    assert "did not join" in str(stranger.node.refusal)


def test_a_message_that_is_not_for_a_site_is_dropped(play) -> None:
    played = play()
    own = played.node.answer(played.offer()[1].to_bytes())

    with pytest.raises(ProtocolRefusal, match="only what a centre sends is"):
        played.node.answer(own)


@pytest.mark.parametrize("noise", [b"", b"RS", b"GET / HTTP/1.1\r\n\r\n", bytes(64)])
def test_bytes_that_are_no_message_have_nobody_to_be_answered(play, noise: bytes) -> None:
    played = play()
    with pytest.raises(ProtocolRefusal):
        played.node.answer(noise)

    assert [] == list(played.outbox.entries())


def test_a_site_that_the_roster_does_not_know_cannot_start(play) -> None:
    with pytest.raises(NodeConfigError, match=r"the roster \(version 1\) says 'DCOG'"):
        play(group="NOPHO")


def test_a_name_that_the_roster_does_not_know_cannot_start(play) -> None:
    played = play()
    config = played.node._config.model_copy(update={"site": "elsewhere"})
    with pytest.raises(NodeConfigError, match="'elsewhere' is not in the roster"):
        SiteNode(
            config,
            SITES[OWN],
            played.node._trust,
            played.outbox,
            NobodyIsAsked(),
            now=lambda: NOW,
            random=bytes,
        )
