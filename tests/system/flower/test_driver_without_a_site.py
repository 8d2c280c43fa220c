"""A recoverable run whose driver loses sites: it goes on without them as the embedded engine does, or waits for them by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import yaml
from tests.runs import finished_results
from tests.system.flower.test_driver import Calls, Ground, PowerCut, ground_of

from riskset_server.run.replies import SitesLost
from riskset_server.store import RunState

LOST = "inst-02"


@pytest.fixture(scope="module")
def six(study_of, tmp_path_factory) -> Iterator[Ground]:
    """Six sites, of which four suffice for a sum."""
    study = study_of(6)
    with (study / "plan.yaml").open("a", encoding="utf-8") as plan:
        plan.write("secure: {minimum_sites: 4}\n")
    for path in (study / "nodes").iterdir():
        node = yaml.safe_load(path.read_text(encoding="utf-8"))
        node["policy"]["minimum_sites"] = 4
        path.write_text(yaml.safe_dump(node), encoding="utf-8")
    with ground_of(study, tmp_path_factory.mktemp("six") / "f") as made:
        made.deadline = 0.1
        yield made


@pytest.fixture(scope="module")
def embedded(six: Ground) -> Callable[..., bytes]:
    """results.json of the embedded engine that loses these sites."""
    return lambda *lose: finished_results(six.study, lose=lose).read_bytes()


def lost_from(step: str) -> Callable[[str, str], bool]:
    """A site of which nothing is heard from a step on."""
    gone: set[str] = set()

    def fails(at: str, site: str) -> bool:
        if site == LOST and at == step:
            gone.add(site)
        return site in gone

    return fails


@pytest.mark.parametrize(("step", "round_number"), [("join", 0), ("keys", 1), ("round-001", 1)])
def test_a_run_goes_on_without_a_site_as_in_the_embedded_engine(six, embedded, step, round_number):
    number = six.new_run()
    six.drive(number, Calls(six.nodes, lost_from(step)))

    assert RunState.FINISHED is six.record(number).state
    assert [LOST] == json.loads(six.results(number))["lost_sites"]
    assert embedded(f"{LOST}@{round_number}") == six.results(number)


@pytest.mark.parametrize("lost_at", ["join", "round-001"])
def test_a_resumed_run_stays_without_the_site_that_it_went_on_without(six, embedded, lost_at):
    number = six.new_run()
    silent = lost_from(lost_at)

    def fails(at: str, site: str) -> bool:
        if at == "round-002":
            raise PowerCut
        return silent(at, site)

    with pytest.raises(PowerCut):
        six.drive(number, Calls(six.nodes, fails))
    back = Calls(six.nodes)
    six.drive(number, back)

    assert embedded(f"{LOST}@{0 if lost_at == 'join' else 1}") == six.results(number)
    assert {"round-002"} == {step for step, _ in back.asked if step.endswith("002")}
    assert LOST not in {site for step, site in back.asked if step != "close"}


@pytest.mark.parametrize("step", ["round-001-opening", "round-002"])
def test_once_the_sites_are_fixed_a_run_waits_for_each_of_them(six, embedded, step):
    number = six.new_run()
    with pytest.raises(SitesLost, match=f"waits for {LOST}"):
        six.drive(number, Calls(six.nodes, lost_from(step)))
    waiting = six.record(number).state
    back = Calls(six.nodes)
    six.drive(number, back)

    assert RunState.SILENT is waiting
    assert (step, LOST) == back.asked[0]
    assert embedded() == six.results(number)


def test_a_member_of_the_committee_may_be_lost_when_the_sum_is_opened(six, embedded):
    number = six.new_run()
    at = "round-001-shares"
    six.drive(number, Calls(six.nodes, lambda step, site: (step, site) == (at, LOST)))

    assert embedded() == six.results(number)
