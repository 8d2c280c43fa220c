"""A plan with rounded results over real processes, by streams and by Flower's messages; a member of the committee is killed on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.system.flower.conftest import Deployed, deployed

N_SITES = 5
KEPT = ("table1", "os", "os_sex", "cox")


def rounded(study: Path) -> Path:
    """The same study, its plan and all policies for rounded results."""
    plan = yaml.safe_load((study / "plan.yaml").read_text(encoding="utf-8"))
    plan.pop("displays", None)
    plan["analyses"] = [each for each in plan["analyses"] if each["id"] in KEPT]
    plan["disclosure"] = {"release": "rounded"}
    (study / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
    for path in (study / "nodes").glob("*.yaml"):
        node = yaml.safe_load(path.read_text(encoding="utf-8"))
        node["policy"]["release"] = "rounded"
        path.write_text(yaml.safe_dump(node), encoding="utf-8")
    return study


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(True, id="streams"),
        pytest.param(False, id="messages", marks=pytest.mark.slow),
    ],
)
def five_sites(
    request: pytest.FixtureRequest,
    study_of: Callable[[int], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployed]:
    study, folder = rounded(study_of(N_SITES)), tmp_path_factory.mktemp("rounded")
    yield from deployed(study, folder, stream=request.param, in_memory=True)


def test_results_are_those_of_one_process_also_after_a_member_was_killed(
    five_sites: Deployed,
) -> None:
    five_sites.all_connected()
    [member, *_] = json.loads(five_sites.expected)["secure"]["blind"]["committee"]
    number = five_sites.start_run()
    five_sites.until_status(number, "wave 3 is opened", 90)
    five_sites.kill(member)
    five_sites.federation.start(member)
    ended = five_sites.watch(number)

    assert f"run {number}: finished" == ended
    assert five_sites.expected == five_sites.results(number)
