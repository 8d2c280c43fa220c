"""A centre that would choose the weights of a sum, by what it tells the sites or what it shows them: they refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.system.embedded.lost_sites import SixSites, drawn, six_sites

from riskset_common.errors import ProtocolRefusal, Refusal
from riskset_common.formats.canonical_json import canonical_json, parse_canonical
from riskset_common.planning.read import ReleasePlan
from riskset_common.primitives.signing import Identity
from riskset_common.results.as_json import as_json
from riskset_common.wire.from_centre import FromCentre
from riskset_common.wire.messages import Opening, Refused, RoundRequest, read_message
from riskset_embedded import engine
from riskset_embedded.engine import run_local
from riskset_node.session.node import SiteNode
from riskset_server.run.rounds import Reported

pytestmark = pytest.mark.usefixtures("quiet")

TERMS = [{"factor": "sex", "reference": "male"}]
ANALYSES: dict[str, dict[str, Any]] = {
    "km": {"kind": "cox", "endpoint": "OS", "ph_test": "km", "strata": ["site"]},
    "rank": {"kind": "cox", "endpoint": "OS", "ph_test": "rank", "strata": ["site"]},
    "weights": {"kind": "fine_gray", "endpoint": "OS", "cause": "death", "strata": ["site"]},
    "sites": {"kind": "heterogeneity", "endpoint": "OS"},
    "events": {"kind": "cox", "endpoint": "OS", "strata": ["site"]},
}
RESTING: dict[str, dict[str, Any]] = {
    "km": {"times": True},
    "rank": {"times": True},
    "weights": {"count_steps": None, "beta": [0.0]},
    "sites": {"asks": "sums"},
    "events": {"beta": [0.0]},
}
"""How each analysis is recognised when it asks what rests on a sum of an earlier round."""

Change = Callable[[bytes], bytes]


def study_with(analysis: str, profile: str = "recoverable") -> SixSites:
    small = six_sites(profile=profile)
    written = small.plan.model_dump(mode="json", by_alias=True)
    asked = {"id": analysis, "terms": TERMS, **ANALYSES[analysis]}
    plan = ReleasePlan.model_validate(written | {"analyses": [asked]})
    return SixSites(plan, small.codebook, small.nodes)


def lied_to(study: SixSites, monkeypatch: pytest.MonkeyPatch, change: Change) -> list[Exception]:
    """What the sites said to a centre whose messages are changed on their way to each of them."""
    said: list[Exception] = []
    centre = Identity.from_random(drawn("centre"))

    class Lied(SiteNode):
        def answer(self, message: bytes) -> bytes:
            told = read_message(change(message))
            assert isinstance(told, FromCentre)
            answer = super().answer(told.signed_by(centre).to_bytes())
            if answer and self.refusal is not None and isinstance(read_message(answer), Refused):
                said.append(self.refusal)
            return answer

    monkeypatch.setattr(engine, "SiteNode", Lied)
    with pytest.raises(Refusal):
        run_local(study.plan, study.codebook, study.parties())
    return said


def opening_of(message: bytes, number: int) -> Opening | None:
    read = read_message(message)
    return read if isinstance(read, Opening) and read.round == number else None


def each_opening(number: int, change: Callable[[Opening], Opening]) -> Change:
    def changed(message: bytes) -> bytes:
        opening = opening_of(message, number)
        return message if opening is None else change(opening).to_bytes()

    return changed


def questions_with(name: str, more: Mapping[str, Any]) -> Change:
    """Every question that rests on a sum of an earlier round, with what the centre would have sites believe."""

    def changed(message: bytes) -> bytes:
        read = read_message(message)
        if not isinstance(read, RoundRequest):
            return message
        questions: Any = parse_canonical(read.questions)
        asked = questions[name]
        if not all(asked.get(key) == value for key, value in RESTING[name].items()):
            return message
        told = canonical_json({**questions, name: {**asked, **more}})
        lie = read.model_copy(update={"questions_length": len(told), "body": told})
        return lie.to_bytes()

    return changed


@pytest.mark.parametrize("profile", ["recoverable", "strict"])
@pytest.mark.parametrize("name", list(ANALYSES))
def test_an_honest_centre_shows_what_its_questions_rest_on(name: str, profile: str) -> None:
    study = study_with(name, profile)
    released = as_json(run_local(study.plan, study.codebook, study.parties()).analyses)

    assert 5 <= released[name].get("sites", 6)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("km", {"times": {"steps": [300], "values": [1.0]}}),
        ("rank", {"times": {"steps": [300], "values": [1.0]}}),
        ("km", {"g": [0.0, 1.0]}),
        ("weights", {"censoring": {"steps": [300], "values": [0.5]}}),
        ("sites", {"sites": [18]}),
        ("sites", {"tau_squared": 0.1}),
        ("events", {"events": 1000}),
    ],
)
def test_a_question_that_brings_weights_of_its_own_is_refused(name, more, monkeypatch) -> None:
    said = lied_to(study_with(name), monkeypatch, questions_with(name, more))

    assert 6 == len(said)
    for each in said:
        assert isinstance(each, ProtocolRefusal)
        assert f"The question to analysis '{name}' is not one that" in str(each)


@pytest.mark.parametrize("name", list(ANALYSES))
def test_nothing_is_answered_that_rests_on_an_opening_that_was_not_shown(name, monkeypatch) -> None:
    """The centre skips the opening of the round that counted: the first, or the second."""
    strict = study_with(name, "strict")
    opened = Reported.take
    monkeypatch.setattr(
        Reported, "take", lambda self, replies: replace(opened(self, replies), messages={})
    )
    said = lied_to(strict, monkeypatch, lambda message: message)

    assert 6 == len(said)
    assert all("this site was shown no opening of that sum" in str(each) for each in said)


def with_another_sum(opening: Opening) -> Opening:
    """One more event at the first step, in the sum alone."""
    words = np.frombuffer(opening.body, "<u8").copy()
    words[0] += np.uint64(1)
    return opening.model_copy(update={"body": words.tobytes()})


def with_another_report(opening: Opening) -> Opening:
    """One more event at the first step, in the sum and in the first site's report."""
    words = np.frombuffer(opening.body, "<u8").copy()
    words[[0, opening.masked_length // 8]] += np.uint64(1)
    return opening.model_copy(update={"body": words.tobytes()})


def of_another_session(opening: Opening) -> Opening:
    return opening.model_copy(update={"sid": bytes(32)})


def of_another_label(opening: Opening) -> Opening:
    return opening.model_copy(update={"label": bytes(32)})


def of_another_round(opening: Opening) -> Opening:
    return opening.model_copy(update={"round": 1})


def of_a_round_to_come(opening: Opening) -> Opening:
    return opening.model_copy(update={"round": 9})


def with_numbers_moved(opening: Opening) -> Opening:
    """The same bytes, read as two more counts and one real less."""
    lengths = {
        "counts_length": opening.counts_length + 2,
        "reals_length": opening.reals_length - 1,
    }
    return opening.model_copy(update=lengths)


def without_a_site(opening: Opening) -> Opening:
    """Five reports, and their sum, which is noise."""
    length = opening.masked_length
    left = opening.body[:length] + opening.body[2 * length :]
    update = {
        "contributors": opening.contributors[1:],
        "commitments": opening.commitments[1:],
        "body": left,
    }
    return opening.model_copy(update=update)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_another_sum, "is not the sum of the reports"),
        (with_another_report, "shows another report of site"),
        (of_another_session, "did not join the session"),
        (of_another_label, "belongs to another question"),
        (of_another_round, "belongs to another question"),
        (of_a_round_to_come, "sent no report in round 9"),
        (with_numbers_moved, "is not the sum of the reports"),
        (without_a_site, "after the set of 6 was fixed"),
    ],
)
def test_an_opening_that_was_tampered_with_is_refused(change, said, monkeypatch) -> None:
    found = lied_to(study_with("km"), monkeypatch, each_opening(2, change))

    assert 6 == len(found)
    for each in found:
        assert isinstance(each, ProtocolRefusal)
        assert said in str(each)


def drawn_anew(purpose: str) -> bytes:
    return drawn("again " + purpose if purpose == "nonce" else purpose)


def test_an_opening_of_another_run_of_the_same_plan_is_refused(monkeypatch) -> None:
    study = study_with("weights")
    other: list[bytes] = []

    class Seen(SiteNode):
        def answer(self, message: bytes) -> bytes:
            if opening_of(message, 2) is not None:
                other.append(message)
            return super().answer(message)

    monkeypatch.setattr(engine, "SiteNode", Seen)
    run_local(study.plan, study.codebook, study.parties(draw=drawn_anew))
    shown = Opening.from_bytes(other[0])

    def swapped(message: bytes) -> bytes:
        opening = opening_of(message, 2)
        update = {} if opening is None else {"sid": opening.sid}
        return message if opening is None else shown.model_copy(update=update).to_bytes()

    said = lied_to(study, monkeypatch, swapped)

    assert 6 == len(said)
    assert all("belongs to another question" in str(each) for each in said)
