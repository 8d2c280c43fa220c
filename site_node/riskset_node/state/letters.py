"""What left of a computation on shares, letter by letter: of what it is a share, its label, its length and its hash.

While a session lasts, its answers are kept as they were sent. When it is closed, nobody can read the sealed and masked letters any more,
because their keys are gone. They then shrink to what is written here; what members signed in the open stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256

from riskset_common.errors import InputError
from riskset_common.formats.canonical_json import canonical_json, parse_canonical
from riskset_common.wire.blind_messages import BlindBits, BlindInput, BlindKeys, BlindShare
from riskset_common.wire.blind_steps import BlindAnswer
from riskset_common.wire.frame import Message

SEALED = (BlindKeys, BlindInput, BlindBits, BlindShare)
"""Letters that hold nothing once the keys of the session are gone."""


@dataclass(frozen=True)
class Letter:
    """One letter of an answer.

    Attributes
    ----------
    of
        What is computed, in words: `counts`, or the name of a model.
    kind
        Of the message.
    to
        The site for which a share is sealed; None for a letter to everybody.
    label
        What it is bound to, in hexadecimal; None where it has none.
    length
        How many numbers it holds; None where it holds none.
    bytes, sha256
        Of the letter as it was sent.
    """

    of: str
    kind: str
    to: str | None
    label: str | None
    length: int | None
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Left:
    """An answer as it was sent: its size, its hash, and its letters."""

    bytes: int
    sha256: str
    letters: tuple[Letter, ...]

    def to_text(self) -> str:
        """Canonical JSON."""
        return canonical_json(asdict(self)).decode()


def left_of(
    answer: BlindAnswer, content: bytes, named: Mapping[bytes, str], sites: Mapping[int, str]
) -> Left:
    """What is kept of an answer.

    Parameters
    ----------
    content
        The answer as it is sent.
    named
        What is computed, by the hash that it is bound to.
    sites
        Names of the sites by their number.
    """
    letters = tuple(
        _letter(message, named[setup], sites)
        for setup, messages in answer.letters().items()
        for message in messages
    )
    return Left(len(content), sha256(content).hexdigest(), letters)


def _letter(message: Message, of: str, sites: Mapping[int, str]) -> Letter:
    content = message.to_bytes()
    return Letter(
        of=of,
        kind=type(message).__name__,
        to=sites[message.receiver] if isinstance(message, BlindShare) else None,
        label=message.label.hex()
        if isinstance(message, BlindInput | BlindBits | BlindShare)
        else None,
        length=message.length if isinstance(message, BlindInput | BlindBits | BlindShare) else None,
        bytes=len(content),
        sha256=sha256(content).hexdigest(),
    )


def read_left(text: str) -> Left:
    """What was kept of an answer, from its text.

    Raises
    ------
    InputError
        If it is none: the file was changed by something else.
    """
    found = parse_canonical(text.encode())
    try:
        if not isinstance(found, dict) or not isinstance(found["letters"], list):
            raise TypeError
        return Left(**{**found, "letters": tuple(Letter(**each) for each in found["letters"])})
    except (KeyError, TypeError):
        raise InputError(
            "What was kept of an answer is no list of letters. Restore the node's state from a copy."
        ) from None


def without_sealed(content: bytes) -> bytes:
    """An answer as it is kept after the close: what members signed in the open."""
    answer = BlindAnswer.from_bytes(content)
    kept = {
        setup: [message for message in messages if not isinstance(message, SEALED)]
        for setup, messages in answer.letters().items()
    }
    return BlindAnswer.of(answer.sid, answer.step, kept).to_bytes()
