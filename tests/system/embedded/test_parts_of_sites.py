"""Losses leave no few sites alone in a part: the run waits, and goes on when they are back, or without the analyses that part the sites."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.runs import Change, finished_results, plan_with
from typer.testing import CliRunner

from riskset_common.errors import PlanError
from riskset_common.planning.read import read_plan
from riskset_common.results.as_json import as_json
from riskset_common.study.codebook import read_codebook
from riskset_embedded.demos.lung import study_folder
from riskset_embedded.engine import Parties, SitesSaidNo, run_local
from riskset_embedded.local_run import cuts_of, read_nodes, run_for_results
from riskset_embedded.transcript import Transcript
from riskset_server.commands.riskset import app
from riskset_server.run import rounds
from riskset_server.run.replies import SitesLost

pytestmark = pytest.mark.usefixtures("quiet")

OTHER = ("adelaide", "brno", "gdansk", "haifa", "hongkong", "la-plata")
ANALYSES: list[dict[str, Any]] = [
    {"id": "os", "kind": "kaplan_meier", "endpoint": "OS", "at": [4], "population": "trial"},
    {"id": "by_region", "kind": "baseline", "by": "region", "rows": ["sex"], "population": "trial"},
    {"id": "os_other", "kind": "kaplan_meier", "endpoint": "OS", "at": [4], "population": "other"},
]
BY_REGION = plan_with(analyses=ANALYSES, displays=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interfant-06 with two of its analyses by region, and one of everybody."""
    copy = tmp_path_factory.mktemp("interfant") / "study"
    shutil.copytree(study_folder("interfant06"), copy)
    BY_REGION(copy)
    return copy


def run(folder: Path, lose: Sequence[str], plan: str = "plan.yaml") -> Any:
    files = folder / plan, folder / "codebook.yaml", folder / "nodes"
    return as_json(run_for_results(*files, lose=lose))


def test_interfant06_runs_without_one_of_the_six_other_groups(folder: Path) -> None:
    found = run(folder, OTHER[:1])

    assert ["adelaide"] == found["lost_sites"]
    assert {"os", "by_region", "os_other"} == set(found["analyses"])


@pytest.mark.parametrize("at", ["", "@0"])
def test_interfant06_waits_where_two_of_the_other_groups_are_lost(folder: Path, at: str) -> None:
    lost = ["adelaide", "vienna", "brno"]
    with pytest.raises(SitesLost) as waiting:
        run(folder, [f"{name}{at}" for name in lost])

    # Vienna could be done without.
    assert ("adelaide", "brno") == waiting.value.missing
    said = str(waiting.value)
    assert (
        f"round {0 if at else 1} waits for adelaide, brno: the sum would hold 4 of the 6 sites"
        in said
    )
    assert "of region: Other (gdansk, haifa, hongkong, la-plata), and 5 are needed" in said
    assert "(disclosure.minimum_sites), because the sites are parted by by_region, os_other" in said
    assert "`riskset plan without PLAN by_region os_other` writes it" in said


def test_a_plan_without_the_analyses_that_part_the_sites_does_without_them(folder: Path) -> None:
    written = CliRunner().invoke(
        app, ["plan", "without", str(folder / "plan.yaml"), "by_region", "os_other"]
    )
    (folder / "plan-2.yaml").write_text(written.stdout, encoding="utf-8")
    found = run(folder, OTHER[:2], "plan-2.yaml")

    assert list(OTHER[:2]) == found["lost_sites"]
    assert ["os"] == list(found["analyses"])


def parties(folder: Path, lose: Sequence[str] = ()) -> Parties:
    return Parties(read_nodes(folder / "nodes"), None, _same, cuts_of(lose))


def _same(purpose: str) -> bytes:
    return purpose.encode().ljust(32, b"-")[:32]


