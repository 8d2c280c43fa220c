"""The centre in a computation of counts: it carries messages, follows what the members say was opened, and sees when one is lost.

It holds no key. What it can read is the public list: what waves opened.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.course import Reached
from riskset_common.secure.blind.parties.counts.told import ToldCourse
from riskset_common.secure.blind.parties.counts.work import CountWork
from riskset_common.wire.blind_messages import (
    BlindBits,
    BlindKeys,
    BlindLost,
    BlindShare,
    BlindStrike,
    BlindWave,
)
from riskset_common.wire.frame import Message

Released = TypeVar("Released")

AT_ONCE = 1 << 26
"""Bytes of uploads that one step brings to a member; a single upload may be longer."""

Answers: TypeAlias = Mapping[int, Sequence[Message]]
"""What each site answered to a step, by its number; without one that does not answer any more."""


class Step(NamedTuple):
    """What goes out in one step.

    Attributes
    ----------
    letters
        By number of the site.
    what
        What the step is for, in words.
    """

    letters: Mapping[int, Sequence[Message]]
    what: str


@dataclass(frozen=True)
class CountOutcome(Generic[Released]):
    """What the computation gave.

    Attributes
    ----------
    reached
        Facts, what was counted, and what is released.
    label
        Of the chain after all that was opened.
    waves
        The members' signed words, wave by wave: with them `told.followed` gives the same again.
    lost
        Members that were lost on the way, in order.
    unchecked_from
        The first wave in which nobody would have noticed a wrong share, in a committee that notices them else.
    """

    reached: Reached[Released]
    label: bytes
    waves: tuple[tuple[BlindWave, ...], ...]
    lost: tuple[int, ...]
    unchecked_from: int | None


Conversation: TypeAlias = Generator[Step, Answers, CountOutcome[Released]]


def conversation(setup: CountSetup, work: CountWork[Released]) -> Conversation[Released]:
    """Carry the whole computation. The first step has no letters; its answers are what each site gave to `CountSite.begin`.

    Raises
    ------
    ProtocolRefusal, SignatureRefusal
        If a site's upload fails its test or does not come, if the members do not say the same, or if one is lost that is needed.
    """
    return _Carrier(setup, work).run()


class _Carrier(Generic[Released]):
    """The centre between two steps."""

    def __init__(self, setup: CountSetup, work: CountWork[Released]) -> None:
        self._setup = setup
        self._told = ToldCourse(setup, work)
        self._serving = list(setup.committee.site_ids)
        self._waves: list[tuple[BlindWave, ...]] = []
        self._n_shown = 0
        self._unchecked_from: int | None = None

    def run(self) -> Conversation[Released]:
        """All steps."""
        answers = yield Step({}, "keys are made and the days of events marked")
        keys = [_only(BlindKeys, message) for message in self._each(answers, 0, 2)]
        inputs = [_only(BlindBits, message) for message in self._each(answers, 1, 2)]
        self._told.uploaded()
        letters = yield from self._brought(inputs, keys)
        while True:
            yield from self._opened(letters)
            if self._told.reached is not None:
                yield Step(self._to_sites(), "what was opened is shown to all sites")
                return self._outcome(self._told.reached)
            answers = yield Step(self._to_sites(), self._upload_name())
            uploads = [_only(BlindBits, message) for message in self._each(answers, 0, 1)]
            self._told.uploaded()
            letters = yield from self._brought(uploads)

    def _brought(
        self, inputs: Sequence[BlindBits], keys: Sequence[BlindKeys] = ()
    ) -> Generator[Step, Answers, Mapping[int, Sequence[Message]]]:
        """Bring an upload to the members, some sites in a step; what the last step brings, which they answer with shares."""
        at_once = max(1, AT_ONCE // max(1, len(inputs[0].body)))
        first: Sequence[Message] = keys
        for start in range(0, len(inputs) - at_once, at_once):
            batch = [*first, *inputs[start : start + at_once]]
            yield Step(self._to_members(batch), "uploads are brought to the members")
            first = ()
        rest = (len(inputs) - 1) // at_once * at_once
        return self._to_members([*first, *inputs[rest:]])

    def _opened(self, letters: Mapping[int, Sequence[Message]]) -> Generator[Step, Answers, None]:
        """Carry shares among the members until an upload is wanted or the computation ends."""
        while self._told.upload is None and self._told.reached is None:
            answers = yield Step(letters, f"wave {len(self._waves)} is opened")
            strikes: list[BlindStrike] = []
            for lost in [each for each in self._serving if each not in answers]:
                strikes += yield from self._struck(lost)
            self._take_waves(answers)
            letters = {
                member: [*strikes, *self._shares_for(member, answers)] for member in self._serving
            }

    def _struck(self, lost: int) -> Generator[Step, Answers, Sequence[BlindStrike]]:
        """Ask all other sites to agree that the computation goes on without a member."""
        setup = self._setup
        setup.require_enough(self._serving, lost)
        place = setup.committee.size - len(self._serving)
        proposal = BlindLost(setup=setup.hash, place=place, lost=lost)
        others = self._reachable(but=lost)
        answers = yield Step({site: [proposal] for site in others}, "a member is lost")
        strikes = [
            message
            for site in others
            for message in answers.get(site, ())
            if isinstance(message, BlindStrike)
        ]
        setup.check_strikes(strikes, self._serving)
        self._serving.remove(lost)
        if len(self._serving) <= 2 * setup.committee.threshold + 1:
            self._unchecked_from = len(self._waves)
        return strikes

    def _take_waves(self, answers: Answers) -> None:
        """Follow the waves of this step, which every serving member must tell alike."""
        told: dict[int, list[BlindWave]] = {}
        for member in self._serving:
            for message in answers[member]:
                if isinstance(message, BlindWave):
                    told.setdefault(message.wave, []).append(message)
        for _, words in sorted(told.items()):
            if len(words) != len(self._serving):
                raise ProtocolRefusal(
                    "The members are not all at the same wave of the counts. No result; find out why in their stored messages."
                )
            self._told.take(words)
            self._waves.append(tuple(words))

    def _shares_for(self, receiver: int, answers: Answers) -> list[Message]:
        return [
            message
            for sender in self._serving
            for message in answers[sender]
            if isinstance(message, BlindShare) and message.receiver == receiver
        ]

    def _to_members(self, messages: Iterable[Message]) -> dict[int, list[Message]]:
        carried = list(messages)
        return dict.fromkeys(self._serving, carried)

    def _to_sites(self) -> dict[int, list[Message]]:
        """To every site the waves that it has not seen, each with as many words as it needs."""
        enough = self._setup.committee.threshold + 1
        shown: list[Message] = [
            word for words in self._waves[self._n_shown :] for word in words[:enough]
        ]
        self._n_shown = len(self._waves)
        return dict.fromkeys(self._reachable(), shown)

    def _reachable(self, but: int | None = None) -> list[int]:
        """The sites without members that were lost, and without one more."""
        gone = set(self._setup.committee.site_ids) - set(self._serving)
        return [each for each in self._setup.participants if each not in gone | {but}]

    def _each(self, answers: Answers, place: int, awaited: int) -> list[Message]:
        """One message of every participant, in order."""
        for site in self._setup.participants:
            if len(answers.get(site, ())) != awaited:
                raise ProtocolRefusal(
                    f"Site {self._setup.roster.name(site)!r} did not send its upload of the counts, which needs all participants. Start a "
                    "new run when the site answers, or without it."
                )
        return [answers[site][place] for site in self._setup.participants]

    def _upload_name(self) -> str:
        upload = self._told.upload
        names = {2: "widths are marked", 3: "numbers are sent as bits"}
        return names[upload.number] if upload is not None else ""

    def _outcome(self, reached: Reached[Released]) -> CountOutcome[Released]:
        lost = [each for each in self._setup.committee.site_ids if each not in self._serving]
        return CountOutcome(
            reached, self._told.label, tuple(self._waves), tuple(lost), self._unchecked_from
        )


Kind = TypeVar("Kind", bound=Message)


def _only(kind: type[Kind], message: Message) -> Kind:
    if not isinstance(message, kind):
        raise ProtocolRefusal(
            f"A message of kind {message.kind} arrived where {kind.__name__} is awaited."
        )
    return message
