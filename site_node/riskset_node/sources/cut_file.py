"""The file of a data cut: one site's coded patients as they stood when it was made, compressed, without any code in it.

The file is ::

    "riskset cut" | version u8 | zlib of: header length u32 LE | header: canonical JSON | counts: int64 LE | reals: float64 LE

The header names every array with its shape, as a report's sections do, so that the two vectors come apart into them again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, JsonValue, ValidationError

from riskset_common.errors import DataError, InputError, NodeConfigError, ProtocolRefusal
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.primitives.strict_fields import U32, StrictValue
from riskset_common.study.patients import Integers, Patients
from riskset_common.wire.sections import Numbers, RingName, Section, join, split, vector_length

MAGIC = b"riskset cut"
VERSION = 1
_LEVEL = 6
"""Of zlib: a cut is written once and kept."""

_LENGTH = struct.Struct("<I")
_LONGEST_HEADER = 1 << 28
"""Bytes: the ids of ten million patients."""

_RINGS: Mapping[str, RingName] = {
    "categories": "counts",
    "dates": "counts",
    "approximate": "counts",
    "rows": "counts",
    "numbers": "reals",
}

Held = Literal["read", "absent", "not held"]
"""Whether a variable's column was read, or why all its values are missing: `data.absent` gives a reason, or there was no column."""


class CutHeader(StrictValue):
    """What a cut says of itself.

    Attributes
    ----------
    name
        What it was called when it was made; empty for that of a session.
    site
        Whose patients they are.
    codebook, codebook_hash
        `name@version`, and SHA-256 of its canonical JSON in 64 hexadecimal digits.
    made_at
        Moment in UTC, ISO 8601.
    release
        Of riskset-node.
    patient
        The column with the patients' ids; None where the cut holds no ids.
    local_ids
        What the site calls them, in the order of the rows; None where the cut holds none.
    variables
        Each variable of the codebook, in its order.
    findings
        What was accepted or warned of when it was made.
    digest
        SHA-256 of the patients, 64 hexadecimal digits.
    """

    name: str
    site: str
    codebook: str
    codebook_hash: str
    made_at: str
    release: str
    patient: str | None
    local_ids: tuple[str, ...] | None
    variables: tuple[tuple[str, Held], ...]
    findings: tuple[dict[str, JsonValue], ...]
    n: U32
    digest: str
    sections: Annotated[tuple[Section, ...], Field(max_length=10_000)]

    @property
    def columns(self) -> tuple[str, ...]:
        """What was read: the column with the ids, and the variables."""
        read = [name for name, held in self.variables if held == "read"]
        return tuple(dict.fromkeys([*filter(None, [self.patient]), *read]))


@dataclass(frozen=True)
class Cut:
    """A cut.

    Attributes
    ----------
    rows
        Number of each row in the source from which the cut was made, from 0, shape (n,).
    """

    header: CutHeader
    patients: Patients
    rows: Integers


def to_bytes(cut: Cut) -> bytes:
    """The content of the file. The header's `n`, `digest` and `sections` are set to those of the patients."""
    arrays = _arrays(cut)
    sections = tuple(
        Section(analysis=kind, name=name, ring=_RINGS[kind], shape=values.shape)
        for (kind, name), values in arrays.items()
    )
    found = {"n": cut.patients.n, "digest": cut.patients.digest().hex(), "sections": sections}
    header = canonical_json(cut.header.model_copy(update=found).model_dump(mode="json"))
    counts, reals = join(sections, arrays)
    content = [
        _LENGTH.pack(len(header)),
        header,
        counts.astype("<i8").tobytes(),
        reals.astype("<f8").tobytes(),
    ]
    return MAGIC + bytes([VERSION]) + zlib.compress(b"".join(content), _LEVEL)


