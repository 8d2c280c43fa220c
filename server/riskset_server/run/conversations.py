"""Conversations with sites and committee that go on side by side: in every step a site is sent what all of them have for it in one frame.

A conversation knows one computation on shares; what carries it knows none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from riskset_common.wire.blind_steps import BlindAnswer, BlindBegin, BlindStep
from riskset_common.wire.frame import Message
from riskset_server.run.run import Run

Letters = Mapping[int, Sequence[Message]]
"""Messages of one computation by the number of the site."""


class SideBySide:
    """The frames of conversations, by the hash of what each is bound to.

    Parameters
    ----------
    run
        The run that they are part of.
    begin
        What the first step sends instead of letters.
    """

    def __init__(self, run: Run, begin: BlindBegin) -> None:
        self._run, self._begin = run, begin
        self.step = 1
        """The number of the step that is asked next."""

    def messages(self, sending: Mapping[bytes, Letters]) -> dict[str, bytes]:
        """The next step, by name of the site."""
        name = self._run.roster.name
        receivers = sorted({site for letters in sending.values() for site in letters})
        if self.step == 1:
            return dict.fromkeys(map(name, receivers), self._run.signed(self._begin))
        return {
            name(site): self._run.signed(
                BlindStep.of(
                    self._run.sid,
                    self.step,
                    {setup: letters[site] for setup, letters in sending.items() if site in letters},
                )
            )
            for site in receivers
        }

    def read(self, replies: Mapping[str, BlindAnswer]) -> dict[bytes, dict[int, Sequence[Message]]]:
        """What came back, by conversation and number of the site; the next step follows."""
        numbers = {member.name: member.site_id for member in self._run.roster.members}
        read: dict[bytes, dict[int, Sequence[Message]]] = {}
        for name, reply in replies.items():
            reply.require_step(self._run.sid, self.step)
            for setup, letters in reply.letters().items():
                read.setdefault(setup, {})[numbers[name]] = letters
        self.step += 1
        return read
