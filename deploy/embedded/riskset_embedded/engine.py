"""The embedded engine: centre and site nodes in one process, exchanging the bytes that they would exchange over a network.

The parties are the real ones. Every report is masked and signed; the centre adds up what it received and learns no more than it
would in a deployment. Only the carrier differs: a function call.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

from riskset_common.consortium.governance import Governance, sign_roster, unsigned
from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import (
    InputError,
    NodeConfigError,
    Refusal,
    RisksetError,
    SignatureRefusal,
    did_you_mean,
)
from riskset_common.primitives.signing import Identity, read_identity
from riskset_common.results.whole_file import Results
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_embedded.transcript import Transcript
from riskset_node.config import NodeConfig
from riskset_node.session.approval import NobodyIsAsked
from riskset_node.session.node import SiteNode
from riskset_node.session.trust import Trust
from riskset_node.state.node_state import NodeState
from riskset_server.driving.recorded import Recorded
from riskset_server.run.course import OnReplies, Watcher, round_of, run_course
from riskset_server.run.joining import offer_run
from riskset_server.run.replies import SitesRefused

ONLY_RUN = 1
"""The number of a run in one process, where there is no other."""


def _any_random(_purpose: str) -> bytes:
    return token_bytes(32)


@dataclass(frozen=True)
class Parties:
    """Who takes part.

    Attributes
    ----------
    nodes
        The nodes' configurations.
    centre
        The centre's identity; made for this run when None.
    draw
        32 random bytes by purpose, for the keys and the nonce of this run. A run that is to be continued gets the same again.
    cut
        A rehearsal of loss: from which round on nothing reaches a site and nothing comes from it. Round 0 is joining.
    """

    nodes: Sequence[NodeConfig]
    centre: Identity | None = None
    draw: Callable[[str], bytes] = _any_random
    cut: Mapping[str, int] = field(default_factory=dict)


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
) -> Results:
    """Run a plan with every party in this process, and give what results.json holds.

    Parameters
    ----------
    transcript
        Where to keep every message that the centre received. A site's answer that it holds already is not asked for again.
    outboxes
        A directory for the sites' states with their outboxes, one file each; a temporary one when None.

    Raises
    ------
    SitesSaidNo
        With the reason of every site that refused.
    SitesLost
        Where sites do not answer without which the run cannot go on. With the same arguments it continues when they are back.
    NodeConfigError, PlanError, PolicyRefusal
        Where the run cannot begin.
    """
    _check_cut(parties)
    centre = parties.centre or Identity.from_random(parties.draw("centre"))
    with ExitStack() as stack:
        folder = outboxes or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="riskset-"))
        )
        nodes, roster = _nodes(parties, centre, folder, stack)
        offered = offer_run(plan, codebook, roster, centre, parties.draw("nonce"), ONLY_RUN)
        direct = Direct(nodes, parties.cut)
        try:
            return run_course(offered, Recorded(direct, transcript or Transcript(None)), watcher)
        except SitesRefused as refused:
            reasons = {name: why for name, why in direct.reasons.items() if name in refused.codes}
            if not reasons:  # they were given before the run was stopped and continued
                raise
            raise SitesSaidNo(reasons) from None


class Direct:
    """Asks the nodes of this process one after the other. A site whose line is cut is not there.

    `reasons` holds why each site first said no; it may refuse what follows for other reasons.
    """

    def __init__(self, nodes: Mapping[str, SiteNode], cut: Mapping[str, int]) -> None:
        self._nodes = nodes
        self._cut = cut
        self._round = 0
        self.reasons: dict[str, RisksetError] = {}

    def ask(
        self, messages: Mapping[str, bytes], step: str, on_replies: OnReplies
    ) -> dict[str, bytes]:
        """Ask the sites whose line is not cut, in their order."""
        self._round = max(self._round, round_of(step))
        replies: dict[str, bytes] = {}
        for name, message in messages.items():
            if self._round >= self._cut.get(name, self._round + 1):
                continue
            try:
                replies[name] = self._nodes[name].answer(message)
            except SignatureRefusal as dropped:
                raise SitesSaidNo({name: dropped}) from None
            on_replies({name: replies[name]})
            refusal = self._nodes[name].refusal
            if refusal is not None:
                self.reasons.setdefault(name, refusal)
        return replies


def _check_cut(parties: Parties) -> None:
    names = [config.site for config in parties.nodes]
    for name in parties.cut:
        if name not in names:
            raise InputError(f"--lose {name}: no such site. {did_you_mean(name, names)}")


def _nodes(
    parties: Parties, centre: Identity, outboxes: Path, stack: ExitStack
) -> tuple[dict[str, SiteNode], Roster]:
    ordered = sorted(parties.nodes, key=lambda config: config.site)
    identities = [_identity(config, parties.draw) for config in ordered]
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
    # In a deployment the consortium's own keys sign; here one is made for this run and pinned at every node.
    governance = Identity.from_random(parties.draw("governance"))
    signed = sign_roster(unsigned(roster), governance)
    pinned = Governance((governance.public,), 1)
    nodes: dict[str, SiteNode] = {}
    for config, identity in zip(ordered, identities, strict=True):
        state = NodeState(outboxes / f"{config.site}.sqlite")
        stack.callback(state.close)
        trust = Trust.in_signed(config.centre_key or centre.public, signed, pinned)
        nodes[config.site] = SiteNode(
            config, identity, trust, state, NobodyIsAsked(), now=_now, random=token_bytes
        )
    return nodes, roster


def _identity(config: NodeConfig, draw: Callable[[str], bytes]) -> Identity:
    """The site's own key where node.yaml names one, else one made for this run."""
    if config.identity is None:
        return Identity.from_random(draw(f"identity of {config.site}"))
    return read_identity(config.identity.key, f"site {config.site}: identity.key", NodeConfigError)


def _now() -> datetime:
    return datetime.now(UTC)
