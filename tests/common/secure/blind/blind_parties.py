"""Sites that fit a blind Cox model together: patients split among them, and secrets that follow from a word."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskset_common.consortium.roster import Member, Roster
from riskset_common.primitives.signing import Identity
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    add,
    from_integers,
    from_words,
    scale,
)
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Masked, open_shares
from riskset_common.secure.blind.cox.bounds import CoxModel
from riskset_common.secure.blind.cox.model import BlindModel, HiddenDeaths
from riskset_common.secure.blind.cox.within_sites import SiteStratifiedModel
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.secure.blind.parties.site import SiteDesign
from riskset_common.secure.blind.protocol import BlindOutcome, BlindParty, run_blind_cox
from riskset_common.survival.regression.cox import CoxDesign, Ties, cox_sums, prepare
from riskset_common.survival.regression.newton import (
    Convergence,
    CoxFit,
    NewtonState,
    advance,
    start,
)
from riskset_common.survival.regression.slot_sums import SlotDesign, prepare_slots

Computation = Generator[Masked, Elements, Any]


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


@dataclass(frozen=True)
class Cohort:
    """Patients of a Cox model; stratum 0 and no entry unless given."""

    time: np.ndarray
    event: np.ndarray
    x: np.ndarray
    entry: np.ndarray | None = None
    stratum: np.ndarray | None = None

    @property
    def strata(self) -> np.ndarray:
        return np.zeros(len(self.time), np.int64) if self.stratum is None else self.stratum


def a_cohort(seed: int, n: int = 60, p: int = 2, *, n_times: int = 20, **more: Any) -> Cohort:
    """Random patients with ties; `left_truncated` and `n_strata` as asked."""
    random = np.random.default_rng(seed)
    time = random.integers(1, n_times + 1, n).astype(np.float64)
    event = random.random(n) < 0.6
    event[0] = True
    return Cohort(
        time=time,
        event=event,
        x=np.column_stack([random.normal(size=(n, p - 1)), random.random(n) < 0.4]).astype(float),
        entry=np.floor(time * random.random(n)) if more.get("left_truncated") else None,
        stratum=random.integers(0, more["n_strata"], n) if more.get("n_strata") else None,
    )


def model_of(cohort: Cohort, ties: Ties = "efron", **changed: Any) -> BlindModel:
    """The public half, with the patients' own ranges."""
    dead = cohort.event
    slots = Counter(
        zip(cohort.strata[dead].tolist(), cohort.time[dead].astype(float).tolist(), strict=True)
    )
    ordered = sorted(slots)
    given: dict[str, Any] = {
        "analysis": "model",
        "ties": ties,
        "convergence": "tight",
        "max_iterations": 40,
        "n_patients": len(cohort.time),
        "lower": tuple(cohort.x.min(axis=0).tolist()),
        "upper": tuple(cohort.x.max(axis=0).tolist()),
        "slot_strata": tuple(stratum for stratum, _ in ordered),
        "slot_times": tuple(time for _, time in ordered),
        "deaths": tuple(slots[slot] for slot in ordered),
    }
    return BlindModel(**given | changed)


def hidden_model_of(cohort: Cohort, ties: Ties = "efron", **changed: Any) -> BlindModel:
    """The public half where deaths are hidden: the slots are all days of the day set, in every stratum of the cohort.

    `days` are those of the set, all with an event unless given; `most` bounds the deaths at a slot.
    """
    public = model_of(cohort, ties)
    days = changed.pop("days", sorted(set(public.slot_times)))
    assert not isinstance(public.deaths, HiddenDeaths)
    most = changed.pop("most", max(public.deaths))
    strata = sorted(set(cohort.strata.tolist()))
    slots = [(stratum, float(day)) for stratum in strata for day in days]
    given: dict[str, Any] = {
        "convergence": "digits",
        "slot_strata": tuple(stratum for stratum, _ in slots),
        "slot_times": tuple(day for _, day in slots),
        "deaths": HiddenDeaths(most),
    }
    return replace(public, **given | changed)


def deaths_of(model: BlindModel, cohort: Cohort) -> list[int]:
    """The deaths at each slot."""
    dead = cohort.event
    found = Counter(
        zip(cohort.strata[dead].tolist(), cohort.time[dead].astype(float).tolist(), strict=True)
    )
    return [found[slot] for slot in zip(model.slot_strata, model.slot_times, strict=True)]


def within_sites_model_of(cohort: Cohort, ties: Ties = "efron") -> SiteStratifiedModel:
    """The public half of a model stratified by site."""
    public = model_of(cohort, ties)
    return SiteStratifiedModel(
        "model", ties, "digits", 40, len(cohort.time), public.lower, public.upper
    )


def fit_on_shares(
    model: CoxModel,
    cohort: Cohort,
    site: np.ndarray,
    n_sites: int,
    preset: tuple[int, int] = (3, 1),
) -> BlindOutcome:
    """The executable specification where few digits are opened, of either kind of model."""
    setup = setup_of(model, n_sites, preset)
    parties = parties_of(model, cohort, site, n_sites)
    if isinstance(model, BlindModel):
        held = shared(setup.committee, from_integers(deaths_of(model, cohort)))
        parties = [
            replace(party, deaths=share)
            for party, share in itertools.zip_longest(parties, held)
            if party is not None
        ]
    return run_blind_cox(setup, parties)


