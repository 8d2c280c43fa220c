"""The fields that rosters, sections and messages are made of, and the strictness they share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ELEMENT_BYTES = 32
SHORT_BYTES = 12


U32_END = 1 << 32

U32 = Annotated[int, Field(ge=0, lt=U32_END)]
SiteId = U32
Profile = Literal["recoverable", "strict"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Digest = Annotated[bytes, Field(min_length=32, max_length=32)]
PublicKey = Annotated[bytes, Field(min_length=32, max_length=32)]
Signature = Annotated[bytes, Field(min_length=64, max_length=64)]


class StrictValue(BaseModel):
    """A frozen value without unknown fields or conversions; bytes are hexadecimal in JSON; errors do not quote what they found."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        ser_json_bytes="hex",
        val_json_bytes="hex",
        hide_input_in_errors=True,
    )
