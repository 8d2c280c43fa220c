"""The machines that answer for a site in the computations on shares of one session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from riskset_common.study.patients import Patients
from riskset_common.wire.frame import Message
from riskset_node.state.outbox import Summary

Records = Callable[[], Patients]
"""Gives this site's patients, as they joined the session; called when all else is checked."""


class Parts(Protocol):
    """The machines of one session, by the hash of what each is bound to. All they say follows from what the site
    brings and from what they are sent.
    """

    @property
    def named(self) -> Mapping[bytes, str]:
        """What each computes, in words."""
        ...

    @property
    def own_numbers(self) -> Summary | None:
        """This site's own numbers under the mask of the answer that was given last, if there are any to show."""
        ...

    def begin(self) -> dict[bytes, list[Message]]:
        """What goes out first."""
        ...

    def answer(self, setup: bytes, letters: Sequence[Message]) -> list[Message]:
        """Answer what one step brings for one machine.

        Raises
        ------
        ProtocolRefusal
            Where there is no such machine here, or it awaits something else.
        """
        ...