def arranged(model: CoxModel, cohort: Cohort, rows: np.ndarray) -> SiteDesign:
    """Patients arranged for either kind of model."""
    if isinstance(model, BlindModel):
        return design_of(model, cohort, rows)
    return own_design(model, cohort, rows)


def own_design(model: CoxModel, cohort: Cohort, rows: np.ndarray) -> CoxDesign:
    """Patients arranged for a model whose risk sets lie within a site."""
    return prepare(
        cohort.time[rows],
        cohort.event[rows],
        None if cohort.entry is None else cohort.entry[rows],
        model.standardised(cohort.x[rows]),
        cohort.strata[rows],
        model.ties,
    )


def design_of(model: BlindModel, cohort: Cohort, rows: np.ndarray) -> SlotDesign:
    return prepare_slots(
        cohort.time[rows],
        cohort.event[rows],
        None if cohort.entry is None else cohort.entry[rows],
        model.standardised(cohort.x[rows]),
        cohort.strata[rows],
        np.array(model.slot_strata),
        np.array(model.slot_times),
    )


def setup_of(model: CoxModel, n_sites: int, preset: tuple[int, int] = (3, 1)) -> BlindSetup:
    """Sites 0, 1, .. of which the first are the committee."""
    members = tuple(
        Member(site_id=i, name=f"site {i}", study_group="north", public=identity_of(i).public)
        for i in range(n_sites)
    )
    return BlindSetup(
        session=secret("session"),
        roster=Roster(version=1, members=members),
        participants=tuple(range(n_sites)),
        committee=Committee(tuple(range(preset[0])), preset[1]),
        model=model,
        counts=secret("counts") if model.has_few_digits else b"",
    )


def identity_of(site_id: int) -> Identity:
    return Identity.from_random(secret("identity", site_id))


def channels_of(site_id: int, n_sites: int) -> dict[int, bytes]:
    return {
        other: secret("channel", min(site_id, other), max(site_id, other))
        for other in range(n_sites)
        if other != site_id
    }


def parties_of(model: CoxModel, cohort: Cohort, site: np.ndarray, n_sites: int) -> list[BlindParty]:
    return [
        BlindParty(
            site_id=i,
            identity=identity_of(i),
            design=arranged(model, cohort, np.flatnonzero(site == i)),
            secret=secret("site", i),
            channels=channels_of(i, n_sites),
        )
        for i in range(n_sites)
    ]


def fit_blind(
    cohort: Cohort,
    site: np.ndarray,
    n_sites: int,
    *,
    ties: Ties = "efron",
    preset: tuple[int, int] = (3, 1),
    **changed: Any,
) -> tuple[BlindModel, BlindOutcome]:
    """The executable specification on a cohort split into sites."""
    model = model_of(cohort, ties, **changed)
    return model, run_blind_cox(
        setup_of(model, n_sites, preset), parties_of(model, cohort, site, n_sites)
    )


def fit_pooled(model: CoxModel, cohort: Cohort, ties: Ties = "efron") -> CoxFit:
    """The same model in the open, on one pool of patients, standardised alike, to the last digit."""
    design = prepare(
        cohort.time,
        cohort.event,
        cohort.entry,
        model.standardised(cohort.x),
        cohort.strata,
        ties,
    )
    rule: Convergence = "tight" if model.has_few_digits else model.convergence
    state: NewtonState | CoxFit = start(model.n_columns, rule, model.max_iterations)
    while isinstance(state, NewtonState):
        state = advance(state, cox_sums(design, np.array(state.beta)))
    return state


def shared(committee: Committee, secrets: Elements) -> list[Elements]:
    """Shamir shares of some elements, one vector for each member."""
    n, shares = secrets.shape[1], [secrets] * committee.size
    for degree in range(1, committee.threshold + 1):
        words = np.frombuffer(
            b"".join(secret("coefficient", degree, k) for k in range(n)), "<u8"
        ).reshape(n, 4)
        coefficient = from_words(np.ascontiguousarray(words.T))
        shares = [
            add(share, scale(coefficient, np.full(n, member**degree)))
            for share, member in zip(shares, committee.members, strict=True)
        ]
    return shares


def arithmetics(committee: Committee, label: bytes = b"label") -> list[Arithmetic]:
    """Every member's arithmetic, under keys that follow from the subsets."""
    return [
        Arithmetic(
            committee,
            member,
            {subset: secret("key", subset) for subset in committee.subsets_of(member)},
            label,
        )
        for member in committee.members
    ]


def together(committee: Committee, computations: Sequence[Computation]) -> list[Any]:
    """Run every member's computation, opening by opening."""
    waiting = [next(each) for each in computations]
    while True:
        assert len({each.label for each in waiting}) == 1
        opened = open_shares(committee, [each.share for each in waiting])
        waiting, outcomes = [], []
        for each in computations:
            try:
                waiting.append(each.send(opened))
            except StopIteration as end:
                outcomes.append(end.value)
        if outcomes:
            return outcomes
