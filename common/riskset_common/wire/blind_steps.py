"""The messages of blind models: one frame a step, in which the centre and a site send what they have for all models.

The models of a plan advance side by side, and what one member seals for another passes the centre. So a frame holds the messages of
`blind_messages.py` by model, and reading it reads each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Self

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.strict_fields import U32, Digest, StrictValue
from riskset_common.wire.blind_messages import BLIND_MESSAGES
from riskset_common.wire.frame import Message, MessageWithBody, read_among
from riskset_common.wire.from_centre import FromCentre


class BlindBegin(FromCentre, MessageWithBody):
    """Centre to sites: the blind models of the plan begin. The body shows each round that counted their deaths: request, then opening.

    Step 1 of the computation; a site answers with its keys, and with its inputs at coefficients of 0.
    """

    kind = 11

    sid: Digest
    rounds: tuple[tuple[U32, U32], ...]

    @property
    def body_length(self) -> int:
        """All requests and openings."""
        return sum(request + opening for request, opening in self.rounds)

    @property
    def step(self) -> int:
        """Its place among the steps of the computation."""
        return 1

    @classmethod
    def of(cls, sid: bytes, rounds: Sequence[tuple[Message, Message]]) -> Self:
        """Show rounds, each as it was asked and as it was opened."""
        written = [(asked.to_bytes(), opening.to_bytes()) for asked, opening in rounds]
        return cls(
            sid=sid,
            rounds=tuple((len(asked), len(opening)) for asked, opening in written),
            body=b"".join(part for pair in written for part in pair),
        )

    def counted(self) -> tuple[tuple[bytes, bytes], ...]:
        """The rounds, each as it was asked (a RoundRequest) and as it was opened (an Opening)."""
        parts = iter(_cut(self.body, [length for pair in self.rounds for length in pair]))
        return tuple(zip(parts, parts, strict=True))


class BlindLetters(StrictValue):
    """Of one blind model (hash of its set-up), the lengths of the messages that are carried."""

    setup: Digest
    lengths: tuple[U32, ...]


class _Carried(MessageWithBody):
    """Messages of `blind_messages.py` of several models, which advance side by side, in one frame."""

    sid: Digest
    step: U32
    models: tuple[BlindLetters, ...]

    @property
    def body_length(self) -> int:
        """All messages."""
        return sum(sum(model.lengths) for model in self.models)

    @classmethod
    def of(cls, sid: bytes, step: int, letters: Mapping[bytes, Sequence[Message]]) -> Self:
        """Put messages, by the hash of their model's set-up, into one frame."""
        written = {
            setup: [each.to_bytes() for each in messages] for setup, messages in letters.items()
        }
        return cls(
            sid=sid,
            step=step,
            models=tuple(
                BlindLetters(setup=setup, lengths=tuple(map(len, messages)))
                for setup, messages in written.items()
            ),
            body=b"".join(each for messages in written.values() for each in messages),
        )

    def require_step(self, sid: bytes, step: int) -> None:
        """Raise unless this is of that step of that session."""
        if (self.sid, self.step) != (sid, step):
            raise ProtocolRefusal(
                f"Step {self.step} of blind models arrived where step {step} is awaited, or of another session."
            )

    def letters(self) -> dict[bytes, tuple[Message, ...]]:
        """The messages by the hash of their model's set-up; refused if one is not of a blind model, or a model is given twice."""
        parts = iter(_cut(self.body, [length for model in self.models for length in model.lengths]))
        read = {
            model.setup: tuple(
                read_among(BLIND_MESSAGES, part)
                for _, part in zip(model.lengths, parts, strict=False)
            )
            for model in self.models
        }
        if len(read) < len(self.models):
            raise ProtocolRefusal("A step of the blind models carries one of them twice.")
        return read


class BlindStep(FromCentre, _Carried):
    """Centre to a site or member: what others sent for it in one step of the blind models. The centre reads what is not sealed."""

    kind = 12


class BlindAnswer(_Carried):
    """Site to centre: what it has for the centre and for others.

    No message for a model is the word of a committee member that it cannot go on with it: what was opened does not fit its bounds.
    """

    kind = 13


def _cut(body: bytes, lengths: Sequence[int]) -> list[bytes]:
    """A body cut into parts of these lengths."""
    ends = list(accumulate(lengths))
    return [body[end - length : end] for end, length in zip(ends, lengths, strict=True)]
