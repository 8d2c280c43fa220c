"""Frames of a stream: a message cut into pieces that a proxy lets through, each saying where it belongs and what the whole is.

A frame is ``"RSF" | version u8 | kind u8 | exchange u64 | part u32 | parts u32 | length u64 | sha256 of the message | piece``, little
endian. `parts` follows from `length`, and so does the length of each piece: whoever reads knows before the first byte is kept how much
there will be. Frames guard against what a network does, and against a sender who would fill the reader's memory; not against who sits in
the network: the messages themselves are signed and masked.

Who dials in says so before a frame is sent: the first call of a stream carries `HELLO_KEY` in its metadata.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from riskset_common.errors import ProtocolRefusal

PIECE_BYTES = 3 << 20
"""Bytes of a message in one frame, so that a frame stays below the 4 MiB that gRPC and proxies let through."""

LONGEST_MESSAGE = 256 << 20
"""Bytes of the longest message that a stream carries."""

VERSION = 2
SERVICE, METHOD = "riskset.Stream", f"Relay{VERSION}"
RELAY = f"/{SERVICE}/{METHOD}"
"""The call of a stream. A release that speaks another version knows no call of this name, and so can be told apart at once."""

HELLO_KEY = "riskset-hello-bin"
"""The key in the metadata of the call under which whoever dials in shows its `hello`."""

TOKEN_BYTES = 32
_HEAD = struct.Struct("<3sBBQIIQ32s")
_MAGIC = b"RSF"
_HELLO = struct.Struct(f"<{TOKEN_BYTES}sI64s")

LONGEST_FRAME = PIECE_BYTES + _HEAD.size
"""Bytes of the longest frame."""


class FrameKind(IntEnum):
    """What a frame carries: who dials in, or a piece of a message."""

    HELLO = 1
    MESSAGE = 2


@dataclass(frozen=True, slots=True)
class Whole:
    """One complete message. `exchange` is the number by which a question and its answer belong together."""

    kind: FrameKind
    exchange: int
    message: bytes = field(repr=False)


def parts_of(length: int) -> int:
    """Into how many frames a message of so many bytes is cut; an empty one has one as well."""
    return max(1, -(-length // PIECE_BYTES))


def frames_of(whole: Whole) -> Iterator[bytes]:
    """Cut a message into frames; an empty message is one frame."""
    length = len(whole.message)
    parts = parts_of(length)
    digest = hashlib.sha256(whole.message).digest()
    for part in range(parts):
        piece = whole.message[part * PIECE_BYTES : (part + 1) * PIECE_BYTES]
        head = _HEAD.pack(_MAGIC, VERSION, whole.kind, whole.exchange, part, parts, length, digest)
        yield head + piece


def _always(_: int) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class _Head:
    """What a frame says of the message that its piece belongs to."""

    exchange: int
    parts: int
    length: int
    digest: bytes


class Assembly:
    """Puts the frames of one direction of a stream together; they arrive in order.

    Nothing is kept but pieces of one message, as many bytes as it announced and no more than `limit`.

    Parameters
    ----------
    kind
        The only kind of message that is taken.
    limit
        Bytes of the longest message.
    is_awaited
        Whether a message of this exchange is awaited: one that is not is refused at its first frame.
    """

    def __init__(
        self,
        kind: FrameKind = FrameKind.MESSAGE,
        limit: int = LONGEST_MESSAGE,
        is_awaited: Callable[[int], bool] = _always,
    ) -> None:
        self._kind = kind
        self._limit = limit
        self._is_awaited = is_awaited
        self._head: _Head | None = None
        self._pieces: list[bytes] = []

    def add(self, frame: bytes) -> Whole | None:
        """Take the next frame; give the message that it completes.

        Raises
        ------
        ProtocolRefusal
            Where a frame is none, is out of order or not of the length that it must have, or the whole is not what its frames announced.
        """
        head, part = self._read(frame)
        if self._head is None:
            self._begin(head)
        if part != len(self._pieces) or head != (self._head or head):
            raise ProtocolRefusal(
                f"Part {part} of {head.parts} arrived where part {len(self._pieces)} is awaited. The stream is broken; it is opened again."
            )
        piece = frame[_HEAD.size :]
        expected = min(PIECE_BYTES, head.length - part * PIECE_BYTES)
        if len(piece) != expected:
            raise ProtocolRefusal(
                f"Part {part} of {head.parts} has {len(piece)} bytes where {expected} are announced. The stream is broken; it is opened "
                "again."
            )
        self._head = head
        self._pieces.append(piece)
        if part + 1 < head.parts:
            return None
        message = b"".join(self._pieces)
        self._head, self._pieces = None, []
        if hashlib.sha256(message).digest() != head.digest:
            raise ProtocolRefusal(
                "A message was changed on its way through the stream. Look for a proxy that rewrites what passes."
            )
        return Whole(self._kind, head.exchange, message)

    def _begin(self, head: _Head) -> None:
        """Look at what is announced, before anything of it is kept."""
        if head.length > self._limit:
            raise ProtocolRefusal(
                f"The stream announces a message of {head.length} bytes, more than {self._limit}."
            )
        if not self._is_awaited(head.exchange):
            raise ProtocolRefusal(
                f"A message of exchange {head.exchange} arrived, which nobody awaits. The stream is broken; it is opened again."
            )

    def _read(self, frame: bytes) -> tuple[_Head, int]:
        if len(frame) < _HEAD.size:
            raise ProtocolRefusal(f"{len(frame)} bytes are too few for a frame of the stream.")
        magic, version, kind, exchange, part, parts, length, digest = _HEAD.unpack_from(frame)
        if magic != _MAGIC or version != VERSION:
            raise ProtocolRefusal(
                "The stream does not speak the frames of this release. Bring centre and sites to one release."
            )
        if kind != self._kind:
            raise ProtocolRefusal(
                f"A frame of kind {kind} arrived where one of kind {self._kind.value} is awaited."
            )
        if parts != parts_of(length):
            raise ProtocolRefusal(
                f"A message of {length} bytes has {parts_of(length)} parts; the stream announces {parts}."
            )
        return _Head(exchange, parts, length, digest), part


def hello_statement(token: bytes, site_id: int) -> bytes:
    """What a site signs to show that it holds its key, and that the stream is the one of this run."""
    return b"riskset/stream/2/" + token + struct.pack("<I", site_id)


def hello(token: bytes, site_id: int, signature: bytes) -> bytes:
    """What a stream begins with: the value of `HELLO_KEY`."""
    return next(frames_of(Whole(FrameKind.HELLO, 0, _HELLO.pack(token, site_id, signature))))


def read_hello(shown: bytes) -> tuple[bytes, int, bytes]:
    """Token, site number and signature of whoever dials in; they are not yet checked.

    Raises
    ------
    ProtocolRefusal
        Where it is no hello.
    """
    whole = Assembly(FrameKind.HELLO, limit=_HELLO.size).add(shown)
    if whole is None or len(whole.message) != _HELLO.size:
        raise ProtocolRefusal("A stream must begin with the token of its run.")
    token, site_id, signature = _HELLO.unpack(whole.message)
    return token, site_id, signature