def run_kept(folder: Path, kept: Path, lose: Sequence[str] = ()) -> Any:
    return run_local(
        read_plan(folder / "plan.yaml"),
        read_codebook(folder / "codebook.yaml"),
        parties(folder, lose),
        transcript=Transcript(kept / "messages"),
        outboxes=kept / "outboxes",
    )


def test_a_run_that_waits_for_a_part_asks_for_no_share_and_goes_on_when_one_is_back(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "outboxes").mkdir()
    with pytest.raises(SitesLost):
        run_kept(folder, tmp_path, OTHER[:2])

    assert not (tmp_path / "messages" / "round-001-shares").exists()
    assert not (tmp_path / "messages" / "openings").exists()

    results = run_kept(folder, tmp_path, OTHER[:1])

    assert ("adelaide",) == results.lost_sites


def nothing_is_required(*_: object) -> None:
    """In the place of what an honest centre, or an honest member, asks."""


def test_no_member_gives_a_share_to_a_centre_that_does_not_wait(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "require_in_sum", nothing_is_required)
    with pytest.raises(SitesSaidNo) as refused:
        run(folder, OTHER[:2])

    here = [node.site for node in read_nodes(folder / "nodes") if node.site not in OTHER[:2]]
    assert sorted(here) == sorted(refused.value.reasons)
    for reason in refused.value.reasons.values():
        assert "The sum would hold 4 of the 6 sites of region: Other" in str(reason)
        assert str(reason).endswith("It waits for adelaide, brno.")


def test_no_site_answers_further_where_members_gave_their_shares(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "require_in_sum", nothing_is_required)
    monkeypatch.setattr("riskset_node.session.node.require_parts", nothing_is_required)
    with pytest.raises(SitesSaidNo, match="The sum would hold 4 of the 6 sites of region: Other"):
        run(folder, OTHER[:2])


AREAS = [
    {"id": "by_area", "kind": "baseline", "by": "area", "rows": ["sex"]},
    {"id": "os_area", "kind": "kaplan_meier", "endpoint": "OS", "by": "area", "at": [182]},
]


def areas(**groups: Sequence[int]) -> Change:
    """Study groups of the lung study, by their numbers, in areas; all others are the rest. Sites have the policy for patients' records."""

    def change(folder: Path) -> None:
        named = {area: [f"NCCTG {k:02}" for k in numbers] for area, numbers in groups.items()}
        taken = {name for names in named.values() for name in names}
        own = []
        for path in (folder / "nodes").iterdir():
            node = yaml.safe_load(path.read_text(encoding="utf-8"))
            node.pop("policy")
            own.append(node["study_group"])
            path.write_text(yaml.safe_dump(node), encoding="utf-8")
        named["Rest"] = sorted(set(own) - taken)
        path = folder / "codebook.yaml"
        codebook = yaml.safe_load(path.read_text(encoding="utf-8"))
        codebook["derived"]["area"] = {"from": "study_group", "label": "Area", "groups": named}
        path.write_text(yaml.safe_dump(codebook, sort_keys=False), encoding="utf-8")
        plan_with(analyses=AREAS, displays=None, disclosure={"release": "rounded"})(folder)

    return change


@pytest.fixture
def lung(tmp_path: Path) -> Callable[[Change], Path]:
    def changed(change: Change) -> Path:
        copy = tmp_path / "lung"
        shutil.copytree(study_folder("lung"), copy)
        change(copy)
        return copy

    return changed


PAIRS = {"P0": (1, 2), "P1": (3, 4), "P2": (5, 6), "P3": (7, 10), "P4": (11, 12)}


@pytest.mark.parametrize("groups", [{"North": (1, 2)}, PAIRS])
@pytest.mark.parametrize("lose", [(), ("inst-02",), ("inst-02@0",)])
def test_a_part_of_two_sites_is_refused_whoever_is_lost(
    lung: Callable[[Change], Path], groups: dict[str, tuple[int, ...]], lose: tuple[str, ...]
) -> None:
    said = (
        r"analysis by_area: area would show the numbers of 2 sites \(area: .*: inst-01, inst-02\)"
    )
    with pytest.raises(PlanError, match=said):
        run(lung(areas(**groups)), lose)


