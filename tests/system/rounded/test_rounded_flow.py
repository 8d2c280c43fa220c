"""How a run of a plan with rounded results flows: one survey in opened sums, then everything on shares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.system.embedded.test_restarts import Restarting
from tests.system.end_to_end.small_study import SITES, SmallStudy
from tests.system.rounded.tables_on_shares import (
    Cells,
    compute_tables_on_shares,
    rounded_study,
    run,
)

from riskset_common.errors import PlanError
from riskset_common.release.counted import OwnNumbers
from riskset_common.results.as_json import as_json, to_text
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.wire.blind_messages import BlindWave
from riskset_common.wire.blind_steps import BlindAnswer
from riskset_common.wire.messages import read_message
from riskset_embedded import engine
from riskset_embedded.engine import Direct, SitesSaidNo
from riskset_node.session.node import SiteNode
from riskset_node.state.node_state import NodeState
from riskset_node.state.outbox import entries_of
from riskset_server.run.course import OnReplies
from riskset_server.run.replies import SitesLost

pytestmark = pytest.mark.usefixtures("quiet")
SEVEN = (*SITES, "up", "down", "strange")
FIVE_CHECKED = {"size": 5, "threshold": 1}


@pytest.fixture(autouse=True)
def on_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    compute_tables_on_shares(monkeypatch)


class Stopped(BaseException):
    """The centre is gone."""


def stop_at(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The centre stops when this step was answered by half of the sites."""
    whole = Direct.ask

    def ask(
        self: Direct, messages: Mapping[str, bytes], at: str, on_replies: OnReplies
    ) -> dict[str, bytes]:
        if at != step:
            return whole(self, messages, at, on_replies)
        some = dict(list(messages.items())[: len(messages) // 2])
        whole(self, some, at, on_replies)
        raise Stopped

    monkeypatch.setattr(Direct, "ask", ask)


def lose(monkeypatch: pytest.MonkeyPatch, site: str, step: str) -> None:
    """Nothing reaches a site any more from this step on."""
    whole = Direct.ask

    def ask(
        self: Direct, messages: Mapping[str, bytes], at: str, on_replies: OnReplies
    ) -> dict[str, bytes]:
        kept = {name: each for name, each in messages.items() if name != site or at < step}
        return whole(self, kept, at, on_replies)

    monkeypatch.setattr(Direct, "ask", ask)


class Words:
    """A watcher that keeps what it is told of the steps on shares."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def joined(self, site: str) -> None: ...

    def answered(self, site: str, round_number: int) -> None: ...

    def opened(self, opened: object) -> None: ...

    def evaluated(self, model: str, round_number: int) -> None:
        self.said.append(model)


def test_what_is_computed_on_shares_is_what_the_sums_give(tmp_path: Path) -> None:
    (tmp_path / "exact").mkdir()
    (tmp_path / "rounded").mkdir()
    expected = run(rounded_study(tmp_path / "exact", release="exact"))

    watched = Words()
    actual = run(rounded_study(tmp_path / "rounded"), watcher=watched)

    assert expected.analyses == actual.analyses
    assert 2 == actual.rounds
    assert actual.secure.blind is not None
    assert 3 == len(set(actual.secure.blind.committee) & set(actual.sites))
    assert ["keys are made and the days of events marked", "wave 0 is opened"] == watched.said[:2]
    assert {"widths are marked", "numbers are sent as bits"} < set(watched.said)


def test_the_only_sums_that_are_opened_are_those_of_the_survey(tmp_path: Path) -> None:
    study = rounded_study(tmp_path)
    run(study, keep=True)

    for site in SITES:
        entries = list(entries_of(study.folder / "outboxes" / f"{site}.sqlite"))
        (report,) = (each for each in entries if each.kind == "Report")
        assert report.summary is not None
        assert [("time time", "lengths")] == list(report.summary.arrays())
    assert ["round-001.opening"] == [
        path.name for path in (study.folder / "transcript" / "openings").iterdir()
    ]


def test_sites_that_are_killed_around_every_message_give_the_same_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = rounded_study(tmp_path)
    undisturbed = run(study)
    monkeypatch.setattr(engine, "SiteNode", Restarting)

    assert to_text(undisturbed) == to_text(run(study))


SEX: Mapping[str, object] = {
    "kind": "cox",
    "endpoint": "OS",
    "terms": [{"factor": "sex", "reference": "male"}],
}
MODELS = ({"id": "pooled", **SEX}, {"id": "within", **SEX, "strata": ["site"]})


class NowAndThen(Restarting):
    """A site whose node is killed around some steps of a computation on shares, as to be made anew from all steps before takes a while."""

    every = 37
    node: SiteNode | None = None

    def answer(self, message: bytes) -> bytes:
        step = getattr(read_message(message), "step", 0)
        if step % self.every == self.every - 1:
            self.node = None
            return super().answer(message)
        if self.node is None:
            self.node = self._restart()
        return self.node.answer(message)


def test_models_follow_the_counts_also_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "exact").mkdir()
    (tmp_path / "rounded").mkdir()
    monkeypatch.undo()  # models have programs of the product
    opened = rounded_study(tmp_path / "exact", release="exact", analyses=MODELS, patients=80)
    exact = as_json(run(opened).analyses)
    monkeypatch.setattr(engine, "SiteNode", NowAndThen)

    hidden = rounded_study(tmp_path / "rounded", analyses=MODELS, patients=80)
    rounded = as_json(run(hidden).analyses)

    for name in ("pooled", "within"):
        (expected,), (actual,) = exact[name]["terms"], rounded[name]["terms"]
        for key in ("coef", "std_err", "hazard_ratio", "lower", "upper"):
            assert f"{expected[key]:.4g}" == f"{actual[key]:.4g}"


@pytest.mark.parametrize("step", ["round-001", "round-002-blind-001", "round-002-blind-006"])
def test_a_centre_that_was_stopped_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    study = rounded_study(tmp_path)
    expected = run(study)
    with monkeypatch.context() as stopping:
        stop_at(stopping, step)
        with pytest.raises(Stopped):
            run(study, keep=True)

    assert to_text(expected) == to_text(run(study, keep=True))


def test_a_run_waits_for_a_site_that_does_not_send_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = rounded_study(tmp_path)
    expected = run(study)
    with monkeypatch.context() as losing:
        lose(losing, "north", "round-002-blind-001")
        with pytest.raises(SitesLost, match="round 2 waits for north"):
            run(study, keep=True)

    assert to_text(expected) == to_text(run(study, keep=True))


def committee(study: SmallStudy) -> list[str]:
    blind = run(study).secure.blind
    return [] if blind is None else list(blind.committee)


def test_five_members_go_on_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = rounded_study(tmp_path, sites=SEVEN, blind=FIVE_CHECKED)
    watched = Words()
    expected, lost = run(study, watcher=watched), committee(study)[2]
    last = watched.said.index("numbers are sent as bits") + 2
    lose(monkeypatch, lost, f"round-002-blind-{last + 1:03d}")

    assert expected.analyses == run(study).analyses


@pytest.mark.parametrize(
    ("blind", "after"),
    [
        ({}, 3),
        ({**FIVE_CHECKED, "checked": "required"}, 3),
        (FIVE_CHECKED, 0),
        (FIVE_CHECKED, 2),
    ],
    ids=["of three", "that is checked", "whose numbers are awaited", "that gets all numbers"],
)
def test_a_member_that_cannot_be_spared_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blind: dict[str, object], after: int
) -> None:
    """Lost from so many steps on after the one before the sites send their numbers."""
    study = rounded_study(tmp_path, sites=SEVEN, blind=blind)
    watched = Words()
    run(study, watcher=watched)
    lost = committee(study)[1]
    step = watched.said.index("numbers are sent as bits") + after
    lose(monkeypatch, lost, f"round-002-blind-{step:03d}")

    with pytest.raises(SitesLost, match=f"round 2 waits for {lost}"):
        run(study)


def test_after_the_close_shares_are_known_by_label_length_and_hash_alone(tmp_path: Path) -> None:
    study = rounded_study(tmp_path)
    results = run(study, keep=True)
    assert results.secure.blind is not None

    for site in SITES:
        path = study.folder / "outboxes" / f"{site}.sqlite"
        answers = [each for each in entries_of(path) if each.kind == "BlindAnswer"]
        left = [each.left for each in answers if each.left is not None]
        kinds = {letter.kind for each in left for letter in each.letters}
        kept = [
            message
            for each in answers
            for letters in BlindAnswer.from_bytes(each.message).letters().values()
            for message in letters
        ]
        state = NodeState(path)
        (sid,) = {each.sid for each in answers}

        assert len(left) == len(answers)
        assert {"BlindKeys", "BlindBits"} <= kinds
        assert (site in results.secure.blind.committee) is ("BlindShare" in kinds)
        assert all(isinstance(message, BlindWave) for message in kept)
        assert {"counts"} == {letter.of for each in left for letter in each.letters}
        assert 3 == sum(each.summary is not None for each in answers)
        assert [] == list(state.blind_steps(sid))
        state.close()


def test_records_that_cannot_be_counted_are_refused_before_their_site_joins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of(counted: Cells, patients: Patients, study: Study) -> OwnNumbers:
        if int(patients.endpoints["OS"].time[0]) % 2:
            raise OverflowError
        return whole(counted, patients, study)

    whole = Cells.of
    monkeypatch.setattr(Cells, "of", of)
    watched = Words()
    with pytest.raises(SitesSaidNo) as refused:
        run(rounded_study(tmp_path), watcher=watched)

    assert {"north", "west"} == set(refused.value.reasons)
    assert [] == watched.said


def test_two_sites_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    study = rounded_study(tmp_path, sites=SITES[:2])

    with pytest.raises(PlanError, match="computed on shares by three sites or more; 2 are here"):
        run(study)
