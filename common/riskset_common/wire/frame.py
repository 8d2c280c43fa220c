"""The frame of a message, and the one strict way to read it.

A message is a frame around a header and a body::

    "RS" | version u8 | kind u8 | header length u32 LE | header: canonical JSON | body: raw bytes

The header states every length of the body. Reading accepts exactly the bytes that writing produces and refuses all others, so a
message has one form, and a hash of it says what it is.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from riskset_common.errors import InputError, ProtocolRefusal
from riskset_common.formats.canonical_json import canonical_json, parse_canonical
from riskset_common.formats.problems import Problem
from riskset_common.primitives.strict_fields import StrictValue

MAGIC = b"RS"
VERSION = 2
"""1 was the wire of releases before 0.4.0, in which the centre signed an offer and a close only."""
MAX_HEADER_BYTES = 1 << 24
MAX_MESSAGE_BYTES = 1 << 30

_FRAME = struct.Struct("<2sBBI")


class Message(StrictValue):
    """What all messages share. `kind` is the byte by which a frame says which one it holds."""

    kind: ClassVar[int]

    def to_bytes(self) -> bytes:
        """The message as it travels."""
        header = self.header_json()
        return _FRAME.pack(MAGIC, VERSION, self.kind, len(header)) + header + self.body_bytes()

    @classmethod
    def from_bytes(cls, message: bytes) -> Self:
        """Read a message of this kind, and refuse whatever `to_bytes` would not have written."""
        kind, end = _open_frame(message)
        header, body = message[_FRAME.size : end], message[end:]
        if kind != cls.kind:
            raise ProtocolRefusal(
                f"A message of kind {kind} arrived where {cls.__name__} (kind {cls.kind}) is awaited."
            )
        try:
            read = cls._of(header, body)
        except ValidationError as error:
            places = sorted({_place(problem) for problem in error.errors(include_input=False)})
            raise ProtocolRefusal(
                f"The {cls.__name__} message is not as agreed at: {', '.join(places)[:200]}."
            ) from None
        if read.header_json() != header:
            raise ProtocolRefusal(
                f"The header of the {cls.__name__} message is not canonical. Only canonical bytes are read."
            )
        return read

    @classmethod
    def _of(cls, header: bytes, body: bytes) -> Self:
        if body:
            raise ProtocolRefusal(
                f"The {cls.__name__} message has {len(body)} bytes after its end."
            )
        return cls.model_validate_json(header)

    def header_json(self) -> bytes:
        """All fields but the body, canonical JSON."""
        return canonical_json(self.model_dump(mode="json", exclude={"body"}))

    def body_bytes(self) -> bytes:
        """The body, which most kinds do not have."""
        return b""


class MessageWithBody(Message):
    """A message with a body, whose length follows from the lengths in its header."""

    body: bytes = Field(default=b"", repr=False, validate_default=True)

    @property
    @abstractmethod
    def body_length(self) -> int:
        """Bytes that the header announces."""

    @field_validator("body", mode="before")
    @classmethod
    def _from_frame(cls, body: object, info: ValidationInfo) -> object:
        return body if info.context is None else info.context

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if len(self.body) != self.body_length:
            raise ProtocolRefusal(
                f"The body of the {type(self).__name__} message has {len(self.body)} bytes; its header announces {self.body_length}."
            )
        return self

    @classmethod
    def _of(cls, header: bytes, body: bytes) -> Self:
        return cls.model_validate_json(header, context=body)

    def body_bytes(self) -> bytes:
        """The body."""
        return self.body


def _open_frame(message: bytes) -> tuple[int, int]:
    """Kind of a frame, and where its header ends and its body begins."""
    if not _FRAME.size <= len(message) <= MAX_MESSAGE_BYTES:
        raise ProtocolRefusal(
            f"A message of {len(message)} bytes is shorter or longer than any that riskset writes."
        )
    magic, version, kind, length = _FRAME.unpack_from(message)
    if magic != MAGIC:
        raise ProtocolRefusal(
            "These bytes are not a message of riskset. Look for a proxy or portal that answers in its place."
        )
    if version != VERSION:
        who = "whoever sent it" if version < VERSION else "this side"
        raise ProtocolRefusal(
            f"The message is of version {version}; this release reads version {VERSION}. Upgrade riskset at {who}, which runs the older "
            "release."
        )
    end = _FRAME.size + length
    if length > MAX_HEADER_BYTES or end > len(message):
        raise ProtocolRefusal(
            f"The message announces a header of {length} bytes and holds {len(message)} bytes in all."
        )
    return kind, end


def _place(problem: Problem) -> str:
    """Where a header went wrong, in our own words: the name of an unknown field is not repeated."""
    *above, field = map(str, problem["loc"]) if problem["loc"] else ("header",)
    return ".".join([*above, "an unknown field" if problem["type"] == "extra_forbidden" else field])


def read_among(known: Sequence[type[Message]], message: bytes) -> Message:
    """Read a message of one of these kinds."""
    kind, _ = _open_frame(message)
    for kind_of_message in known:
        if kind_of_message.kind == kind:
            return kind_of_message.from_bytes(message)
    raise ProtocolRefusal(
        f"A message of kind {kind} is unknown to this version. Install the release that the centre runs."
    )


def require_canonical(text: bytes, what: str) -> None:
    """Raise unless these bytes of a message are canonical JSON."""
    try:
        parse_canonical(text)
    except InputError as error:
        raise ProtocolRefusal(f"The {what} of a message: {error}") from None