@pytest.mark.parametrize("lose", [["inst-02"], ["inst-02@0"], ["inst-02", "inst-04", "inst-33"]])
def test_a_site_whose_loss_would_leave_a_part_too_small_is_waited_for(
    lung: Callable[[Change], Path], lose: list[str]
) -> None:
    with pytest.raises(SitesLost, match="of the 5 sites of area: North") as waiting:
        run(lung(areas(North=(1, 2, 3, 4, 5))), lose)

    assert {"inst-02"} <= set(waiting.value.missing) <= {"inst-02", "inst-04"}
    assert str(waiting.value).endswith("do without them: every analysis parts the sites so.")


@pytest.mark.parametrize("lost", ["inst-02@0", "inst-02"])
@pytest.mark.parametrize(
    "some",
    [
        {"site": [f"inst-{k:02}" for k in range(1, 8)]},
        {"study_group": [f"NCCTG {k:02}" for k in range(1, 8)]},
    ],
    ids=["site", "study_group"],
)
def test_a_site_that_a_condition_names_may_be_lost_whenever_enough_are_left(
    lung: Callable[[Change], Path], some: dict[str, list[str]], lost: str
) -> None:
    folder = lung(areas(North=(1, 2, 3, 4, 5)))
    own = {yaml.safe_load(path.read_text("utf-8"))["site"] for path in (folder / "nodes").iterdir()}
    known = {
        key: [name for name in names if f"inst-{name[-2:]}" in own] for key, names in some.items()
    }
    of_some = {"id": "os_some", "kind": "kaplan_meier", "endpoint": "OS", "where": known}
    plan_with(analyses=[{"id": "os", "kind": "kaplan_meier", "endpoint": "OS"}, of_some])(folder)

    found = run(folder, [lost])

    assert ["inst-02"] == found["lost_sites"]
    assert {"os", "os_some"} == set(found["analyses"])


def test_a_committee_of_three_is_refused_by_every_site_that_did_not_lower_it(
    lung: Callable[[Change], Path],
) -> None:
    few = lung(areas(North=(1, 2, 3, 4, 5)))
    plan_with(secure={"committee": ["inst-01", "inst-02", "inst-03"]})(few)
    with pytest.raises(SitesSaidNo) as refused:
        run(few, ())

    assert 18 == len(refused.value.reasons)
    for reason in refused.value.reasons.values():
        assert "policy.minimum_committee: 3 of 18 sites are the committee" in str(reason)
        assert "(inst-01, inst-02, inst-03), here at least 18." in str(reason)


BLIND: list[dict[str, Any]] = [
    {
        "id": "cox",
        "kind": "cox",
        "endpoint": "OS",
        "terms": [{"factor": "sex", "reference": "male"}],
    }
]


def candidates(*names: str) -> Change:
    return plan_with(analyses=BLIND, displays=None, secure={"blind": {"candidates": list(names)}})


def test_a_candidate_that_is_lost_is_passed_over() -> None:
    change = candidates("inst-03", "inst-02", "inst-05", "inst-01")
    found = finished_results("lung", change, lose=["inst-02"])

    assert ["inst-01", "inst-03", "inst-05"] == yaml.safe_load(found.read_text("utf-8"))["secure"][
        "blind"
    ]["committee"]


def test_a_candidate_without_whom_nobody_could_compute_is_waited_for(
    lung: Callable[[Change], Path],
) -> None:
    few = lung(candidates("inst-03", "inst-02", "inst-05"))
    with pytest.raises(
        SitesLost,
        match=r"round 1 waits for inst-02: secure.blind.candidates: of inst-03, inst-02, inst-05 only",
    ):
        run(few, ["inst-02", "inst-01"])
