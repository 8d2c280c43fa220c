"""A site's part in what a plan with rounded results counts and computes on shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from riskset_common.errors import ProtocolRefusal, own_records
from riskset_common.rounds.blind_models import Session
from riskset_common.rounds.counting import PlanWork, count_setup
from riskset_common.rounds.models_on_shares import deaths_of, models_of
from riskset_common.rounds.survey import origins, read_survey
from riskset_common.secure.blind.parties.counts.count_site import CountSite, SiteBelongings
from riskset_common.study.patients import Patients
from riskset_common.survival.arrays.shapes import FloatArray, IntArray
from riskset_common.wire.blind_steps import BlindBegin
from riskset_common.wire.frame import Message
from riskset_common.wire.sections import Numbers, Section, join
from riskset_node.session.blind_models import ModelParts
from riskset_node.session.joined import JoinedSession
from riskset_node.session.parts import Parts, Records
from riskset_node.state.outbox import Summary

COUNTS: Final = "counts"
"""What is computed, in words."""

MOST_LETTERS = 120
"""Of what is counted, as the outbox shows it."""


class CountingParts(Parts):
    """The computation of counts of one session, and the models that follow from what it gave."""

    def __init__(
        self, session: Session, work: PlanWork, own: SiteBelongings, records: Records
    ) -> None:
        setup = count_setup(session, work)
        self._session, self._work, self._own, self._records = session, work, own, records
        self._setup = setup.hash
        self._models: ModelParts | None = None

        def patients() -> Patients:
            with own_records():
                return work.values(records())

        self._site = CountSite(setup, work, patients, own)

    @property
    def named(self) -> Mapping[bytes, str]:
        """Counts, and the models."""
        models = {} if self._models is None else self._models.named
        return {self._setup: COUNTS, **models}

    @property
    def own_numbers(self) -> Summary | None:
        """Its own numbers of an upload, by what they count."""
        found = None if self._models is not None else self._site.own_upload
        return None if found is None else own_numbers(found)

    def begin(self) -> dict[bytes, list[Message]]:
        """Keys, and the first upload."""
        return {self._setup: self._site.begin()}

    def answer(self, setup: bytes, letters: Sequence[Message]) -> list[Message]:
        """Answer what one step brings."""
        if setup == self._setup:
            return self._site.answer(letters)
        if self._models is None:
            self._models = self._models_that_follow()
        return self._models.answer(setup, letters)

    def _models_that_follow(self) -> ModelParts:
        """The models, once more members than may be corrupt said what the counts gave.

        Raises
        ------
        ProtocolRefusal
            Before that.
        """
        kept = self._site.kept
        if kept is None:
            raise ProtocolRefusal("A model begins before this site was shown what the counts gave.")
        models = models_of(self._session, self._work.study, kept.reached, kept.label)
        serves = self._own.site_id in self._session.committee.site_ids
        return ModelParts(
            models.begun,
            self._own,
            self._records,
            lambda blind: deaths_of(blind, kept) if serves else None,
        )


def own_numbers(upload: Mapping[tuple[str, str], IntArray | FloatArray]) -> Summary:
    """A site's own numbers of an upload as the outbox keeps them: counts or reals by what they count, in words, and array."""
    places = {what: place for place, what in enumerate(dict.fromkeys(what for what, _ in upload))}
    arrays: dict[tuple[str, str], Numbers] = {
        (f"{places[what] + 1}: {shortened(what)}", array): np.asarray(values)
        for (what, array), values in upload.items()
    }
    sections = tuple(
        Section(
            analysis=key[0],
            name=key[1],
            ring="reals" if values.dtype == np.float64 else "counts",
            shape=values.shape,
        )
        for key, values in arrays.items()
    )
    counts, reals = join(sections, arrays)
    return Summary(sections, counts, reals)


def shortened(what: str) -> str:
    """The first words of a long description."""
    return what if len(what) <= MOST_LETTERS else f"{what[:MOST_LETTERS]}..."


def counting_parts(
    begin: BlindBegin,
    joined: JoinedSession,
    session: Session,
    own: SiteBelongings,
    records: Records,
) -> CountingParts:
    """The machines of a session, from the survey whose opening this site checked.

    Raises
    ------
    ProtocolRefusal
        Where it was not shown that opening, or is shown sums that no plan with rounded results has.
    """
    if begin.rounds:
        raise ProtocolRefusal(
            "The computation on shares begins with opened sums, which a plan with rounded results has none of. The centre must run this "
            "release."
        )
    shown = set(origins(joined.study)) <= joined.verified.keys()
    if not joined.asked or joined.session.frozen is None or not shown:
        raise ProtocolRefusal(
            "The computation on shares begins before this site was asked and shown the survey. The centre must do so first."
        )
    survey = read_survey(joined.study, joined.verified, len(joined.session.frozen))
    return CountingParts(session, PlanWork(joined.study, survey), own, records)
