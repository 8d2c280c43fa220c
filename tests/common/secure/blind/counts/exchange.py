"""The computation of counts driven step by step, so that a test can change any message on its way, or leave a site out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from tests.common.secure.blind.counts.small_counts import SmallWork, own_of, site_patients

from riskset_common.secure.blind.arithmetic.field import add, from_integers
from riskset_common.secure.blind.arithmetic.random_shares import (
    short_from_bytes,
    short_sum_to_bytes,
)
from riskset_common.secure.blind.parties.counts.centre import CountOutcome, conversation
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.count_site import CountSite
from riskset_common.secure.blind.parties.counts.member import CountMember
from riskset_common.wire.blind_messages import BlindBits, BlindShare
from riskset_common.wire.frame import Message

Letters = Mapping[int, Sequence[Message]]
OnTheWay = Callable[[int, dict[int, list[Message]]], Letters]
"""Changes what goes out in a step, or what came back, by the number of the step."""


def as_it_is(step: int, messages: dict[int, list[Message]]) -> Letters:
    del step
    return messages


def a_site(setup: CountSetup, site: int, work: SmallWork | None = None, kind=CountSite):
    n_sites = len(setup.participants)
    patients = site_patients(site)
    return kind(setup, work or SmallWork(), lambda: patients, own_of(site, n_sites))


def sites_of(setup: CountSetup, **others: CountSite) -> dict[int, CountSite]:
    """All sites; `site_3` is another one in place of number 3."""
    given = {int(name.removeprefix("site_")): site for name, site in others.items()}
    return {site: a_site(setup, site) for site in setup.participants} | given


def exchange(
    setup: CountSetup,
    sites: dict[int, CountSite],
    letters: OnTheWay = as_it_is,
    answers: OnTheWay = as_it_is,
) -> CountOutcome:
    centre = conversation(setup, SmallWork())
    step, sent = 0, next(centre)
    came: Letters = {site: each.begin() for site, each in sites.items()}
    try:
        while True:
            sent = centre.send(answers(step, {site: list(each) for site, each in came.items()}))
            step += 1
            out = letters(step, {site: list(each) for site, each in sent.letters.items()})
            came = {site: sites[site].answer(each) for site, each in out.items()}
    except StopIteration as end:
        outcome: CountOutcome = end.value
        return outcome


class HostileSite(CountSite):
    """Adds numbers of its choice to what it uploads: {upload: {place of the bit: what is added}}."""

    added: Mapping[int, Mapping[int, int]] = {}

    def _upload(self) -> BlindBits:
        awaited = self._told.upload
        number = awaited.number if awaited is not None else 0
        honest = super()._upload()
        low, high = short_from_bytes(honest.body).tolist()
        sent = [a + (b << 64) for a, b in zip(low, high, strict=True)]
        for place, more in self.added.get(number, {}).items():
            sent[place] += more
        halves = [[each % (1 << 64) for each in sent], [each >> 64 for each in sent]]
        body = short_sum_to_bytes([np.array(halves, np.uint64)])
        statement = self.setup.input_statement(honest.label, honest.site_id, body)
        signature = self._own.identity.sign(statement)
        return honest.model_copy(update={"body": body, "signature": signature})


class LyingMember(CountMember):
    """Adds one to every share, also its own, from some opening on; or only to those that it sends to one member."""

    honest_openings = 0
    only_to: int | None = None

    def _sealed(self, masked):
        self.honest_openings -= 1
        right = super()._sealed(masked)
        if self.honest_openings >= 0:
            return right
        moved = masked._replace(share=add(masked.share, from_integers([1])))
        wrong = super()._sealed(moved)
        if self.only_to is None:
            self._waiting = moved
        return [
            lie if isinstance(lie, BlindShare) and self.only_to in (None, lie.receiver) else truth
            for truth, lie in zip(right, wrong, strict=True)
        ]
