"""Canonical bytes: one value has one text (RFC 8785), and so one hash, whoever writes it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence, Set

import rfc8785
from pydantic import BaseModel

from riskset_common.errors import InputError
from riskset_common.formats.json_values import Json

_ADVICE = "Canonical JSON holds text, whole numbers below 2^53, finite numbers, lists and mappings with text as keys."

_PLAIN = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False
)


def canonical_json(value: object) -> bytes:
    """RFC 8785 JSON of a pydantic model or a plain value.

    A model is written with every field it has, defaults too, under the names its YAML uses: a hash over these bytes covers all
    that the model says. Sets, which have no order, and numbers that JSON cannot write are refused, not quietly replaced.
    """
    try:
        if isinstance(value, BaseModel):
            # serialize_as_any would bypass the fields that write an ordered mapping as pairs, and lose its order.
            _has_one_text(value.model_dump(mode="python", by_alias=True))
            return _text(value.model_dump(mode="json", by_alias=True))
        if _is_plain(value):
            return _PLAIN.encode(value).encode()
        _has_one_text(value)
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # what it cannot write, it refuses
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"This value has no canonical JSON: {type(error).__name__}. {_ADVICE}"
        ) from None


def content_hash(value: object) -> bytes:
    """SHA-256 of the canonical JSON, 32 bytes."""
    return hashlib.sha256(canonical_json(value)).digest()


def sha256_hex(value: object) -> str:
    """SHA-256 of the canonical JSON as 64 hexadecimal digits, for people and files."""
    return content_hash(value).hex()


def parse_canonical(text: bytes) -> Json:
    """Read JSON that must already be canonical, so that its bytes can be hashed as they are."""
    try:
        value: Json = json.loads(text, parse_int=_whole)
        canonical = _text(value)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"This is not JSON that can be read: {type(error).__name__}. {_ADVICE}"
        ) from None
    if canonical != text:
        raise InputError(
            "This JSON is not in canonical form (RFC 8785): spaces, order of keys or the writing of numbers differ. "
            "Write it with canonical_json."
        )
    return value


def _text(value: object) -> bytes:
    """RFC 8785 JSON. What most messages are made of is written by the standard library, as the same text and many times as fast."""
    if _is_plain(value):
        return _PLAIN.encode(value).encode()
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # what it cannot write, it refuses


def _is_plain(value: object) -> bool:
    """Whether the standard library writes a value as RFC 8785 does: keys that sort alike in any encoding, and plain numbers."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int or kind is float:
        return _is_plain_number(value)  # type: ignore[arg-type]  # is one of the two
    if isinstance(value, dict):
        for key, part in value.items():  # a loop: every message passes here several times
            if type(key) is not str or not key.isascii():
                return False
            if type(part) is not str and not _is_plain(part):
                return False
        return True
    if isinstance(value, (list, tuple)):
        return all(type(part) is str or _is_plain(part) for part in value)
    return False


def _is_plain_number(value: float) -> bool:
    """Whether both write a number alike: the shortest digits that give it back, where neither takes an exponent or leaves out `.0`."""
    if type(value) is int:
        return -(2**53) < value < 2**53
    return 1e-4 <= abs(value) < 1e16 and not value.is_integer()


def _whole(text: str) -> int | float:
    """RFC 8785 writes a float up to 1e21 without a point; only whole numbers below 2^53 are surely not floats."""
    number = float(text)
    return number if abs(number) >= 2**53 else int(text)


def _has_one_text(value: object) -> None:
    """Refuse what JSON would write in more than one way, or the same way as something else."""
    if isinstance(value, Set):
        raise InputError(f"A set has no order, so it has no canonical JSON. {_ADVICE}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"NaN and infinity have no canonical JSON. {_ADVICE}")
    if isinstance(value, Mapping):
        for part in value.values():
            _has_one_text(part)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        for part in value:
            _has_one_text(part)
