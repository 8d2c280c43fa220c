"""What masking costs: the demonstration plan on 18 sites with masks and signatures, and the same run without.

    make bench

The plain side is the same code with the functions that mask, sign and verify replaced, and without the second exchange that opens the
first round; nothing else differs.
"""

from __future__ import annotations

from contextlib import ExitStack
from unittest.mock import patch

import structlog
from tests.benchmarks.machine import describe, middle, timed

from riskset_common.consortium import governance
from riskset_common.planning.read import read_plan
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums import contributors, reporting, setup
from riskset_common.secure.sums import pooling as pool
from riskset_common.secure.sums import site_session as session
from riskset_common.study.codebook import read_codebook
from riskset_common.study.plan import Plan, SecureSums
from riskset_embedded.demos.lung import study_folder
from riskset_embedded.engine import Parties, run_local
from riskset_embedded.local_run import read_nodes
from riskset_node.session import node

RUNS = 7


def dropped(*_: object) -> str:
    """No event of a log is part of what is measured."""
    raise structlog.DropEvent


def main() -> None:
    """Alternate the two sides and print the ratio of their medians."""
    folder = study_folder("lung")
    plan, codebook, nodes = (
        read_plan(folder / "plan.yaml"),
        read_codebook(folder / "codebook.yaml"),
        read_nodes(folder / "nodes"),
    )

    structlog.configure(processors=[dropped])
    # The plain side is strict: without masks there is nothing to recover, and one message from each site suffices.
    strict = plan.model_copy(update={"secure": SecureSums(profile="strict")})

    def run(asked: Plan) -> object:
        return run_local(asked, codebook, Parties(nodes)).analyses

    secure: list[float] = []
    waiting: list[float] = []
    plain: list[float] = []
    run(plan)
    for _ in range(RUNS):
        seconds, masked = timed(lambda: run(plan))
        secure.append(seconds)
        waiting.append(timed(lambda: run(strict))[0])
        with ExitStack() as stack:
            stack.enter_context(patch.object(reporting, "_mask", lambda *_: None))
            stack.enter_context(patch.object(session, "_peer_keys", lambda *_: ()))
            stack.enter_context(patch.object(Identity, "sign", lambda *_: bytes(64)))
            for module in (contributors, governance, node, pool, session, setup):
                stack.enter_context(patch.object(module, "verify", lambda *_: None))
            seconds, unmasked = timed(lambda: run(strict))
        plain.append(seconds)
        if masked != unmasked:
            raise SystemExit("the masked run and the plain run differ")
    print(f"the plan {plan.plan} on {len(nodes)} sites, whole run, median of {RUNS}")
    print(f"  {describe('numpy', 'cryptography')}")
    print(f"  plain sums              {middle(plain):.3f} s")
    for name, took in (("recoverable", secure), ("strict", waiting)):
        ratio = middle(took) / middle(plain)
        print(
            f"  masked, {name:<15} {middle(took):.3f} s   ratio {ratio:.2f}   (hold: at most 1.3)"
        )
    print("  all parties share this machine: what 18 sites check is added up")


if __name__ == "__main__":
    main()
