"""The course of the counts for who is told what was opened: a site, which checks the members' words, and the centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from riskset_common.errors import ProtocolRefusal
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
from riskset_common.secure.blind.parties.counts.uploads import Upload
from riskset_common.secure.blind.parties.counts.work import CountWork
from riskset_common.wire.blind_messages import BlindWave

Released = TypeVar("Released")


class ToldCourse(Generic[Released]):
    """Takes waves in order, each once more members than may be corrupt say the same.

    Attributes
    ----------
    waves
        The bodies of all waves so far.
    label
        The chain's label after the last wave; 32 zero bytes before the first.
    upload
        The upload that comes next; None where a wave does.
    reached
        Where the computation ended; None before.
    """

    def __init__(self, setup: CountSetup, work: CountWork[Released]) -> None:
        self.setup = setup
        self.waves: list[bytes] = []
        self.label = bytes(32)
        self.reached: Reached[Released] | None = None
        self._course = course(setup, work)
        self.upload: Upload | None = first_upload(self._course)
        self._checking: Upload | None = None
        self._asked: Sequence[Ask] = ()

    @property
    def awaited(self) -> Upload:
        """The upload that comes next. Raises `ProtocolRefusal` where a wave does, or nothing."""
        if self.upload is None:
            raise ProtocolRefusal("No upload of the counts is awaited now.")
        return self.upload

    def uploaded(self) -> None:
        """The upload was made; its waves come next."""
        self._checking, self.upload = self.awaited, None

    def take(self, words: Sequence[BlindWave]) -> None:
        """Take one wave from what several members say of it.

        Raises
        ------
        ProtocolRefusal
            If no wave is awaited, if the members do not agree, or if a site's upload failed its test: then with its name.
        """
        if self.upload is not None or self.reached is not None:
            raise ProtocolRefusal("A wave of the counts arrived where none is awaited.")
        wave = self.setup.check_waves(words, len(self.waves))
        values: Opened = np.frombuffer(wave.body, "<i8").astype(np.int64)
        self.waves.append(wave.body)
        self.label = wave.label
        if self._checking is None:
            self._send(cut(values, self._asked))
            return
        upload, self._checking = self._checking, None
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
            self._await(self._course.send(sent))
        except StopIteration as end:
            self.reached = end.value

    def _await(self, asked: Upload | Sequence[Ask]) -> None:
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
    if told.reached is None:
        raise ProtocolRefusal(
            f"The {len(waves)} waves that were kept of the counts are not all that were opened. Nothing follows from a part of them."
        )
    return told.reached
