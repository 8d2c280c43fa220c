"""Loss of sites before and after the first opening, at the level of a whole run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.runs import finished_run
from tests.system.embedded.lost_sites import SixSites, six_sites, study_files

from riskset_common.errors import InputError
from riskset_common.results.as_json import as_json
from riskset_common.wire.frame import Message
from riskset_common.wire.messages import Opening, Report, UnmaskRequest, read_message
from riskset_embedded import engine
from riskset_embedded.engine import run_local
from riskset_embedded.local_run import SitesAway, cuts_of, run_files, run_for_results
from riskset_embedded.transcript import Transcript
from riskset_node.session.node import SiteNode
from riskset_server.run.replies import SitesLost

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def study() -> SixSites:
    return six_sites()


def run(study: SixSites, cut=None, **kept):
    return as_json(run_local(study.plan, study.codebook, study.parties(cut), **kept))


def test_without_a_loss_all_sites_are_in_the_results(study):
    results = run(study)

    assert study.names == results["sites"]
    assert [] == results["lost_sites"]
    assert {
        "profile": "recoverable",
        "minimum_sites": 4,
        "committee": study.names,
        "threshold": 5,
        "blind": None,
    } == results["secure"]


@pytest.mark.parametrize("from_round", [0, 1])
def test_a_site_lost_before_the_first_opening_is_done_without(study, from_round):
    lost = study.names[2]
    left = SixSites(study.plan, study.codebook, tuple(n for n in study.nodes if n.site != lost))

    results = run(study, {lost: from_round})

    assert [name for name in study.names if name != lost] == results["sites"]
    assert [lost] == results["lost_sites"]
    expected = run(left)["analyses"]
    assert json.dumps(_comparable(expected)) == json.dumps(_comparable(results["analyses"]))


def test_more_losses_than_the_committee_can_spare_pause_the_run(study):
    with pytest.raises(SitesLost, match=r"round 1 waits for .*4 of the committee reported, 5 must"):
        run(study, dict.fromkeys(study.names[:2], 1))
    with pytest.raises(SitesLost, match="3 sites reported, 4 must"):
        run(study, dict.fromkeys(study.names[:3], 1))
    with pytest.raises(SitesLost, match="3 sites joined, 4 must"):
        run(study, dict.fromkeys(study.names[:3], 0))


@pytest.mark.parametrize("noise", [b"", b"GET / HTTP/1.1"], ids=["nothing", "noise"])
def test_a_member_that_answers_what_is_no_message_is_done_without(study, monkeypatch, noise: bytes):
    class Odd(SiteNode):
        def answer(self, message: bytes) -> bytes:
            if self.name == study.names[1] and isinstance(read_message(message), UnmaskRequest):
                return noise
            return super().answer(message)

    monkeypatch.setattr(engine, "SiteNode", Odd)
    results = run(study)

    assert study.names == results["sites"]


def test_a_strict_plan_waits_for_every_site_that_joined():
    strict = six_sites(profile="strict")
    with pytest.raises(SitesLost, match="the run is strict"):
        run(strict, {strict.names[0]: 1})

    assert "strict" == run(strict)["secure"]["profile"]


def test_a_site_lost_after_the_first_opening_pauses_the_run_and_it_continues(study, tmp_path):
    (tmp_path / "outboxes").mkdir()
    lost = study.names[4]
    kept = {"outboxes": tmp_path / "outboxes"}
    uninterrupted = run(study)
    with pytest.raises(
        SitesLost, match=f"round 3 waits for {lost}: the sites in the sums are fixed"
    ):
        run(study, {lost: 3}, transcript=Transcript(tmp_path / "messages"), **kept)

    results = run(study, transcript=Transcript(tmp_path / "messages"), **kept)

    assert uninterrupted == results
    assert study.names == results["sites"]


def test_a_run_lost_at_every_step_still_ends_with_the_same_results(study, tmp_path):
    (tmp_path / "outboxes").mkdir()
    uninterrupted = run(study)
    for number in range(2, uninterrupted["rounds"] + 1):
        with pytest.raises(SitesLost):
            run(
                study,
                {study.names[number % 6]: number},
                transcript=Transcript(tmp_path / "messages"),
                outboxes=tmp_path / "outboxes",
            )

    assert uninterrupted == run(
        study, transcript=Transcript(tmp_path / "messages"), outboxes=tmp_path / "outboxes"
    )


def test_every_round_can_be_added_up_again_from_the_transcript(study, tmp_path):
    results = run(study, {study.names[0]: 1}, transcript=Transcript(tmp_path))
    openings = sorted((tmp_path / "openings").iterdir())

    assert results["rounds"] == len(openings)
    for path in openings:
        opening = _read(path, Opening)
        reports = [_read(tmp_path / path.stem / f"{name}.msg", Report) for name in results["sites"]]

        assert [report.masked for report in reports] == list(opening.vectors[1:])
        assert bool(opening.seeds) is (path.stem == "round-001")


def test_the_demonstration_survives_five_losses_and_says_so(tmp_path):
    lose = ["inst-01", "inst-02", "inst-10", "inst-22@0", "inst-33"]

    results = run_for_results(*study_files(tmp_path), lose=lose)

    assert 13 == len(results.sites)
    assert ("inst-01", "inst-02", "inst-10", "inst-22", "inst-33") == results.lost_sites
    assert [] == list(tmp_path.iterdir())


def test_the_demonstration_waits_for_a_site_and_the_same_command_continues(tmp_path):
    plan, codebook, nodes = study_files(tmp_path)
    whole = finished_run("lung")
    with pytest.raises(SitesAway, match="give the same command again") as waiting:
        run_files(plan, codebook, nodes, tmp_path / "out", lose=["inst-03@4"], quiet=True)

    assert 1 == waiting.value.exit_code
    assert not (tmp_path / "out").exists()
    secrets = tmp_path / "out.run" / "secrets.json"
    assert 0o600 == secrets.stat().st_mode & 0o777
    assert 0o600 == (tmp_path / "out.run" / "outboxes" / "inst-03.sqlite").stat().st_mode & 0o777

    out = run_files(plan, codebook, nodes, tmp_path / "out", quiet=True)

    for name in ("results.json", "report.html"):
        assert (whole / name).read_bytes() == (out / name).read_bytes()
    assert not (tmp_path / "out.run").exists()


def test_another_study_does_not_continue_a_run(tmp_path):
    plan, codebook, nodes = study_files(tmp_path)
    with pytest.raises(SitesAway):
        run_files(plan, codebook, nodes, tmp_path / "out", lose=["inst-03@2"], quiet=True)
    other = tmp_path / "plan.yaml"
    other.write_text(plan.read_text("utf-8").replace("version: 1.0.0", "version: 1.0.1"), "utf-8")
    with pytest.raises(InputError, match="a run of another plan, codebook or set of sites"):
        run_files(other, codebook, nodes, tmp_path / "out", quiet=True)


def test_a_run_that_is_refused_leaves_nothing_behind(tmp_path):
    plan, codebook, nodes = study_files(tmp_path)
    with pytest.raises(InputError, match="--lose nobody: no such site"):
        run_files(plan, codebook, nodes, tmp_path / "out", lose=["nobody"], quiet=True)

    assert [] == list(tmp_path.iterdir())


def test_a_cut_is_written_as_site_at_round():
    assert {"a": 1, "b": 0, "c": 12} == cuts_of(["a", "b@0", "c@12"])
    with pytest.raises(InputError, match="--lose a@soon"):
        cuts_of(["a@soon"])


def _comparable(analyses):
    """What does not say that a site is missing: the names of sites are levels of strata."""
    return {name: result for name, result in analyses.items() if name != "cox"}


def _read(path: Path, kind: type[Message]):
    read = read_message(path.read_bytes())

    assert isinstance(read, kind)
    return read


def test_a_run_that_continues_stays_without_the_site_that_it_went_on_without(tmp_path):
    study = six_sites()
    absent, away = study.names[1:3]
    kept, outboxes = Transcript(tmp_path / "transcript"), tmp_path / "outboxes"
    outboxes.mkdir()
    parties = study.parties({absent: 0, away: 2})
    with pytest.raises(SitesLost, match=f"round 2 waits for {away}"):
        run_local(study.plan, study.codebook, parties, transcript=kept, outboxes=outboxes)
    results = run(study, transcript=kept, outboxes=outboxes)

    assert [absent] == results["lost_sites"]
    assert run(study, {absent: 0}) == results
