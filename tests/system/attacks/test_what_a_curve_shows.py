"""Two attacks that still work, with the numbers that they read: what a rounded release prints, and what the centre alone withholds.

They are here to be seen. Whoever closes one of the two turns its test round.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.runs import copied_run
from tests.server.disclosure.as_released import release
from tests.system.attacks.lung_nodes import consortium, plan_of

from riskset_common.planning.read import read_plan
from riskset_common.results.as_json import as_json
from riskset_common.secure.sums.pooling import pooled_of
from riskset_common.study.plan import Disclosure
from riskset_common.wire.messages import Opening
from riskset_embedded.demos import interfant06 as demo
from riskset_embedded.demos.lung import study_folder
from riskset_server.run.on_shares import AskedBlind
from riskset_server.run.results import Finished
from riskset_server.run.rounds import Asked

DAYS_PER_YEAR = 365.25


@pytest.mark.usefixtures("quiet")
def test_the_centre_reads_a_plan_about_one_patient_and_withholds_it_itself(tmp_path: Path) -> None:
    one = {"p": {"label": "P", "where": {"ecog": ["3"]}}}
    rows = ["sex", {"number": "age"}, {"number": "weight_loss"}, {"number": "karnofsky"}]
    with consortium(tmp_path) as parties:
        plan = plan_of(
            parties.codebook,
            [
                {"id": "b", "kind": "baseline", "population": "p", "rows": rows},
                {"id": "k", "kind": "kaplan_meier", "endpoint": "OS", "population": "p"},
            ],
            populations=one,
        )
        asked: Asked | AskedBlind | Finished = parties.joined(plan)
        seen: dict[tuple[str, str], Any] = {}
        while isinstance(asked, Asked):
            opened = parties.opened(asked)
            opening = Opening.from_bytes(opened.opening)
            seen |= pooled_of(asked.request, opening).arrays()
            asked = opened.take(parties.ask(opened.messages))
        assert isinstance(asked, Finished)
        released = as_json(asked.results().analyses)

    assert 18 == len(asked.progress.contributors)
    assert [1] == seen["b", "n"].tolist()
    assert [118] == seen["k", "events"].nonzero()[-1].tolist()
    assert all("withheld" in json.dumps(released[name]["n"]) for name in ("b", "k"))


def days(curve: dict[str, Any]) -> set[int]:
    """The days that a released curve prints: ends of its blocks, quantiles and their limits."""
    shown = {round(time * DAYS_PER_YEAR) for time in curve["curve"]["time"]}
    for quantile in curve["quantiles"]:
        limits = (quantile["estimate"], quantile["lower"], quantile["upper"])
        shown |= {round(each * DAYS_PER_YEAR) for each in limits if isinstance(each, float)}
    return shown


def curves(analyses: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Endpoint and curve of every group that is followed, where its curve is shown."""
    for result in analyses.values():
        groups = []
        if result.get("kind") == "kaplan_meier":
            groups = result["groups"]
        elif result.get("kind") == "univariate":
            groups = [
                *result["all_patients"]["groups"],
                *(group for factor in result["factors"] for group in factor["curves"]["groups"]),
            ]
        for group in groups:
            if isinstance(group.get("curve"), dict) and "withheld" not in group["curve"]:
                yield result["endpoint"], group


def test_rounded_curves_print_half_of_all_days_of_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "run_files", copied_run)
    demo.run_trial_demo(tmp_path / "out", exact=True, quiet=True)
    exact = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["analyses"]
    plan = read_plan(study_folder("interfant06") / "plan.yaml")
    floors = plan.disclosure.model_copy(update={"minimum_cell": 5, "minimum_at_risk": 10})
    rounded = released_under(exact, floors)
    found = {}
    for endpoint in ("EFS", "OS", "DFS"):
        shown = set().union(*(days(each) for of, each in curves(rounded) if of == endpoint))
        true = {
            round(time * DAYS_PER_YEAR)
            for of, each in curves(exact)
            if of == endpoint
            for time, events in zip(each["curve"]["time"], each["curve"]["events"], strict=True)
            if events
        }
        found[endpoint] = len(shown & true), len(true)

    assert {"EFS": (238, 415), "OS": (156, 370), "DFS": (87, 169)} == found


def released_under(exact: dict[str, Any], disclosure: Disclosure) -> dict[str, Any]:
    """Exact results under a disclosure rule, as the centre would have written them."""
    return {
        name: release(result, disclosure)
        for name, result in exact.items()
        if result.get("kind") in ("kaplan_meier", "univariate")
    }
