"""What a site refuses says nothing of its patients: whoever they are, the same wrong message gets the same bytes.

Hypothesis draws the patients. Of every kind of analysis the questions of all rounds are asked too early, too late, of another set, after
another round, on other grounds; of every other kind of message there is one that does not follow on the session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from tests.common.estimators.analyses import ALL, BLIND
from tests.common.estimators.cohorts import Cohort, cohorts, random_cohort, study_of
from tests.common.estimators.pooling import pool
from tests.common.secure.sums.whole_round import open_round
from tests.examples import examples

from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import own_records
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.questions import questions_json, read_round, rule_of
from riskset_common.secure.sums.pooling import collect_keys, make_offer
from riskset_common.secure.sums.reporting import NO_ROUND, report
from riskset_common.secure.sums.setup import Setup
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    SiteSession,
    accept_keys,
    advertise,
)
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.wire.blind_steps import BlindBegin, BlindStep
from riskset_common.wire.from_centre import FromCentre
from riskset_common.wire.messages import (
    Advertisement,
    Keys,
    Opening,
    Refused,
    Report,
    ReportHeader,
    RoundRequest,
    UnmaskRequest,
    read_message,
)
from riskset_common.wire.sections import Section
from riskset_node.config import NodeConfig
from riskset_node.session.approval import NobodyIsAsked
from riskset_node.session.joined import JoinedSession
from riskset_node.session.node import MOST_REFUSALS, SiteNode
from riskset_node.session.trust import Trust
from riskset_node.state.node_state import NodeState

N_SITES = 5
EVERYBODY = tuple(range(N_SITES))
WRONG = sha256(b"wrong").digest()
CENTRE = Identity.from_random(sha256(b"centre").digest())
SITES = [Identity.from_random(sha256(bytes([k])).digest()) for k in EVERYBODY]
ROSTER = Roster(
    version=1,
    members=tuple(
        Member(site_id=k, name=f"site-{k}", study_group=f"site-{k}", public=each.public)
        for k, each in enumerate(SITES)
    ),
)
KINDS = ALL | BLIND
pytestmark = pytest.mark.usefixtures("quiet")


class GivenRecords:
    """Records that are given in the place of a file, and how often they were looked at."""

    def __init__(self, patients: Patients) -> None:
        self._patients = patients
        self.looked_at = 0

    def joining(self, sid: bytes, study: Study) -> Patients:
        del sid, study
        return self._patients

    def of(self, joined: JoinedSession) -> Patients:
        del joined
        self.looked_at += 1
        with own_records():
            return self._patients

    def forget(self, sid: bytes) -> None:
        """Nothing is kept."""


@dataclass
class Sitting:
    """The node of the first site, in one session after the other; the centre and the other sites are played."""

    study: Study
    node: SiteNode
    records: GivenRecords
    sessions: int = 0
    sid: bytes = b""
    setup: Setup | None = None
    others: dict[int, SiteSession] = field(default_factory=dict)

    def join(self) -> Keys:
        """Join one more session; gives the keys, which are not handed over yet."""
        self.sessions += 1
        nonce = sha256(bytes([self.sessions])).digest()
        texts = canonical_json(self.study.plan), canonical_json(self.study.codebook)
        self.sid, offer = make_offer(CENTRE, nonce, ROSTER, *texts, run=self.sessions)
        joined = {
            k: advertise(
                SITES[k], k, self.sid, SessionSecrets(bytes([k]) * 32, bytes(32)), WRONG, ROSTER
            )
            for k in EVERYBODY[1:]
        }
        own = Advertisement.from_bytes(self.node.answer(offer.to_bytes()))
        rule = rule_of(self.study.plan, ROSTER)
        advertised = [own, *(each for _, each in joined.values())]
        self.setup, keys = collect_keys(CENTRE, self.sid, ROSTER, advertised, rule)
        self.others = {
            k: accept_keys(state, keys, rule=rule, minimum_sites=1)
            for k, (state, _) in joined.items()
        }
        return keys

    def take_keys(self) -> None:
        """Join, and be sent the keys."""
        assert b"" == self.node.answer(self.join().to_bytes())

    def open_first_round(self) -> bytes:
        """Be asked the first round and shown its sum, to which the other sites add nothing; gives its label."""
        self.take_keys()
        asked = request(self.sid, self.study, first(self.study))
        own = Report.from_bytes(self.node.answer(asked.to_bytes()))
        nothing = np.zeros(own.counts_length, np.int64), np.zeros(own.reals_length)
        reports = [own]
        for k, state in self.others.items():
            reports.append(report(state, asked, *nothing, identity=SITES[k])[1])
        assert self.setup is not None
        opening = open_round(CENTRE, self.setup, EVERYBODY, ROSTER, asked, reports)
        assert b"" == self.node.answer(opening.to_bytes())
        return opening.label

    def refusals(self, messages: list[FromCentre]) -> list[bytes]:
        """What the node says to each; it must be a refusal, before which no record was looked at."""
        replies = []
        before = self.records.looked_at
        for message in messages:
            replies.append(self.node.answer(message.signed_by(CENTRE).to_bytes()))
            assert isinstance(read_message(replies[-1]), Refused), message
        assert before == self.records.looked_at
        return replies


def sitting(study: Study, cohort: Cohort, folder: str) -> Sitting:
    config = NodeConfig.model_validate(
        {
            "site": "site-0",
            "study_group": "site-0",
            "data": {"source": {"kind": "csv", "path": "none.csv"}},
            "policy": {"release": "exact", "estimators": sorted(ALLOWED)},
        }
    )
    draws = iter(range(10**6))
    node = SiteNode(
        config,
        SITES[0],
        Trust(CENTRE.public, ROSTER),
        NodeState(Path(folder) / "node.sqlite"),
        NobodyIsAsked(),
        now=lambda: datetime(2026, 11, 30, tzinfo=UTC),
        random=lambda n: sha256(str(next(draws)).encode()).digest()[:n],
    )
    records = GivenRecords(cohort.patients(study)[0])
    node._records = records  # type: ignore[assignment]  # in the place of a file
    return Sitting(study, node, records)


ALLOWED = {
    *("kaplan_meier", "log_rank", "cumulative_incidence", "gray", "cox", "baseline", "event_table"),
    *("flow", "follow_up", "univariate", "landmark", "heterogeneity", "fine_gray"),
}


def first(study: Study) -> bytes:
    """The first question to the analysis of a study."""
    [spec] = study.plan.analyses
    return questions_json({spec.id: estimator_of(spec.kind).first(spec, study)})


@cache
def later(name: str) -> tuple[bytes, ...]:
    """The questions of all rounds after the first, as an honest centre asks them of some patients."""
    if name in BLIND:
        return ()
    study = study_of(KINDS[name], N_SITES)
    found = pool(study, random_cohort(11, n_sites=N_SITES).patients(study)).questions
    return tuple(canonical_json({"asked": question}) for question in found[1:])


def request(own: bytes, study: Study, questions: bytes, **changes: Any) -> RoundRequest:
    """A request of the first round of a session, but for the changes."""
    asked = RoundRequest(
        sid=own,
        round=1,
        attempt=0,
        participants=EVERYBODY,
        profile="strict",
        after=NO_ROUND,
        sections=read_round(study, questions)[1],
        questions_length=len(questions),
        body=questions,
    )
    return asked.model_copy(update=changes).signed_by(CENTRE)


def on_other_grounds(question: bytes, *, n_steps: int, beta: float) -> Iterator[bytes]:
    """The question with another length of its grid, other scales and other coefficients, one at a time, where it has these."""
    for key, wrong in (
        (b'"n_steps":', n_steps),
        (b'"count_steps":', n_steps),
        (b'"exponent":[', 55),
        (b'"beta":[', beta),
    ):
        end = question.find(key) + len(key)
        if end < len(key) or question[end : end + 1] in b"n]":
            continue
        stop = min(
            question.find(mark, end) for mark in (b",", b"]", b"}") if mark in question[end:]
        )
        yield question[:end] + canonical_json(wrong) + question[stop:]


def wrong_requests(study: Study, name: str) -> Iterator[tuple[bytes, Mapping[str, Any]]]:
    """Requests that do not follow on the keys: what is asked, and in what they differ from a first request."""
    asked = first(study)
    other = (Section(analysis="asked", name="n", ring="counts", shape=(99,)),)
    changes: list[Mapping[str, Any]] = [
        {"round": 99},
        {"round": 2},
        {"round": 0},
        {"after": WRONG},
        {"participants": EVERYBODY[1:]},
        {"participants": EVERYBODY[:-1]},
        {"participants": EVERYBODY[::-1]},
        {"profile": "recoverable"},
        {"sid": WRONG},
        {"sections": other},
        {"sections": ()},
    ]
    for change in changes:
        yield asked, change
    yield b"{}", {}
    for question in later(name):
        # Right in form and place, but on grounds that this site did not check; and wrong in place as well.
        yield question, {}
        yield question, {"round": 99, "after": WRONG}
    for question in later(name)[:1]:
        # What some patients do not answer: a grid too short for them, coefficients at which their sums overflow.
        for tried in on_other_grounds(question, n_steps=1, beta=1e300):
            yield tried, {"round": 99, "after": WRONG}


@pytest.mark.parametrize("name", list(KINDS))
@given(one=cohorts(N_SITES), other=cohorts(N_SITES))
@examples(2)
def test_a_wrong_request_gets_the_same_bytes_whoever_the_patients_are(
    name: str, one: Cohort, other: Cohort
) -> None:
    study, said = study_of(KINDS[name], N_SITES), []
    for cohort in (one, other):
        with TemporaryDirectory() as folder:
            at = sitting(study, cohort, folder)
            replies: list[bytes] = []
            wrong = list(wrong_requests(study, name))
            for start in range(0, len(wrong), MOST_REFUSALS):
                at.take_keys()
                some = wrong[start : start + MOST_REFUSALS]
                replies += at.refusals(
                    [request(at.sid, study, asked, **changes) for asked, changes in some]
                )
            said.append(replies)

    assert said[0] == said[1]


def grounds(name: str) -> Iterator[bytes]:
    """Questions of the second round on other grounds than those that all sites counted, whatever these are."""
    for question in later(name)[:1]:
        yield from on_other_grounds(question, n_steps=2**20, beta=1e6)


@pytest.mark.parametrize("name", [name for name in KINDS if any(grounds(name))])
@given(one=cohorts(N_SITES), other=cohorts(N_SITES))
@examples(2)
def test_a_question_on_other_grounds_gets_the_same_bytes_whoever_the_patients_are(
    name: str, one: Cohort, other: Cohort
) -> None:
    study, said = study_of(KINDS[name], N_SITES), []
    for cohort in (one, other):
        with TemporaryDirectory() as folder:
            at = sitting(study, cohort, folder)
            label = at.open_first_round()
            said.append(
                at.refusals(
                    [
                        request(at.sid, study, question, round=2, after=label)
                        for question in grounds(name)
                    ]
                )
            )

    assert said[0] == said[1]


def others_of_a_session(sid: bytes, keys: Keys) -> list[FromCentre]:
    """A message of every other kind that does not follow on the keys."""
    header = ReportHeader(
        site_id=1, masked=WRONG, deposits=WRONG, commitments=WRONG, signature=bytes(64)
    )
    opening = Opening(
        sid=sid,
        round=1,
        label=WRONG,
        contributors=(),
        commitments=(),
        seeds=(),
        counts_length=0,
        reals_length=0,
    )
    return [
        keys.model_copy(update={"advertisements": keys.advertisements[1:]}),
        keys.model_copy(update={"threshold": 3}),
        UnmaskRequest(
            sid=sid, round=1, label=WRONG, contributors=(header,), envelopes_length=0, body=b""
        ),
        opening,
        BlindBegin(sid=sid, rounds=()).model_copy(update={"sid": WRONG}),
        BlindStep(sid=sid, step=2, models=()),
        BlindStep(sid=sid, step=9, models=()),
    ]


@given(one=cohorts(N_SITES), other=cohorts(N_SITES))
@examples(10)
def test_a_message_of_any_kind_that_does_not_follow_gets_the_same_bytes(
    one: Cohort, other: Cohort
) -> None:
    study, said = study_of(ALL["curves"], N_SITES), []
    for cohort in (one, other):
        with TemporaryDirectory() as folder:
            at = sitting(study, cohort, folder)
            keys = at.join()
            at.node.answer(keys.to_bytes())
            said.append(at.refusals(others_of_a_session(at.sid, keys)))

    assert said[0] == said[1]


def test_a_message_that_the_centre_did_not_sign_costs_a_session_nothing(tmp_path: Path) -> None:
    study = study_of(ALL["curves"], N_SITES)
    at = sitting(study, random_cohort(1), str(tmp_path))
    at.take_keys()
    asked = request(at.sid, study, first(study))
    for _ in range(3 * MOST_REFUSALS):
        with pytest.raises(Exception, match="the centre's RoundRequest"):
            at.node.answer(asked.model_copy(update={"signature": bytes(64)}).to_bytes())

    assert isinstance(read_message(at.node.answer(asked.to_bytes())), Report)


def test_a_session_ends_with_more_refusals_than_a_centre_can_need(tmp_path: Path) -> None:
    study = study_of(ALL["curves"], N_SITES)
    at = sitting(study, random_cohort(1), str(tmp_path))
    at.take_keys()
    asked = request(at.sid, study, first(study))
    wrong = request(at.sid, study, first(study), round=2)
    at.refusals([wrong] * MOST_REFUSALS)
    before = at.node.answer(asked.to_bytes())
    at.refusals([wrong])
    after = at.node.answer(asked.to_bytes())

    assert (Report, Refused) == (type(read_message(before)), type(read_message(after)))
    assert "is over and its keys are deleted" in str(at.node.refusal)


@pytest.mark.parametrize(
    "fault", [ZeroDivisionError("4711"), MemoryError(), KeyError("POISON"), ValueError("31.4")]
)
def test_what_fails_on_the_records_is_one_noun_and_ends_the_session(
    tmp_path: Path, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_of(ALL["curves"], N_SITES)
    at = sitting(study, random_cohort(1), str(tmp_path))
    at.take_keys()
    asked = request(at.sid, study, first(study)).to_bytes()

    def fails(*_: object) -> None:
        raise fault

    monkeypatch.setattr(type(estimator_of("kaplan_meier")), "summarise", fails)
    said = read_message(at.node.answer(asked))
    monkeypatch.undo()
    again = read_message(at.node.answer(asked))

    assert isinstance(said, Refused)
    assert isinstance(again, Refused)
    assert ("data", "protocol") == (said.wire_code, again.wire_code)
    assert at.node.is_idle
