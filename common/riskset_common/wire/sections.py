"""The schema of a report: the place of each analysis's numbers in its two vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from riskset_common.errors import ProtocolRefusal
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.primitives.strict_fields import U32, Name, StrictValue

RingName = Literal["counts", "reals"]
Numbers = NDArray[np.int64 | np.float64]
"""An array of counts (int64) or of reals (float64)."""

Scalar = TypeVar("Scalar", np.int64, np.float64)

Arrays = Mapping[tuple[str, str], Numbers]
"""Arrays by analysis and name."""

_DTYPES = {"counts": np.dtype(np.int64), "reals": np.dtype(np.float64)}


class Section(StrictValue):
    """One named array of one analysis, in the order of its elements (C order)."""

    analysis: Name
    name: Name
    ring: RingName
    shape: Annotated[tuple[U32, ...], Field(max_length=8)]

    @property
    def length(self) -> int:
        """Numbers in the array."""
        return math.prod(self.shape)

    @property
    def key(self) -> tuple[str, str]:
        """Analysis and name."""
        return self.analysis, self.name


def check_sections(sections: Sequence[Section]) -> None:
    """Raise when two sections have one name."""
    if len({section.key for section in sections}) != len(sections):
        raise ProtocolRefusal(
            "Two sections of a round have the same analysis and name. The centre must name each array once."
        )


@lru_cache(maxsize=64)
def sections_json(sections: tuple[Section, ...]) -> bytes:
    """The sections in order, canonical JSON. Remembered: a round's are written several times by each party."""
    return canonical_json([section.model_dump(mode="json") for section in sections])


def schema_hash(sections: Sequence[Section]) -> bytes:
    """SHA-256 of the sections in order, 32 bytes: part of a round's label."""
    return sha256(sections_json(tuple(sections))).digest()


def vector_length(sections: Sequence[Section], ring: RingName) -> int:
    """Numbers of one ring over all sections."""
    return sum(section.length for section in sections if section.ring == ring)


def join(
    sections: Sequence[Section], arrays: Arrays
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Lay named arrays out as the two vectors of a report: counts, then reals. Run by a site."""
    if arrays.keys() != {section.key for section in sections}:
        raise ProtocolRefusal(
            "The arrays do not bear the names that the round asks for; none may be missing or added."
        )
    for section in sections:
        array = arrays[section.key]
        if array.shape != section.shape or array.dtype != _DTYPES[section.ring]:
            raise ProtocolRefusal(
                f"Array {section.name!r} of analysis {section.analysis!r} is {array.dtype} of shape {array.shape}; the round asks for "
                f"{_DTYPES[section.ring]} of shape {section.shape}. A summary's shape follows from the request alone."
            )
    return _flat(sections, arrays, "counts", np.int64), _flat(sections, arrays, "reals", np.float64)


def split(
    sections: Sequence[Section], counts: NDArray[np.int64], reals: NDArray[np.float64]
) -> dict[tuple[str, str], Numbers]:
    """Take two pooled vectors apart again into named arrays. Run by the centre."""
    rest: dict[RingName, Numbers] = {"counts": counts, "reals": reals}
    for ring, vector in rest.items():
        if len(vector) != vector_length(sections, ring):
            raise ProtocolRefusal(
                f"The vector of {ring} holds {len(vector)} numbers; the sections of the round hold {vector_length(sections, ring)}."
            )
    arrays = {}
    for section in sections:
        vector = rest[section.ring]
        arrays[section.key] = vector[: section.length].reshape(section.shape)
        rest[section.ring] = vector[section.length :]
    return arrays


def _flat(
    sections: Sequence[Section], arrays: Arrays, ring: RingName, dtype: type[Scalar]
) -> NDArray[Scalar]:
    """The arrays of one ring behind one another; `dtype` is that which `join` found them to have."""
    parts: list[NDArray[Scalar]] = [
        arrays[section.key].ravel().astype(dtype, copy=False)
        for section in sections
        if section.ring == ring
    ]
    return np.concatenate([np.empty(0, dtype), *parts])
