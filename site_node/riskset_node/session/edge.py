"""The edge of the site node: whatever happens while a message is answered, a signed message of the protocol goes back, or nothing.

An exception's text can quote a patient's value. It is written to this site's log; what crosses is a `Refused` with one fixed noun. What
the centre of this site did not sign is dropped: nothing goes back but an empty reply, and no session is the worse for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime

import structlog

from riskset_common.errors import RisksetError
from riskset_common.primitives.signing import Identity
from riskset_common.programs.memory import give_back
from riskset_common.secure.sums.site_session import refuse
from riskset_common.wire.frame import Message
from riskset_common.wire.messages import read_message
from riskset_node.session.node import SiteNode, place_of
from riskset_node.state.outbox import Outbox

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


class Answering:
    """Answers one message after the other, also where several carriers bring them.

    Parameters
    ----------
    thread
        An executor with one thread: the node and its files live in it, whichever carrier asks.
    now
        The site's clock.
    """

    def __init__(
        self,
        node: SiteNode,
        identity: Identity,
        site_id: int,
        outbox: Outbox,
        thread: Executor,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._node = node
        self._identity = identity
        self._site_id = site_id
        self._outbox = outbox
        self._thread = thread
        self._now = now

    @property
    def site(self) -> str:
        """The site's name in the roster."""
        return self._node.name

    @property
    def site_id(self) -> int:
        """The site's number in the roster."""
        return self._site_id

    def sign(self, statement: bytes) -> bytes:
        """Sign with the site's own key: by this a stream is known to be this site's."""
        return self._identity.sign(statement)

    def answer(self, message: bytes) -> bytes:
        """Answer one message; empty where nothing is awaited, or the message was dropped. A fault here is a refusal there, and its
        reason stays here.

        Raises only where the answer cannot be written down: then nothing may leave.
        """
        reply = self._thread.submit(self._answer, message).result()
        if self._node.is_idle:
            self._thread.submit(give_back)
        return reply

    def renew(self) -> None:
        """Take up the policy of node.yaml if the file was changed, also while nothing is asked."""
        self._thread.submit(self._node.renew).result()

    def refuse(self, message: bytes, error: RisksetError) -> bytes:
        """Refuse a message without reading it: what carries it is already not as agreed."""
        return self._thread.submit(self._refused, message, error).result()

    def _answer(self, message: bytes) -> bytes:
        try:
            return self._node.answer(message)
        except RisksetError as error:
            self._node.say_no(None, error)
            return b""
        except Exception as error:  # noqa: BLE001  # the edge of the node: nothing but a noun may leave
            _LOG.exception("answer_failed", site=self.site, kind=type(error).__name__)
            return self._node.refuse(read_message(message), RisksetError(_fault(error)))

    def _refused(self, message: bytes, error: RisksetError) -> bytes:
        """A refusal on the site's behalf, in the session of the message that it refuses."""
        read = _read(message)
        self._node.say_no(read, error)
        sid, round_number = (_unread(message), 0) if read is None else place_of(read)
        refused = refuse(self._identity, self._site_id, sid, round_number, error)
        return self._outbox.send(refused, sid, round_number, self._now())


def _fault(error: Exception) -> str:
    return (
        f"a fault of riskset ({type(error).__name__}). The node's log has where it arose; send those lines, which may quote a patient, "
        "to nobody before you have read them."
    )


def _read(message: bytes) -> Message | None:
    """The message; None of bytes that are none."""
    try:
        return read_message(message)
    except RisksetError:
        return None


def _unread(message: bytes) -> bytes:
    """What stands for the session of bytes that are no message: their hash."""
    return hashlib.sha256(b"riskset/unread/" + message).digest()
