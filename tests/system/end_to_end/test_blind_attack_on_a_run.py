"""The attack on pooled risk-set sums, on what a whole run leaves: the centre's transcript, and what a committee member holds besides.

`tests/common/secure/blind/test_blind_attack.py` has the attack itself, on the messages of the protocol alone; here they are those that
sites and centre exchanged, and the keys those that the members' nodes opened.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.common.secure.blind import test_blind_attack as attack
from tests.common.secure.blind.blind_parties import Cohort
from tests.system.end_to_end.small_study import command

from riskset_common.primitives.prime_field import lagrange
from riskset_common.secure.blind.arithmetic.field import constant, dot
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.secure.blind.parties.member import BlindMember
from riskset_common.wire.blind_messages import BlindAsk, BlindInput
from riskset_common.wire.blind_steps import BlindAnswer
from riskset_node.session import blind_models as blind_part

N_SITES = 4


class Attacked(attack.Run):
    """A run of a plan, with what each member's machine was made with."""

    def __init__(self, cohort: Cohort, members: list[BlindMember], transcript: Path) -> None:
        self.cohort, self.members = cohort, members
        self.setup = members[0].setup
        assert isinstance(self.setup.model, BlindModel)
        self.model = self.setup.model
        answers = [
            BlindAnswer.from_bytes(path.read_bytes())
            for path in sorted(transcript.glob("*-blind-*/*.msg"))
        ]
        letters = [
            (answer.step, each)
            for answer in answers
            for found in answer.letters().values()
            for each in found
        ]
        steps = sorted({step for step, each in letters if isinstance(each, BlindInput)})
        self.inputs = [
            [each for step, each in letters if step == wanted and isinstance(each, BlindInput)]
            for wanted in steps
        ]

    def held_by(self, member: int) -> Any:
        return self.members[member]._keys


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    folder = tmp_path_factory.mktemp("attacked")
    cohort = attack.binary_cohort()
    _write(folder, cohort)
    members: list[BlindMember] = []
    betas: list[tuple[float, ...]] = []

    class Watched(BlindMember):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            members.append(self)

        def begin_evaluation(self, ask: BlindAsk, inputs: Any) -> Any:
            betas.append(ask.beta)
            return super().begin_evaluation(ask, inputs)

    files = {"plan": "plan.yaml", "codebook": "codebook.yaml", "nodes": "nodes", "out": "out"}
    given = [text for key, name in files.items() for text in (f"--{key}", str(folder / name))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blind_part, "BlindMember", Watched)
        ended = command("run", "local", "--quiet", *given)
    if ended.exit_code:
        raise AssertionError(ended.stderr)
    attacked = Attacked(cohort, members, folder / "out" / "transcript")
    attacked.betas = list(dict.fromkeys(betas))
    return attacked


def _write(folder: Path, cohort: Cohort) -> None:
    names = [f"x{column}" for column in range(cohort.x.shape[1])]
    number = {"kind": "number", "range": [0, 1]}
    levels = {"0": "alive", "1": "dead"}
    variables = {
        "time": {"kind": "number", "label": "Time", "unit": "days"},
        "status": {"kind": "category", "label": "Status", "levels": levels},
    } | {name: number | {"label": name} for name in names}
    status = {"variable": "status", "events": {"death": ["1"]}}
    model = {"id": "model", "kind": "cox", "endpoint": "OS", "ties": "breslow"}
    plan = {
        "plan": "attacked",
        "version": "1.0.0",
        "codebook": "attacked@1",
        "time": {"unit": "days"},
        "conventions": "r",
        "endpoints": {"OS": {"label": "OS", "time": {"variable": "time"}, "status": status}},
        "analyses": [model | {"terms": [{"number": name} for name in names]}],
        "disclosure": {"release": "exact"},
    }
    (folder / "nodes").mkdir()
    written = {"codebook.yaml": {"codebook": "attacked", "version": 1, "variables": variables}}
    for number_of_site in range(N_SITES):
        site = f"site-{number_of_site}"
        with (folder / f"{site}.csv").open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow(["time", "status", *names])
            for row in range(number_of_site, len(cohort.time), N_SITES):
                dead = int(cohort.event[row])
                writer.writerow([int(cohort.time[row]), dead, *map(int, cohort.x[row])])
        written[f"nodes/{site}.yaml"] = {
            "site": site,
            "study_group": f"group {site}",
            "data": {"source": {"kind": "csv", "path": f"../{site}.csv"}},
            "policy": {
                "release": "exact",
                "estimators": ["cox"],
            },
        }
    for name, content in (written | {"plan.yaml": plan}).items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def test_two_members_of_a_run_could_read_everybody(run: Attacked) -> None:
    """So the attack works on what this run left."""
    weights = [constant(each) for each in lagrange([1, 2], 0)]
    opened = [
        dot(list(zip(weights, pair, strict=True)))
        for pair in zip(run.share_of(0), run.share_of(1), strict=True)
    ]

    assert len(run.betas) == len(run.inputs) > 2
    assert attack.at_risk_anywhere(run) == attack.recovered(run, opened) > 100


def test_what_the_centre_received_in_a_run_gives_nobody_away(run: Attacked) -> None:
    assert attack.recovered(run, run.uploads()) == 0


@pytest.mark.parametrize("member", [0, 1, 2])
def test_what_a_member_of_a_run_held_besides_gives_nobody_away(run: Attacked, member: int) -> None:
    assert attack.recovered(run, run.without_known_masks(member)) == 0
    assert attack.recovered(run, run.share_of(member)) == 0


def test_no_number_of_a_site_stands_in_what_it_sent(run: Attacked) -> None:
    """The bytes of an upload are as even as random ones: chi-square of 255 degrees of freedom, beyond 400 once in 10 million."""
    bodies = b"".join(each.body for group in run.inputs for each in group)
    # The highest byte of an element is below 2^7, so the others are looked at.
    low = np.frombuffer(bodies, np.uint8).reshape(-1, 32)[:, :31]
    counted = np.bincount(low.ravel(), minlength=256)
    expected = counted.sum() / 256

    assert float(((counted - expected) ** 2 / expected).sum()) < 400
