"""The 18 nodes of the lung study in this process, which answer in opened sums, under the minima of a node with patients' records."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskset_common.consortium.roster import Roster
from riskset_common.planning.read import ReleasePlan
from riskset_common.primitives.signing import Identity
from riskset_common.study.codebook import Codebook, read_codebook
from riskset_common.study.plan import Plan
from riskset_embedded.demos.lung import study_folder
from riskset_embedded.engine import Parties, _nodes
from riskset_embedded.local_run import read_nodes
from riskset_node.policy import Policy
from riskset_node.session.node import SiteNode
from riskset_server.run.joining import Offered, offer_run
from riskset_server.run.rounds import Asked, Opened

OS = {
    "label": "OS",
    "time": {"variable": "time", "unit": "days"},
    "status": {"variable": "status", "events": {"death": ["dead"]}},
}


OPENED_SUMS = Policy.model_validate({**Policy().model_dump(), "release": "exact"})


@dataclass(frozen=True)
class Consortium:
    """The parties; the centre is the attacker's."""

    centre: Identity
    codebook: Codebook
    roster: Roster
    nodes: Mapping[str, SiteNode]

    def offered(self, plan: Plan) -> Offered:
        """A run of this plan, as an honest centre offers it."""
        return offer_run(plan, self.codebook, self.roster, self.centre, secrets.token_bytes(32), 1)

    def ask(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        """Everybody's answer to what each is sent."""
        return {name: self.nodes[name].answer(message) for name, message in messages.items()}

    def joined(self, plan: Plan) -> Asked:
        """The first round of a run that all sites joined."""
        offered = self.offered(plan)
        keys = offered.take(self.ask(offered.messages))
        return keys.take(self.ask(keys.messages))

    def opened(self, asked: Asked) -> Opened:
        """A round to its opening, which the sites have not seen yet."""
        reported = asked.take(self.ask(asked.messages))
        return reported.take(self.ask(reported.messages))


@contextmanager
def consortium(folder: Path) -> Iterator[Consortium]:
    study = study_folder("lung")
    configs = [
        config.model_copy(update={"policy": OPENED_SUMS}) for config in read_nodes(study / "nodes")
    ]
    centre = Identity.from_random(secrets.token_bytes(32))
    with ExitStack() as stack:
        nodes, roster = _nodes(Parties(configs, centre), centre, folder, stack)
        yield Consortium(centre, read_codebook(study / "codebook.yaml"), roster, nodes)


def plan_of(codebook: Codebook, analyses: Sequence[Mapping[str, Any]], **more: Any) -> Plan:
    """A plan of these analyses in opened sums."""
    return ReleasePlan.model_validate(
        {
            "plan": "p",
            "version": "1.0.0",
            "codebook": codebook.reference,
            "time": {"unit": "days", "grid_days": 1},
            "conventions": "r",
            "endpoints": {"OS": OS},
            "analyses": list(analyses),
            "disclosure": {"release": "exact", "minimum_events_per_term": 5},
            **more,
        }
    )
