"""Frames of a stream: a message cut into pieces that a proxy lets through, each saying where it belongs and what the whole is.

A frame is ``"RSF" | version u8 | kind u8 | exchange u64 | part u32 | parts u32 | length u64 | sha256 of the message | piece``, little
endian. Frames guard against what a network does, not against who sits in it: the messages themselves are signed and masked.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from riskset_common.errors import ProtocolRefusal
from riskset_common.wire.frame import MAX_MESSAGE_BYTES

PIECE_BYTES = 3 << 20
"""Bytes of a message in one frame, so that a frame stays below the 4 MiB that gRPC and proxies let through."""

VERSION = 1
TOKEN_BYTES = 32
_HEAD = struct.Struct("<3sBBQIIQ32s")
_MAGIC = b"RSF"
_HELLO = struct.Struct(f"<{TOKEN_BYTES}sI64s")


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


def frames_of(whole: Whole) -> Iterator[bytes]:
    """Cut a message into frames; an empty message is one frame."""
    parts = max(1, -(-len(whole.message) // PIECE_BYTES))
    digest = hashlib.sha256(whole.message).digest()
    for part in range(parts):
        piece = whole.message[part * PIECE_BYTES : (part + 1) * PIECE_BYTES]
        head = _HEAD.pack(
            _MAGIC,
            VERSION,
            whole.kind,
            whole.exchange,
            part,
            parts,
            len(whole.message),
            digest,
        )
        yield head + piece


class Assembly:
    """Puts the frames of one direction of a stream together; they arrive in order."""

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._head: tuple[int, int, int, int, bytes] | None = None
        self._pieces: list[bytes] = []

    def add(self, frame: bytes) -> Whole | None:
        """Take the next frame; give the message that it completes.

        Raises
        ------
        ProtocolRefusal
            Where a frame is none, is out of order, or the whole is not what its frames announced.
        """
        kind, exchange, part, parts, length, digest = _read(frame)
        head = (kind, exchange, parts, length, digest)
        if length > self._limit:
            raise ProtocolRefusal(
                f"The stream announces a message of {length} bytes, more than {self._limit}."
            )
        if part != len(self._pieces) or (self._pieces and head != self._head):
            raise ProtocolRefusal(
                f"Part {part} of {parts} arrived where part {len(self._pieces)} is awaited. The stream is broken; it is opened again."
            )
        self._head = head
        self._pieces.append(frame[_HEAD.size :])
        if sum(map(len, self._pieces)) > length:
            raise ProtocolRefusal("The stream sent more bytes than it announced.")
        if part + 1 < parts:
            return None
        message, self._pieces = b"".join(self._pieces), []
        if len(message) != length or hashlib.sha256(message).digest() != digest:
            raise ProtocolRefusal(
                "A message was changed on its way through the stream. Look for a proxy that rewrites what passes."
            )
        return Whole(FrameKind(kind), exchange, message)


def _read(frame: bytes) -> tuple[int, int, int, int, int, bytes]:
    if len(frame) < _HEAD.size:
        raise ProtocolRefusal(f"{len(frame)} bytes are too few for a frame of the stream.")
    magic, version, kind, exchange, part, parts, length, digest = _HEAD.unpack_from(frame)
    if magic != _MAGIC or version != VERSION or kind not in tuple(FrameKind):
        raise ProtocolRefusal(
            "The stream does not speak the frames of this release. Bring centre and sites to one release."
        )
    return kind, exchange, part, parts, length, digest


def hello_statement(token: bytes, site_id: int) -> bytes:
    """What a site signs to show that it holds its key, and that the stream is the one of this run."""
    return b"riskset/stream/1/" + token + struct.pack("<I", site_id)


def hello(token: bytes, site_id: int, signature: bytes) -> bytes:
    """The first frame of a stream."""
    return next(frames_of(Whole(FrameKind.HELLO, 0, _HELLO.pack(token, site_id, signature))))


def read_hello(whole: Whole) -> tuple[bytes, int, bytes]:
    """Token, site number and signature of whoever dials in; they are not yet checked."""
    if whole.kind is not FrameKind.HELLO or len(whole.message) != _HELLO.size:
        raise ProtocolRefusal("A stream must begin with the token of its run.")
    token, site_id, signature = _HELLO.unpack(whole.message)
    return token, site_id, signature
