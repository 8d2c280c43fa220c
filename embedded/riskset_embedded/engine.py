"""The embedded engine: centre and site nodes in one process, exchanging the bytes that they would exchange over a network.

The parties are the real ones. Every report is masked and signed; the centre adds up what it received and learns no more than it
would in a deployment. Only the carrier differs: a function call.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import Any

from riskset_common.codebook import Codebook
from riskset_common.errors import NodeConfigError, Refusal, RisksetError
from riskset_common.plan import Plan
from riskset_common.secure.roster import Member, Roster
from riskset_common.signing import Identity
from riskset_embedded.transcript import Transcript
from riskset_node.config import NodeConfig
from riskset_node.node import SiteNode, Trust
from riskset_node.outbox import Outbox
from riskset_server.drive import Heard, Watcher, drive
from riskset_server.runs import Run, SitesRefused


@dataclass(frozen=True)
class Parties:
    """Who takes part: the nodes' configurations and the centre's identity (made for this run when None)."""

    nodes: Sequence[NodeConfig]
    centre: Identity | None = None


class SitesSaidNo(Refusal):
    """Sites refused, and here, where all parties share one machine, their reasons may be shown.

    It ends with the exit code of the first site's reason, so that a broken file is told apart from a policy.
    """

    def __init__(self, reasons: dict[str, RisksetError]) -> None:
        self.reasons = reasons
        super().__init__(
            "\n".join(
                f"site {site}: {line.removeprefix(f'site {site}: ')}"
                for site, why in reasons.items()
                for line in str(why).splitlines()
            )
        )

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # of the reason, not of the class
        """What the command ends with."""
        return next(iter(self.reasons.values())).exit_code


def run_local(
    plan: Plan,
    codebook: Codebook,
    parties: Parties,
    *,
    transcript: Transcript | None = None,
    outboxes: Path | None = None,
    watcher: Watcher | None = None,
) -> dict[str, Any]:
    """Run a plan with every party in this process, and give the contents of results.json.

    Parameters
    ----------
    transcript
        Where to keep every message that the centre received.
    outboxes
        A directory for the sites' outboxes, one file each; a temporary one when None.

    Raises
    ------
    SitesSaidNo
        With the reason of every site that refused.
    NodeConfigError, PlanError, PolicyRefusal
        Where the run cannot begin.
    """
    centre = parties.centre or Identity.from_random(token_bytes(32))
    with ExitStack() as stack:
        folder = outboxes or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="riskset-"))
        )
        nodes, roster = _nodes(parties.nodes, centre, folder, stack)
        run = Run(plan, codebook, roster, centre, token_bytes(32))
        carrier = _Carrier(nodes, transcript or Transcript(None))
        try:
            return drive(run, carrier, watcher)
        except SitesRefused as refused:
            reasons = {name: nodes[name].refusal for name in refused.codes}
            raise SitesSaidNo(
                {name: why for name, why in reasons.items() if why is not None}
            ) from None


class _Carrier:
    """Carries messages by calling the nodes, and keeps what they answer in the transcript."""

    def __init__(self, nodes: dict[str, SiteNode], transcript: Transcript) -> None:
        self._nodes = nodes
        self._transcript = transcript

    def ask(self, messages: Mapping[str, bytes], step: str, heard: Heard) -> dict[str, bytes]:
        replies: dict[str, bytes] = {}
        for name, message in messages.items():
            replies[name] = self._nodes[name].answer(message)
            self._transcript.received(step, name, replies[name])
            heard(name, replies[name])
        return replies


def _nodes(
    configs: Sequence[NodeConfig], centre: Identity, outboxes: Path, stack: ExitStack
) -> tuple[dict[str, SiteNode], Roster]:
    ordered = sorted(configs, key=lambda config: config.site)
    identities = [_identity(config) for config in ordered]
    roster = Roster(
        version=1,
        members=tuple(
            Member(
                site_id=number,
                name=config.site,
                study_group=config.study_group,
                public=identity.public,
            )
            for number, (config, identity) in enumerate(zip(ordered, identities, strict=True), 1)
        ),
    )
    nodes: dict[str, SiteNode] = {}
    for config, identity in zip(ordered, identities, strict=True):
        outbox = Outbox(outboxes / f"{config.site}.sqlite")
        stack.callback(outbox.close)
        trust = Trust(config.centre_key or centre.public, roster)
        nodes[config.site] = SiteNode(config, identity, trust, outbox, now=_now, random=token_bytes)
    return nodes, roster


def _identity(config: NodeConfig) -> Identity:
    """The site's own key where node.yaml names one, else one made for this run."""
    if config.identity is None:
        return Identity.from_random(token_bytes(32))
    try:
        return Identity.from_pem(config.identity.key.read_bytes())
    except OSError as error:
        raise NodeConfigError(
            f"site {config.site}: identity.key {config.identity.key} cannot be read ({error.strerror})."
        ) from error


def _now() -> datetime:
    return datetime.now(UTC)
