"""The edge of the site node: whatever happens while a message is answered, a signed message of the protocol goes back, or nothing.

An exception's text can quote a patient's value. It is written to this site's log; what crosses is a `Refused` with one fixed noun. What
the centre of this site did not sign is dropped: nothing goes back but an empty reply, and no session is the worse for it.
"""

from __future__ import annotations

from concurrent.futures import Executor

import structlog

from riskset_common.errors import RisksetError
from riskset_common.primitives.signing import Identity
from riskset_common.programs.memory import give_back
from riskset_node.session.node import SiteNode

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


class Answering:
    """Answers one message after the other, also where several carriers bring them.

    Parameters
    ----------
    thread
        An executor with one thread: the node and its files live in it, whichever carrier asks.
    """

    def __init__(
        self,
        node: SiteNode,
        identity: Identity,
        thread: Executor,
    ) -> None:
        self._node = node
        self._identity = identity
        self._thread = thread

    @property
    def site(self) -> str:
        """The site's name in the roster."""
        return self._node.name

    @property
    def site_id(self) -> int:
        """The site's number in the roster."""
        return self._node.site_id

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
        """Refuse a message of the centre unanswered, because what carries it is not as agreed; what is not the centre's is dropped."""
        return self._thread.submit(self._refused, message, error).result()

    def _answer(self, message: bytes) -> bytes:
        try:
            return self._node.answer(message)
        except RisksetError as error:
            self._node.say_no(None, error)
            return b""
        except Exception as error:  # noqa: BLE001  # the edge of the node: nothing but a noun may leave
            _LOG.exception("answer_failed", site=self.site, kind=type(error).__name__)
            return self._node.refuse(self._node.read(message), RisksetError(_fault(error)))

    def _refused(self, message: bytes, error: RisksetError) -> bytes:
        try:
            read = self._node.read(message)
        except RisksetError:
            self._node.say_no(None, error)
            return b""
        return self._node.refuse(read, error)


def _fault(error: Exception) -> str:
    return (
        f"a fault of riskset ({type(error).__name__}). The node's log has where it arose; send those lines, which may quote a patient, "
        "to nobody before you have read them."
    )
