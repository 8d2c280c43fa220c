"""Runs of plans whose Cox models have risk sets of several sites: computed on shares by a committee, equal to the pooled patients'."""

from __future__ import annotations

import csv
import math
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import pytest
import structlog
from tests.system.end_to_end.small_study import SITES, SmallStudy, write_small_study

from riskset_common.primitives.signing import Identity
from riskset_common.wire.blind_steps import BlindAnswer, BlindStep
from riskset_common.wire.messages import Refused, read_message
from riskset_embedded import engine
from riskset_node.session.node import SiteNode
from riskset_node.state.node_state import NodeState
from riskset_node.state.outbox import Outbox
from riskset_server.run.joining import Offered, offer_run

TERMS = [{"factor": "sex", "reference": "male"}, {"number": "age"}]
MODELS: list[dict[str, Any]] = [
    {"id": "followup", "kind": "follow_up", "endpoint": "OS"},
    {"id": "crossed", "kind": "cox", "endpoint": "OS", "terms": TERMS, "ties": "breslow"}
    | {"interaction": ["sex", "age"], "interaction_test": "likelihood_ratio"},
    {"id": "single", "kind": "univariate", "endpoint": "OS", "factors": ["sex"]}
    | {"strata": ["age_group"]},
    {"id": "apart", "kind": "univariate", "endpoint": "OS", "factors": ["sex"]}
    | {"hazard_ratios": True},
]
ALLOWED = ["follow_up", "cox", "univariate", "kaplan_meier"]


def blind_study(folder: Path, *, patients: int = 16, analyses: Any = None) -> SmallStudy:
    study = write_small_study(folder, patients=patients)

    def with_groups(codebook: Any) -> None:
        cut = {"young": [None, 55], "old": [55, None]}
        codebook["derived"] = {"age_group": {"from": "age", "label": "Age group", "cut": cut}}

    def with_models(plan: Any) -> None:
        plan["analyses"] = MODELS if analyses is None else analyses

    study.change_yaml(study.codebook, with_groups)
    study.change_yaml(study.plan, with_models)
    for site in SITES:
        study.change_yaml(study.node(site), allow(ALLOWED))
    return study


def allow(names: list[str]) -> Any:
    def change(node: Any) -> None:
        node["policy"]["estimators"] = names

    return change


def pooled(study: SmallStudy, folder: Path) -> SmallStudy:
    """The same patients at one site, by which all is stratified."""
    one = blind_study(folder)
    rows: list[list[str]] = []
    for site in SITES:
        header, *of_site = csv.reader(study.rows(site).read_text(encoding="utf-8").splitlines())
        rows += of_site
    with one.rows("east").open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([header, *rows])
    for site in SITES[1:]:
        one.node(site).unlink()

    def by_site(plan: Any) -> None:
        for analysis in plan["analyses"][1:]:
            analysis["strata"] = [*analysis.get("strata", ()), "site"]

    one.change_yaml(one.plan, by_site)
    return one


