"""The computation of counts from end to end: what it gives, who learns it, and that a party made anew goes on where it was."""

from __future__ import annotations

import numpy as np
import pytest
from tests.common.secure.blind.counts.small_counts import (
    N_STEPS,
    SmallWork,
    count_setup,
    own_of,
    pooled,
    site_patients,
)

from riskset_common.secure.blind.parties.counts import centre
from riskset_common.secure.blind.parties.counts.count_site import CountSite
from riskset_common.secure.blind.parties.counts.told import followed
from riskset_common.secure.blind.protocol import run_counts

N_SITES = 6
PATIENTS = [site_patients(site) for site in range(N_SITES)]


def sites_of(setup, work, patients=PATIENTS):
    def site_of(site):
        return CountSite(setup, work, lambda: patients[site], own_of(site, N_SITES))

    return {site: site_of(site) for site in range(N_SITES)}


@pytest.mark.parametrize("preset", [(3, 1), (5, 1), (5, 2)])
def test_the_counts_are_those_of_one_pool_of_patients(preset):
    setup, work = count_setup(N_SITES, preset), SmallWork()
    sites = sites_of(setup, work)
    outcome = run_counts(setup, work, sites).outcome
    expected = pooled(PATIENTS)
    days = np.flatnonzero(expected["events"])
    released = outcome.reached.released

    assert tuple(days.tolist()) == outcome.reached.facts.days["diagnosis"].steps
    assert tuple(expected["events"][days].tolist()) == released.events
    assert expected["patients"] == released.patients
    assert (-1.25 * N_SITES, float(expected["patients"])) == released.means
    assert not released.few
    assert {released} == {site.kept.reached.released for site in sites.values()}
    assert {outcome.label} == {site.kept.label for site in sites.values()}
    assert outcome.reached == followed(setup, work, outcome.waves)


def test_a_small_origin_has_no_day_set():
    n_events = int(pooled(PATIENTS)["events"].sum())
    for least, told in [(n_events, True), (n_events + 1, False)]:
        setup, work = count_setup(N_SITES), SmallWork(least)
        outcome = run_counts(setup, work, sites_of(setup, work)).outcome
        days = outcome.reached.facts.days["diagnosis"]

        assert told == days.told
        assert told or days.steps == tuple(range(N_STEPS))
        assert n_events == sum(outcome.reached.released.events)


def test_nothing_that_is_opened_before_the_program_depends_on_who_is_in_which_group():
    setup, work = count_setup(N_SITES), SmallWork()
    others = [site_patients(site, groups=1) for site in range(N_SITES)]
    first = run_counts(setup, work, sites_of(setup, work)).outcome
    second = run_counts(setup, work, sites_of(setup, work, others)).outcome
    bodies = [[words[0].body for words in each.waves] for each in (first, second)]

    assert 8 == len(first.waves)
    assert bodies[0][:6] == bodies[1][:6]


def test_long_uploads_come_to_the_members_in_several_steps(monkeypatch):
    setup, work = count_setup(N_SITES), SmallWork()
    whole = run_counts(setup, work, sites_of(setup, work))
    monkeypatch.setattr(centre, "AT_ONCE", 1 << 13)
    parts = run_counts(setup, work, sites_of(setup, work))

    assert whole.outcome == parts.outcome
    assert sorted(whole.carried) == sorted(parts.carried)
