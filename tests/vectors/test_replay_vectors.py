"""Replay of the session vectors: what is written there must come out, and what must be refused is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.common.secure.sums.whole_round import open_round

from riskset_common import errors
from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import RisksetError
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.pooling import (
    collect_keys,
    make_close,
    make_offer,
    make_request,
    pooled_of,
)
from riskset_common.secure.sums.recovery import unmask_requests
from riskset_common.secure.sums.reporting import NO_ROUND, report
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.setup import check_keys, label_of
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    SiteSession,
    accept_keys,
    accept_opening,
    advertise,
    open_offer,
)
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.wire.from_centre import FromCentre
from riskset_common.wire.messages import (
    Advertisement,
    Keys,
    Offer,
    Opening,
    Report,
    RoundRequest,
    UnmaskAnswer,
    UnmaskRequest,
    read_message,
)

HERE = Path(__file__).parent
GOOD = ("secure_sum_three_sites", "secure_sum_one_site", "secure_sum_six_sites")


def load(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return vector


def bad_cases() -> list[Any]:
    cases = []
    for path in [
        *sorted(HERE.glob("secure_sum_bad_*.json")),
        HERE / "secure_sum_not_the_centres.json",
    ]:
        vector = load(path.stem)
        for name, operations in vector["cases"].items():
            cases.append(pytest.param(load(vector["of"]), operations, id=name))
    return cases


class Trial:
    """The parties of a vector, and one method for each operation that a vector may name."""

    def __init__(self, vector: dict[str, Any]) -> None:
        self.vector = vector
        self.centre = Identity.from_random(bytes.fromhex(vector["centre_private"]))
        self.roster = Roster(
            version=vector["roster"]["version"],
            members=tuple(
                Member.model_validate(m | {"public": bytes.fromhex(m["public"])})
                for m in vector["roster"]["members"]
            ),
        )
        self.sid = bytes.fromhex(vector["sid"])
        said = vector["rule"]
        self.rule = Rule(said["profile"], tuple(said["committee"]), said["minimum_sites"])
        self.identities = [
            Identity.from_random(bytes.fromhex(site["identity_private"]))
            for site in vector["sites"]
        ]
        self.states: list[SiteSession] = []
        self.advertisements: list[Advertisement] = []
        for identity, site in zip(self.identities, vector["sites"], strict=True):
            state, advertisement = advertise(
                identity,
                site["site_id"],
                self.sid,
                SessionSecrets(
                    bytes.fromhex(site["ephemeral_private"]), bytes.fromhex(site["self_root"])
                ),
                bytes.fromhex(site["snapshot"]),
                self.roster,
            )
            self.states.append(state)
            self.advertisements.append(advertisement)

    def run(self, step: dict[str, Any]) -> Any:
        names = {
            key: step[key] for key in step.keys() - {"operation", "success", "refusal", "says"}
        }
        return getattr(self, step["operation"])(**names)

    def from_centre(self, message: str) -> None:
        read = read_message(bytes.fromhex(message))
        assert isinstance(read, FromCentre)
        read.require_signed_by(self.centre.public)

    def read(self, message: str) -> None:
        read_message(bytes.fromhex(message))

    def open_offer(self, site: int, message: str) -> bytes:
        offer = Offer.from_bytes(bytes.fromhex(message))
        return open_offer(offer, centre=self.centre.public, roster=self.roster)

    def accept_keys(self, site: int, message: str, minimum_sites: int | None = None) -> None:
        minimum = self.vector["minimum_sites"] if minimum_sites is None else minimum_sites
        keys = Keys.from_bytes(bytes.fromhex(message))
        self.states[site] = accept_keys(
            self.states[site], keys, rule=self.rule, minimum_sites=minimum
        )

    def report(self, site: int, message: str, counts: list[int], reals: list[str]) -> bytes:
        self.states[site], answer = report(
            self.states[site],
            RoundRequest.from_bytes(bytes.fromhex(message)),
            np.array(counts, np.int64),
            np.array([float.fromhex(value) for value in reals], np.float64),
            identity=self.identities[site],
        )
        return answer.to_bytes()

    def unmask(self, site: int, message: str) -> bytes:
        self.states[site], answer = answer_unmask(
            self.states[site],
            UnmaskRequest.from_bytes(bytes.fromhex(message)),
            identity=self.identities[site],
        )
        return answer.to_bytes()

    def opening(self, site: int, message: str) -> None:
        opening = Opening.from_bytes(bytes.fromhex(message))
        self.states[site] = accept_opening(self.states[site], opening)

    def pool(self, request: str, reports: list[str], answers: list[str] | None = None) -> Opening:
        keys = Keys.from_bytes(bytes.fromhex(self.vector["keys"]))
        asked = RoundRequest.from_bytes(bytes.fromhex(request))
        opening = open_round(
            self.centre,
            check_keys(self.sid, self.roster, keys, self.rule),
            None if asked.profile == "recoverable" else asked.participants,
            self.roster,
            asked,
            [Report.from_bytes(bytes.fromhex(message)) for message in reports],
            [UnmaskAnswer.from_bytes(bytes.fromhex(message)) for message in answers or ()],
        )
        pooled_of(asked, opening)
        return opening


@pytest.mark.parametrize("name", GOOD)
def test_a_session_is_set_up_as_written(name):
    vector = load(name)
    trial = Trial(vector)

    sid, offer = make_offer(
        trial.centre,
        bytes.fromhex(vector["nonce"]),
        trial.roster,
        vector["plan"].encode(),
        vector["codebook"].encode(),
        vector["run"],
    )
    setup, keys = collect_keys(
        trial.centre, trial.sid, trial.roster, reversed(trial.advertisements), trial.rule
    )

    assert vector["sid"] == sid.hex()
    assert vector["offer"] == offer.to_bytes().hex()
    assert sid == trial.open_offer(0, vector["offer"])
    assert vector["advertisements"] == [a.to_bytes().hex() for a in trial.advertisements]
    assert vector["keys"] == keys.to_bytes().hex()
    assert vector["setup_hash"] == setup.hash.hex()
    assert vector["close"] == make_close(trial.centre, sid).to_bytes().hex()


@pytest.mark.parametrize("name", GOOD)
def test_rounds_are_asked_answered_and_pooled_as_written(name):
    vector = load(name)
    trial = Trial(vector)
    setup, _ = collect_keys(trial.centre, trial.sid, trial.roster, trial.advertisements, trial.rule)
    for site in range(len(trial.states)):
        trial.accept_keys(site, vector["keys"])
    frozen, after = setup.initial_set(), NO_ROUND
    place = {site["site_id"]: k for k, site in enumerate(vector["sites"])}

    for number, expected in enumerate(vector["rounds"], start=1):
        asked = RoundRequest.from_bytes(bytes.fromhex(expected["request"]))
        request = make_request(
            trial.centre, setup, frozen, number, after, asked.sections, asked.questions
        )
        reports = {
            i: trial.report(place[i], expected["request"], answer["counts"], answer["reals"])
            for i, answer in zip(asked.participants, expected["answers"], strict=True)
        }
        arrived = {i: Report.from_bytes(reports[i]) for i in expected["contributors"]}
        wanted, given = {}, {}
        if request.profile == "recoverable":
            wanted = unmask_requests(trial.centre, setup, request, arrived)
            for member, message in wanted.items():
                given[member] = trial.unmask(place[member], message.to_bytes().hex()).hex()
        opening = trial.pool(
            expected["request"], [reports[i].hex() for i in arrived], list(given.values())
        )
        for i in asked.participants:
            trial.opening(place[i], opening.to_bytes().hex())
        pooled = pooled_of(request, opening)

        assert expected["request"] == request.to_bytes().hex()
        assert expected["label"] == label_of(setup, frozen, request).hex()
        assert expected["reports"] == [message.hex() for message in reports.values()]
        assert expected["unmask_requests"] == {
            str(member): message.to_bytes().hex() for member, message in wanted.items()
        }
        assert expected["unmask_answers"] == {str(member): m for member, m in given.items()}
        assert expected["opening"] == opening.to_bytes().hex()
        assert expected["pooled"]["counts"] == pooled.counts.tolist()
        assert expected["pooled"]["reals"] == [value.hex() for value in pooled.reals.tolist()]
        frozen, after = pooled.participants, opening.label


@pytest.mark.parametrize(("vector", "operations"), bad_cases())
def test_a_bad_step_is_refused_as_written(vector, operations):
    trial = Trial(vector)
    for step in operations:
        if step["success"]:
            trial.run(step)
            continue
        with pytest.raises(RisksetError) as caught:
            trial.run(step)

        assert getattr(errors, step["refusal"]) is type(caught.value)
        assert step["says"] in str(caught.value)
