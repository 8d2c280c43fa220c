"""A blind pooled Cox model: rounds, bytes and processor time of the committee, and the wall time of all parties in one process.

    make bench

Lung (227 patients, 3 columns) and 651 simulated patients with 6 binary columns, each split among 18 sites; the computation alone, then
whole plans embedded and over a federation of processes; last 20,000 patients.
"""

from __future__ import annotations

import csv
import resource
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, get_args

import numpy as np
from tests.benchmarks.blind_study import embedded, over_flower
from tests.benchmarks.machine import describe, middle
from tests.common.secure.blind.blind_parties import (
    Cohort,
    fit_blind,
    fit_on_shares,
    fit_pooled,
    hidden_model_of,
    model_of,
    parties_of,
    setup_of,
)

from riskset_common.secure.blind.parties.member import BlindMember
from riskset_common.secure.blind.protocol import run_blind_cox
from riskset_common.survival.regression.cox import Ties
from riskset_common.wire.blind_messages import BlindInput, BlindShare

SITES, FEW_SITES, RUNS = 18, 6, 3
LUNG = Path(__file__).parents[1] / "golden" / "data" / "lung.csv"
AIMS = {"lung": 3.0, "651 patients": 6.0}


def lung() -> Cohort:
    """Age, sex and performance status, complete cases."""
    with LUNG.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ph_ecog"] != ""]
    return Cohort(
        time=np.array([float(row["time"]) for row in rows]),
        event=np.array([row["status"] == "2" for row in rows]),
        x=np.array([[float(row[name]) for name in ("age", "sex", "ph_ecog")] for row in rows]),
    )


def simulated(n: int = 651, p: int = 6) -> Cohort:
    """Times in whole days; of 651 patients about two thirds have an event, of 20,000 with 10 columns a fifth."""
    random = np.random.default_rng(7)
    common = np.resize((0.5, 0.35, 0.25, 0.6, 0.15, 0.45), p)
    x = (random.random((n, p)) < common).astype(float)
    slope = np.resize((0.45, -0.3, 0.6, 0.2, 0.5, -0.25), p)
    scale = 1500 if n < 1000 else 15_000
    died = random.weibull(1.1, n) * scale * np.exp(-(x @ slope) / 1.1)
    left = np.minimum(random.exponential(4000, n), random.uniform(700, 3650, n))
    return Cohort(time=np.ceil(np.minimum(died, left)), event=died <= left, x=x)


class _Clock:
    """Adds up the processor time of the members' steps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            began = process_time()
            answer = step(*arguments)
            self.seconds += process_time() - began
            return answer

        return run


def measure(name: str, cohort: Cohort, preset: tuple[int, int]) -> None:
    """Print one line."""
    model = model_of(cohort)
    setup = setup_of(model, SITES, preset)
    site = np.random.default_rng(3).integers(0, SITES, len(cohort.time))
    parties = parties_of(model, cohort, site, SITES)
    steps = {step: getattr(BlindMember, step) for step in ("begin_evaluation", "receive")}
    walls, alls, members = [], [], []
    for _ in range(RUNS):
        clock = _Clock()
        for step, plain in steps.items():
            setattr(BlindMember, step, clock.timed(plain))
        began, spent = perf_counter(), process_time()
        outcome = run_blind_cox(setup, parties)
        walls.append(perf_counter() - began)
        alls.append(process_time() - spent)
        members.append(clock.seconds / preset[0])
    for step, plain in steps.items():
        setattr(BlindMember, step, plain)
    sent: Counter[int] = Counter()
    for message in outcome.carried:
        sent[message[3]] += len(message)
    shares = sum(message[3] == BlindShare.kind for message in outcome.carried)
    uploads = sum(message[3] == BlindInput.kind for message in outcome.carried)
    evaluations = uploads // SITES
    pooled = fit_pooled(model, cohort)
    apart = np.max(np.abs(outcome.fit.coef - pooled.coef) / pooled.std_err)
    aim = f" (aim {AIMS[name]:.0f} s)" if preset == (3, 1) else ""
    print(
        f"  {name:13} {preset}  {middle(walls):5.2f} s wall{aim}, {middle(alls):5.2f} s of the processor, "
        f"{middle(members):5.2f} s of it each member's; "
        f"{evaluations} uploads + {shares // (preset[0] * (preset[0] - 1))} openings, each member sends "
        f"{sent[BlindShare.kind] / preset[0] / 1e6:.2f} MB, each site {sent[BlindInput.kind] / uploads / 1e6:.2f} MB a step; "
        f"{apart:.0e} SE from the pooled fit"
    )


def compare(name: str, cohort: Cohort, ties: Ties) -> None:
    """Print evaluations a second of all parties in one process: deaths in public and all digits, deaths on shares and few digits.

    The day set of the hidden deaths has every second day on which somebody leaves besides; Breslow's are bounded by the sites' number.
    """
    site = np.random.default_rng(3).integers(0, SITES, len(cohort.time))
    days = sorted({*cohort.time[cohort.event], *cohort.time[~cohort.event][::2]})
    bound = {"most": SITES} if ties == "breslow" else {}
    hidden = hidden_model_of(cohort, ties, days=days, **bound)
    public = model_of(cohort, ties)
    told = []
    for model, fit in (
        (public, lambda: fit_blind(cohort, site, SITES, ties=ties)[1]),
        (hidden, lambda: fit_on_shares(hidden, cohort, site, SITES)),
    ):
        began = process_time()
        evaluations = fit().fit.iterations + 1
        told.append(
            f"{evaluations / (process_time() - began):4.1f} a second ({len(model.terms.slot)} terms)"
        )
    print(
        f"  {name:13} {ties:8} evaluations: deaths in public {told[0]}, deaths on shares {told[1]}"
    )


def main() -> None:
    """Measure both cohorts and all committees."""
    print(f"Blind pooled Cox model, Efron, {SITES} sites, embedded, median of {RUNS}")
    print(f"  {describe('numpy', 'cryptography')}")
    for preset in ((3, 1), (5, 1), (5, 2)):
        measure("lung", lung(), preset)
    for preset in ((3, 1), (5, 2)):
        measure("651 patients", simulated(), preset)
    for ties in get_args(Ties):
        compare("lung", lung(), ties)
        compare("651 patients", simulated(), ties)
    print(f"Whole plans of {SITES} sites, committee (3, 1)")
    print(f"  lung, embedded (aim 3 s)                    {embedded(lung(), SITES)}")
    print(f"  651 patients, embedded (aim 6 s)            {embedded(simulated(), SITES)}")
    print(f"  651 patients, two models, embedded (aim 8 s){embedded(simulated(), SITES, 2)}")
    for stream, way, aim in ((True, "streams", 10), (False, "messages", 60)):
        told = over_flower(lung(), SITES, stream=stream)
        print(f"  lung, over Flower's {way} (aim {aim} s)  {told}")
    print(f"20,000 patients, {FEW_SITES} sites")
    print(f"  embedded  {embedded(simulated(20_000, 10), FEW_SITES)}, {peak():.1f} GB at most")


def peak() -> float:
    """Gigabytes of memory that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