def assert_same(expected: Any, actual: Any, where: str = "") -> None:
    if isinstance(expected, dict):
        assert set(expected) == set(actual), where
        for key in expected:
            if key not in {"strata", "iterations"}:
                assert_same(expected[key], actual[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(expected) == len(actual), where
        for index, pair in enumerate(zip(expected, actual, strict=True)):
            assert_same(*pair, f"{where}[{index}]")
    elif isinstance(expected, float):
        assert math.isclose(expected, actual, rel_tol=1e-9, abs_tol=1e-12), where
    else:
        assert expected == actual, where


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """A finished run."""
    study = blind_study(tmp_path_factory.mktemp("blind"))
    ended = study.run()
    if ended.exit_code:
        raise AssertionError(ended.stderr)
    return study


def test_models_over_all_sites_are_those_of_the_pooled_patients(
    done: SmallStudy, tmp_path: Path
) -> None:
    one = pooled(done, tmp_path)

    assert one.run().exit_code == 0
    assert_same(one.results()["analyses"], done.results()["analyses"])


def test_the_results_say_who_computed_and_how_often_a_likelihood_was_opened(
    done: SmallStudy,
) -> None:
    results = done.results()
    blind = results["secure"]["blind"]

    # Which three they are follows from the hashes of plan and codebook.
    assert 3 == len(set(blind["committee"]) & set(SITES))
    assert blind["threshold"] == 1
    assert [
        "apart/model.sex",
        "crossed",
        "crossed/main effects",
        "single/model.sex",
    ] == list(blind["evaluations"])
    first, second, third = blind["committee"]
    assert results["rounds"] == 3
    assert f"by a committee of {first}, {second}, and {third}" in (
        done.out / "report.html"
    ).read_text(encoding="utf-8")


def test_all_that_left_a_site_is_in_its_outbox_and_nothing_of_the_session_is_kept(
    done: SmallStudy,
) -> None:
    received = done.out / "transcript"
    for site in SITES:
        state = NodeState(done.out / "outboxes" / f"{site}.sqlite")
        answers = [each for each in state.outbox.entries() if each.kind == "BlindAnswer"]
        sent = {each.left.sha256 for each in answers if each.left is not None}
        (sid,) = {each.sid for each in state.outbox.entries()}

        arrived = {
            sha256(path.read_bytes()).hexdigest() for path in received.glob(f"*-blind-*/{site}.msg")
        }

        assert arrived == sent
        assert state.blind_secret(sid) is None
        assert [] == list(state.blind_steps(sid))
        state.close()


def test_a_run_waits_for_a_lost_member_and_ends_as_if_it_had_not_been_lost(
    done: SmallStudy, tmp_path: Path
) -> None:
    study = blind_study(tmp_path)
    lost = study.run("--lose", "north@3")

    assert lost.exit_code == 1
    assert "round 3 waits for north" in lost.stderr
    assert study.run().exit_code == 0
    assert_same(done.results()["analyses"], study.results()["analyses"])


class Restarting(SiteNode):
    """A site whose node is killed now and then among the steps of the blind models, and asked something else in between."""

    every = 29
    restarted: ClassVar[list[str]] = []
    centre: ClassVar[Identity]

    def answer(self, message: bytes) -> bytes:
        read = read_message(message)
        answered = super().answer(message)
        if not isinstance(read, BlindStep) or read.step % self.every:
            return answered
        path = self._state.path
        again = SiteNode(
            self._config,
            self._identity,
            self._trust,
            NodeState(path),
            self._approval,
            now=self._now,
            random=self._random,
        )
        other, earlier = (
            BlindStep(sid=read.sid, step=step, models=()).signed_by(self.centre).to_bytes()
            for step in (read.step, read.step - 1)
        )

        assert isinstance(read_message(again.answer(other)), Refused)
        assert isinstance(read_message(again.answer(earlier)), Refused)
        assert answered == again.answer(message)
        again._state.close()
        # What is in memory is gone: the next step is answered by machines made from the stored ones.
        self._on_shares.forget(read.sid)
        self._sessions.drop(read.sid)
        self._records.forget(read.sid)
        self.restarted.append(self.name)
        return answered


def test_nodes_that_start_again_go_on_in_the_same_bytes(
    done: SmallStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    structlog.reset_defaults()
    monkeypatch.setattr(engine, "SiteNode", Restarting)

    def offered(*args: Any) -> Offered:
        Restarting.centre = args[3]
        return offer_run(*args)

    monkeypatch.setattr(engine, "offer_run", offered)
    study = blind_study(tmp_path, analyses=MODELS[2:3])

    assert study.run().exit_code == 0
    assert set(Restarting.restarted) == set(study.results()["secure"]["blind"]["committee"])
    assert_same(done.results()["analyses"]["single"], study.results()["analyses"]["single"])


@pytest.mark.parametrize(
    ("blind", "said"),
    [
        ({"send": False}, "policy.blind.send: analysis crossed has risk sets of several sites"),
        (
            {"hold": False},
            "policy.blind.hold: this site is in the committee that computes analysis crossed",
        ),
        (
            {"committee": {"of": ["west", "north"]}},
            "policy.blind.committee.of: south (group south) would compute analysis crossed",
        ),
    ],
)
def test_a_site_that_does_not_allow_it_refuses_with_what_to_write(
    tmp_path: Path, blind: dict[str, Any], said: str
) -> None:
    study = blind_study(tmp_path)
    study.change_yaml(study.node("north"), lambda node: node["policy"].update(blind=blind))
    study.change_yaml(study.plan, serve("west", "north", "south"))
    ended = study.run()

    assert ended.exit_code == 3
    assert f"site north: {said}" in ended.stderr.replace("\n", " ")


def serve(*candidates: str) -> Any:
    def change(plan: Any) -> None:
        plan["secure"] = {"blind": {"candidates": list(candidates)}}

    return change


def test_a_site_need_not_serve_where_the_plan_names_others(tmp_path: Path) -> None:
    study = blind_study(tmp_path, analyses=MODELS[1:2])
    study.change_yaml(study.node("east"), lambda node: node["policy"].update(blind={"hold": False}))
    study.change_yaml(study.plan, serve("west", "north", "south", "east"))

    assert study.run().exit_code == 0
    assert study.results()["secure"]["blind"]["committee"] == ["north", "south", "west"]


def test_a_value_outside_of_the_declared_range_never_reaches_a_model(tmp_path: Path) -> None:
    study = blind_study(tmp_path, analyses=MODELS[1:2])
    study.add_row("west", "west-99,300,dead,130,male")
    refused = study.run()
    study.change_yaml(study.node("west"), lambda node: node["data"].update(accept=["out_of_range"]))

    assert refused.exit_code != 0
    assert "outside the codebook's range" in refused.stderr
    assert study.run().exit_code == 0
    found = study.results()["analyses"]["crossed"]
    assert (64, 1) == (found["n"], found["missing"])


def test_a_model_without_events_says_so(tmp_path: Path) -> None:
    study = blind_study(tmp_path, analyses=MODELS[1:2])
    study.change_yaml(
        study.plan, lambda plan: plan["analyses"][0].update(where={"status": ["alive"]})
    )

    assert study.run().exit_code == 0
    found = study.results()["analyses"]["crossed"]
    assert found["events"] == 0
    assert [None, None, None] == [term["coef"] for term in found["terms"]]
    assert study.results()["secure"]["blind"] is None


def test_a_member_answers_what_it_was_sent_only_in_one_way(done: SmallStudy) -> None:
    """Every answer of a run reads back as the step it answered."""
    member, *_ = done.results()["secure"]["blind"]["committee"]
    outbox = Outbox(done.out / "outboxes" / f"{member}.sqlite")
    answers = [
        read_message(each.message) for each in outbox.entries() if each.kind == "BlindAnswer"
    ]
    steps = [each.step for each in answers if isinstance(each, BlindAnswer)]
    outbox.close()

    assert list(range(1, len(steps) + 1)) == steps