def is_cut(path: Path) -> bool:
    """Whether a file begins as a cut does. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_cut(path: Path, setting: str) -> Cut:
    """Read a cut; `setting` is where its path was written, for messages.

    Raises
    ------
    NodeConfigError
        If there is none, or a later release made it.
    DataError
        If it is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NodeConfigError(
            f"{path}: cannot be read ({error.strerror or error}). Check {setting}."
        ) from error
    if not content.startswith(MAGIC) or len(content) == len(MAGIC):
        raise NodeConfigError(
            f"{path}: is no cut. Check {setting}; `riskset-node data cut` makes one."
        )
    version = content[len(MAGIC)]
    if version != VERSION:
        raise NodeConfigError(
            f"{path}: was made by another release of riskset-node (the cut's form is number {version}, here {VERSION}). Install that "
            "release, or make the cut again with this one."
        )
    try:
        return _opened(content[len(MAGIC) + 1 :])
    except (zlib.error, struct.error, ValueError, InputError, ProtocolRefusal) as error:
        raise DataError(
            f"{path}: the cut is damaged. Take a copy of it that is whole (the file beside it that ends in .sha256 tells which one is), "
            "or make the cut again."
        ) from error


def _opened(compressed: bytes) -> Cut:
    """Take the content apart; raises one of several errors if it is not as `to_bytes` writes it."""
    stream = zlib.decompressobj()
    # No more is unpacked than the lengths that were read before say: a small file can unpack to more than the machine has.
    (length,) = _LENGTH.unpack(_unpacked(stream, compressed, _LENGTH.size))
    if length > _LONGEST_HEADER:
        raise ValueError("the header is longer than any")
    written = _unpacked(stream, stream.unconsumed_tail, length)
    try:
        header = CutHeader.model_validate_json(written)
    except ValidationError:
        raise ValueError("the header is no header of a cut") from None
    of_counts = 8 * vector_length(header.sections, "counts")
    counts = np.frombuffer(_unpacked(stream, stream.unconsumed_tail, of_counts), "<i8")
    of_reals = 8 * vector_length(header.sections, "reals")
    reals = np.frombuffer(_unpacked(stream, stream.unconsumed_tail, of_reals), "<f8")
    # A byte more than there may be, so that the end of the stream is read.
    if stream.decompress(stream.unconsumed_tail, 1) or not stream.eof or stream.unused_data:
        raise ValueError("the stream has another end")
    vectors = split(header.sections, counts.astype(np.int64), reals.astype(np.float64))
    cut = _made(header, vectors)
    named = cut.header.local_ids is None or len(cut.header.local_ids) == cut.patients.n
    if not named or cut.patients.digest().hex() != header.digest:
        raise ValueError("the patients are not those that were written")
    return cut


def _unpacked(stream: zlib._Decompress, compressed: bytes, n_bytes: int) -> bytes:
    """So many bytes and no more."""
    content = stream.decompress(compressed, n_bytes) if n_bytes else b""
    if len(content) != n_bytes:
        raise ValueError("the content is shorter than its lengths say")
    return content


def _arrays(cut: Cut) -> dict[tuple[str, str], Numbers]:
    """Every array by its kind and name."""
    patients = cut.patients
    kinds: dict[str, Mapping[str, Numbers]] = {
        "categories": patients.categories,
        "dates": patients.dates,
        "numbers": patients.numbers,
        "approximate": {name: rows.astype(np.int64) for name, rows in patients.approximate.items()},
        "rows": {"rows": cut.rows},
    }
    return {(kind, name): values for kind, each in kinds.items() for name, values in each.items()}


def _made(header: CutHeader, arrays: Mapping[tuple[str, str], Numbers]) -> Cut:
    """The patients of the arrays."""
    if any(values.shape != (header.n,) for values in arrays.values()):
        raise ValueError("an array has not one value for each patient")
    whole = {
        kind: {name: values.astype(np.int64) for (of, name), values in arrays.items() if of == kind}
        for kind in ("categories", "dates", "approximate", "rows")
    }
    patients = Patients(
        n=header.n,
        categories=whole["categories"],
        numbers={
            name: values.astype(np.float64)
            for (of, name), values in arrays.items()
            if of == "numbers"
        },
        dates=whole["dates"],
        approximate={name: rows.astype(np.bool_) for name, rows in whole["approximate"].items()},
    )
    if set(whole["rows"]) != {"rows"}:
        raise ValueError("the numbers of the rows are not there")
    return Cut(header, patients, whole["rows"]["rows"])
