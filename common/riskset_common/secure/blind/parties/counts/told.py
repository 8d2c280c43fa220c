"""The course of the counts for who is told what was opened: a site, which checks the members' words, and the centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar, cast

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H, u32
from riskset_common.release.blank import Blank, Unseen
from riskset_common.release.program import Ask, Opened
from riskset_common.secure.blind.parties.counts.checks import require_passed
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.course import (
    Reached,
    Sums,
    course,
    cut,
    first_upload,
)
from riskset_common.secure.blind.parties.counts.uploads import NUMBERS, Upload
from riskset_common.secure.blind.parties.counts.work import CountWork
from riskset_common.wire.blind_messages import BlindWave

Released = TypeVar("Released")


class _Ends:
    """Where the last computations ended: sites of one process, and one that looks again, work it out once."""

    MOST = 4

    def __init__(self) -> None:
        self._kept: dict[bytes, object] = {}

    def get(self, of: bytes) -> object | None:
        return self._kept.get(of)

    def keep(self, of: bytes, reached: object) -> None:
        self._kept[of] = reached
        while len(self._kept) > self.MOST:
            del self._kept[next(iter(self._kept))]


_ENDS = _Ends()


class ToldCourse(Generic[Released]):
    """Takes waves in order, each once more members than may be corrupt say the same.

    What the last upload leads to is followed when `reached` is asked: a site that needs no result does not run the programs.

    Attributes
    ----------
    waves
        The bodies of all waves so far.
    label
        The chain's label after the last wave; 32 zero bytes before the first.
    upload
        The upload that comes next; None where a wave does.
    """

    def __init__(self, setup: CountSetup, work: CountWork[Released]) -> None:
        self.setup = setup
        self.waves: list[bytes] = []
        self.label = bytes(32)
        self._course = course(setup, work)
        self.upload: Upload | None = first_upload(self._course)
        self._reached: Reached[Released] | None = None
        self._checking: Upload | None = None
        self._asked: Sequence[Ask] = ()
        self._ahead: list[Opened] = []
        self._last_is_made = False

    @property
    def awaited(self) -> Upload:
        """The upload that comes next. Raises `ProtocolRefusal` where a wave does, or nothing."""
        if self.upload is None:
            raise ProtocolRefusal("No upload of the counts is awaited now.")
        return self.upload

    def uploaded(self) -> None:
        """The upload was made; its waves come next."""
        self._checking, self.upload = self.awaited, None
        self._last_is_made = self._checking.number == NUMBERS

    def take(self, words: Sequence[BlindWave]) -> None:
        """Take one wave from what several members say of it.

        Raises
        ------
        ProtocolRefusal
            If no wave is awaited, if the members do not agree, or if a site's upload failed its test: then with its name.
        """
        if self.upload is not None or self._reached is not None:
            raise ProtocolRefusal("A wave of the counts arrived where none is awaited.")
        wave = self.setup.check_waves(words, len(self.waves))
        values: Opened = np.frombuffer(wave.body, "<i8").astype(np.int64)
        self.waves.append(wave.body)
        self.label = wave.label
        if self._checking is not None:
            self._check(self._checking, values)
        elif self._last_is_made:
            self._ahead.append(values)
        else:
            self._send(cut(values, self._asked))

    @property
    def reached(self) -> Reached[Released] | None:
        """Where the computation ended, by the waves that were taken; None before.

        Raises
        ------
        ProtocolRefusal
            If they are not what the programs ask for.
        """
        ahead, self._ahead = self._ahead, []
        if ahead and (known := _ENDS.get(self._end)) is not None:
            self._reached = cast("Reached[Released]", known)
            return self._reached
        for values in ahead:
            if self._reached is not None:
                raise ProtocolRefusal("A wave of the counts arrived where none is awaited.")
            self._send(cut(values, self._asked))
        if ahead and self._reached is not None:
            _ENDS.keep(self._end, self._reached)
        return self._reached

    @property
    def _end(self) -> bytes:
        """All that the end follows from: the set-up, and by the chain's label what was opened; 32 bytes."""
        return H(b"counts-end", self.setup.hash, self.label, u32(len(self.waves)))

    @property
    def is_told(self) -> bool:
        """Whether waves of the programs were taken."""
        return bool(self._ahead) or self._reached is not None

    def _check(self, upload: Upload, values: Opened) -> None:
        self._checking = None
        if len(values) != 2 * len(self.setup.participants):
            raise ProtocolRefusal(
                f"The check of upload {upload.number} opened {len(values)} numbers in place of two a site. Compare the releases of riskset "
                "at the members and here."
            )
        require_passed(self.setup, upload.number, values)
        parts = upload.layout.parts.items()
        self._send(Sums({name: Blank(*part.shape) for name, part in parts}, Unseen()))

    def _send(self, sent: Sums | Sequence[Opened]) -> None:
        try:
            asked = self._course.send(sent)
        except StopIteration as end:
            self._reached = end.value
            return
        if isinstance(asked, Upload):
            self.upload = asked
        else:
            self._asked = asked


def followed(
    setup: CountSetup, work: CountWork[Released], waves: Sequence[Sequence[BlindWave]]
) -> Reached[Released]:
    """What a computation gave, from the kept words of its members, wave by wave.

    Raises
    ------
    ProtocolRefusal, SignatureRefusal
        If they are not the whole computation, or are not what enough members signed.
    """
    told = ToldCourse(setup, work)
    for words in waves:
        if told.upload is not None:
            told.uploaded()
        told.take(words)
    return whole(told)


def whole(told: ToldCourse[Released]) -> Reached[Released]:
    """What was reached. Raises `ProtocolRefusal` if the waves that were taken do not go so far."""
    reached = told.reached
    if reached is None:
        raise ProtocolRefusal(
            f"The {len(told.waves)} waves that are here of the counts are not all that were opened. Nothing follows from a part of them."
        )
    return reached
