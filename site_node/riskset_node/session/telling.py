"""How a refusal is told: in full in the log of a site's own node, and as a noun in a log that all parties of a local run share."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from riskset_common.wire.frame import Message
from riskset_common.wire.messages import Offer
from riskset_node.state.node_state import NodeState
from riskset_node.state.refusals import KeptRefusal, RefusedMessage

Tell = Callable[[str, KeptRefusal], None]
"""Is told the name of the site and what was written down."""

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


def refused_with(
    message: Message | None, place: tuple[bytes | None, int], state: NodeState
) -> RefusedMessage:
    """What is refused with a message of this session and round; None stands for bytes that are no message."""
    sid, round_number = place
    if message is None or sid is None:
        return RefusedMessage("bytes", None, None, 0)
    run = message.run if isinstance(message, Offer) else state.plan(sid).run
    return RefusedMessage(type(message).__name__, sid, run, round_number)


def tell_kind(site: str, kept: KeptRefusal) -> None:
    """Log that a message was refused, and no reason: its text could quote a patient."""
    _LOG.warning("message_refused", site=site, message=kept.refused.message, kind=kept.noun)


def tell_in_full(site: str, kept: KeptRefusal) -> None:
    """Log the whole sentence; of an equal refusal the 10th, 100th, ... time again, so that repetition does not fill the log."""
    if str(kept.times).strip("0") == "1":
        _LOG.warning("refused", site=site, said=kept.sentence())
