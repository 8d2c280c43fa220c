"""A study of six sites cut from the demonstration, recoverable with four of them, for tests of loss and restart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import Codebook, read_codebook
from riskset_common.study.plan import Plan, Quorum, SecureSums
from riskset_embedded.demos.lung import study_folder
from riskset_embedded.engine import Parties
from riskset_embedded.local_run import read_nodes
from riskset_node.config import NodeConfig

ANALYSES = ("followup", "table1", "os_sex", "cox")


@dataclass(frozen=True)
class SixSites:
    plan: Plan
    codebook: Codebook
    nodes: tuple[NodeConfig, ...]

    @property
    def names(self) -> list[str]:
        return [config.site for config in self.nodes]

    def parties(
        self, cut: Mapping[str, int] | None = None, draw: Callable[[str], bytes] | None = None
    ) -> Parties:
        return Parties(self.nodes, None, draw or drawn, cut or {})


def six_sites(**secure: object) -> SixSites:
    folder = study_folder("lung")
    plan = read_plan(folder / "plan.yaml")
    chosen = tuple(analysis for analysis in plan.analyses if analysis.id in ANALYSES)
    settings = {"minimum_sites": 4} | secure
    smaller = plan.model_copy(
        update={
            "analyses": chosen,
            "displays": (),
            "quorum": Quorum(sites=1, of=6),
            "secure": SecureSums.model_validate(settings),
        }
    )
    nodes = read_nodes(folder / "nodes")[:6]
    relaxed = [
        config.model_copy(
            update={
                "policy": config.policy.model_copy(
                    update={"minimum_sites": 1, "minimum_events_per_term": 1}
                )
            }
        )
        for config in nodes
    ]
    return SixSites(smaller, read_codebook(folder / "codebook.yaml"), tuple(relaxed))


def drawn(purpose: str) -> bytes:
    """The same 32 bytes for a purpose in every run."""
    return hashlib.sha256(b"drawn " + purpose.encode()).digest()


def study_files(folder: Path) -> tuple[Path, Path, Path]:
    """Plan, codebook and nodes of the demonstration as files."""
    found = study_folder("lung")
    return found / "plan.yaml", found / "codebook.yaml", found / "nodes"
