"""Two attacks that read single sites through what they refuse. Both fail, because no refusal depends on a record.

The first asked one site at a time whether it has a patient of a certain sex, age and performance status, and how long that patient was
followed: by questions that can never be answered, of which there was no limit. It then read a sum of a site of two patients to nine digits,
by coefficients at which a sum overflows. The second offered a codebook with another range each time, and read from the refusals the
smallest and the largest value of a number at one site.
"""

from __future__ import annotations

import copy
import itertools
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.attacks.lung_nodes import Consortium, consortium, plan_of

from riskset_common.errors import CodebookError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import Request
from riskset_common.formats.canonical_json import canonical_json, sha256_hex
from riskset_common.formats.strict_yaml import read_yaml, validate
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.questions import sections_of
from riskset_common.secure.sums.pooling import make_offer
from riskset_common.study.codebook import Codebook
from riskset_common.wire.messages import Refused, Report, RoundRequest, read_message
from riskset_embedded.demos.lung import study_folder
from riskset_node.config import Centre, PinnedPlan
from riskset_node.records.reading import read_records
from riskset_node.records.site_records import SiteRecords
from riskset_node.session import own_records
from riskset_node.session.approval import PinnedPlans
from riskset_node.session.node import MOST_REFUSALS
from riskset_server.run.asking import OfAnalyses
from riskset_server.run.rounds import Asked

CELLS = list(itertools.product(["male", "female"], ["< 65", ">= 65"], ["0", "1", "2", "3"]))
NEVER_SIGNED = bytes(range(32))


@pytest.fixture
def parties(tmp_path: Path, quiet: None) -> Iterator[Consortium]:
    with consortium(tmp_path) as made:
        yield made


ANALYSES: list[dict[str, Any]] = [
    {"id": "os", "kind": "kaplan_meier", "endpoint": "OS"},
    {
        "id": "cox",
        "kind": "cox",
        "endpoint": "OS",
        "terms": [{"number": "age"}],
        "strata": ["site"],
    },
    *(
        {
            "id": f"c{place}",
            "kind": "kaplan_meier",
            "endpoint": "OS",
            "where": {"sex": [sex], "age_65": [age], "ecog": [ecog]},
        }
        for place, (sex, age, ecog) in enumerate(CELLS)
    ),
]


def question(
    parties: Consortium,
    asked: Asked,
    name: str,
    state: dict[str, object],
    number: int,
    after: bytes,
) -> RoundRequest:
    """A question to one analysis that a lying centre makes up, signed by it."""
    study = asked.progress.joined.study
    spec = study.plan.analysis(name)
    request = Request(spec, study, estimator_of(spec.kind).question(state))
    body = canonical_json({name: state})
    return RoundRequest(
        sid=asked.request.sid,
        round=number,
        attempt=0,
        participants=asked.progress.frozen or asked.request.participants,
        profile="strict",
        after=after,
        sections=sections_of({name: request}),
        questions_length=len(body),
        body=body,
    ).signed_by(parties.centre)


def test_no_refusal_says_whether_a_site_has_a_patient_or_how_long_one_was_followed(parties) -> None:
    asked = parties.joined(plan_of(parties.codebook, ANALYSES))
    opened = parties.opened(asked)
    parties.ask(opened.messages)
    frozen = opened.progress.frozen
    said = set()
    for site in parties.nodes:
        for place, n_steps in itertools.islice(
            itertools.product(range(len(CELLS)), (1, 2, 1024)), MOST_REFUSALS
        ):
            wrong = (
                question(parties, asked, f"c{place}", {"n_steps": n_steps}, 99, NEVER_SIGNED)
                .model_copy(update={"participants": frozen})
                .signed_by(parties.centre)
            )
            read = read_message(parties.nodes[site].answer(wrong.to_bytes()))
            assert isinstance(read, Refused)
            said.add(read.wire_code)

    assert {"protocol"} == said
    # One more, and the session is over at that site: the attack had 1,423 questions.
    node = parties.nodes["inst-33"]
    wrong = question(parties, asked, "c0", {"n_steps": 1}, 99, NEVER_SIGNED)
    node.answer(wrong.to_bytes())
    assert node.is_idle


