"""Whether people of this site agreed to a plan: asked of every offer, before the plan is read and before a record is touched."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

from riskset_common.errors import ApprovalRefusal
from riskset_node.config import NodeConfig


class Approval(Protocol):
    """Says whether a plan may be answered at all."""

    def require(self, config: NodeConfig, plan_json: bytes, codebook_json: bytes) -> None:
        """Raise `ApprovalRefusal` unless people agreed to exactly this plan and this codebook, both canonical JSON."""
        ...


class NobodyIsAsked:
    """For runs in which one person holds all files, and so agrees by starting them: every plan is answered."""

    def require(self, config: NodeConfig, plan_json: bytes, codebook_json: bytes) -> None:
        """Nothing."""


class PinnedPlans:
    """Asks for what `centre.plans` of node.yaml holds at the time."""

    def require(self, config: NodeConfig, plan_json: bytes, codebook_json: bytes) -> None:
        """Raise `ApprovalRefusal` unless plan and codebook are pinned together, or any is allowed."""
        plans = config.centre.plans
        if plans == "any":
            return
        plan, codebook = sha256(plan_json).hexdigest(), sha256(codebook_json).hexdigest()
        if any(pin.plan == plan and pin.codebook == codebook for pin in plans or ()):
            return
        what = (
            "node.yaml has no centre.plans, so this node answers no plan"
            if plans is None
            else f"centre.plans in node.yaml holds {len(plans)} other plans"
        )
        raise ApprovalRefusal(
            f"centre.plans: the plan that is offered is not pinned here; {what}. Read plan and codebook, compare their hashes with those "
            "that the centre gives (`riskset plan check`), and if this site agrees, write under centre: in node.yaml: "
            f"plans: [{{plan: {plan}, codebook: {codebook}}}]"
        )