def test_coefficients_at_which_a_sum_would_overflow_are_refused_alike(parties) -> None:
    asked = parties.joined(plan_of(parties.codebook, ANALYSES))
    opened = parties.opened(asked)
    parties.ask(opened.messages)
    honest = opened.take(dict.fromkeys(opened.messages, b""))
    assert isinstance(honest, Asked)
    assert isinstance(honest.questions, OfAnalyses)
    exponent = list(honest.questions.analyses["cox"].state.exponent)
    label = honest.request.after
    participants = honest.request.participants
    codes = []
    for site in ("inst-33", "inst-01"):
        for beta, scale in ((-1e9, exponent), (600.0, exponent), (0.0, [0])):
            wrong = (
                question(parties, asked, "cox", {"exponent": scale, "beta": [beta]}, 2, label)
                .model_copy(update={"participants": participants})
                .signed_by(parties.centre)
            )
            read = read_message(parties.nodes[site].answer(wrong.to_bytes()))
            codes.append(read.wire_code if isinstance(read, Refused) else type(read).__name__)

    assert ["protocol"] * 6 == codes
    small = (
        question(parties, asked, "cox", {"exponent": exponent, "beta": [3.0]}, 2, label)
        .model_copy(update={"participants": participants})
        .signed_by(parties.centre)
    )
    assert isinstance(read_message(parties.nodes["inst-33"].answer(small.to_bytes())), Report)


def test_an_offer_with_another_codebook_is_refused_before_a_record_is_read(
    parties, monkeypatch
) -> None:
    written: Any = read_yaml(study_folder("lung") / "codebook.yaml")
    rows = [{"number": "age"}, {"number": "weight_loss"}, {"number": "karnofsky"}, "sex"]
    plan = plan_of(
        parties.codebook,
        [{"id": "x", "kind": "baseline", "rows": rows}],
    )
    node = parties.nodes["inst-33"]
    pin = PinnedPlan(plan=sha256_hex(plan), codebook=sha256_hex(parties.codebook))
    node._approval = PinnedPlans()
    node._settings.config = node._config.model_copy(update={"centre": Centre(plans=(pin,))})
    read: list[object] = []

    def reading(*args: Any) -> SiteRecords:
        read.append(args)
        return read_records(*args)

    monkeypatch.setattr(own_records, "read_records", reading)

    def refused(variable: str, low: float, high: float) -> str:
        changed: dict[str, Any] = copy.deepcopy(written)
        changed["variables"][variable].pop("typical", None)
        changed["variables"][variable]["range"] = [low, high]
        codebook = validate(Codebook, changed, "c", CodebookError)
        texts = canonical_json(plan), canonical_json(codebook)
        _, offer = make_offer(
            parties.centre, secrets.token_bytes(32), parties.roster, *texts, run=1
        )
        answer = read_message(node.answer(offer.to_bytes()))
        return answer.wire_code if isinstance(answer, Refused) else "joined"

    guesses = [refused("age", 0, high) for high in (1, 40, 60, 62, 64, 128)]
    guesses += [refused("weight_loss", low, 100) for low in (-64, 0, 9, 10, 11)]

    assert {"approval"} == set(guesses)
    assert [] == read
    pinned = parties.offered(plan).messages["inst-33"]
    assert not isinstance(read_message(node.answer(pinned)), Refused)
    assert 1 == len(read)


def test_whoever_carries_the_messages_cannot_ask_anything(parties) -> None:
    """The attacks needed no key: requests were not signed. Now such a message is dropped."""
    asked = parties.joined(plan_of(parties.codebook, ANALYSES[:1]))
    stranger = Identity.from_random(secrets.token_bytes(32))
    forged = question(parties, asked, "os", {"n_steps": 1}, 99, NEVER_SIGNED).signed_by(stranger)
    with pytest.raises(Exception, match="the centre's RoundRequest does not fit"):
        parties.nodes["inst-33"].answer(forged.to_bytes())

    assert parties.opened(asked).numbers > 0
