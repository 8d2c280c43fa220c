"""Members that are lost, parties that are made anew, and what up to t members hold of a site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import identity_of
from tests.common.secure.blind.counts.exchange import a_site, exchange, sites_of
from tests.common.secure.blind.counts.small_counts import (
    SmallWork,
    count_setup,
    pooled,
    site_patients,
)

from riskset_common.errors import ProtocolRefusal, SignatureRefusal
from riskset_common.secure.blind.arithmetic import random_shares
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import from_integers
from riskset_common.secure.blind.parties.counts.gathering import open_present
from riskset_common.secure.blind.parties.counts.told import followed
from riskset_common.wire.blind_messages import BlindLost, BlindStrike, BlindWave
from riskset_common.wire.frame import Message

FIVE = count_setup(preset=(5, 1))
EXPECTED = pooled([site_patients(site) for site in range(6)])


def refused(match: str, error=ProtocolRefusal):
    return pytest.raises(error, match=match)


def gone(**from_step):
    """Leaves out what sites answer from some step on: site_3=7."""
    steps = {int(name.removeprefix("site_")): step for name, step in from_step.items()}

    def answers(step, came):
        return {site: sent for site, sent in came.items() if step < steps.get(site, 1 << 30)}

    return answers


@lru_cache
def last_upload(setup):
    """The step in which the numbers were sent."""
    uploads = []

    def letters(step, out):
        if len(out) == len(setup.participants):
            uploads.append(step)
        return out

    exchange(setup, sites_of(setup), letters)
    return uploads[-2]


# Members that are lost


def test_five_members_go_on_when_one_is_lost_and_say_from_where_nothing_was_checked():
    begin = last_upload(FIVE) + 1
    one = exchange(FIVE, sites_of(FIVE), answers=gone(site_4=begin))
    two = exchange(FIVE, sites_of(FIVE), answers=gone(site_4=begin, site_0=begin + 3))
    both = exchange(FIVE, sites_of(FIVE), answers=gone(site_2=begin, site_0=begin))

    for outcome in (one, two, both):
        assert EXPECTED["patients"] == outcome.reached.released.patients
        assert sum(EXPECTED["events"]) == sum(outcome.reached.released.events)
    assert ((4,), None) == (one.lost, one.unchecked_from)
    assert (0, 4) == two.lost
    assert (0, 2) == both.lost
    assert 5 == both.unchecked_from
    assert two.unchecked_from in range(6, len(two.waves))


def test_a_member_that_is_lost_before_its_last_upload_ends_the_run():
    with refused("'site 4' did not send its upload"):
        exchange(FIVE, sites_of(FIVE), answers=gone(site_4=2))


@pytest.mark.parametrize("preset", [(3, 1), (5, 2)])
def test_a_committee_without_members_to_spare_ends_when_one_is_lost(preset):
    setup = count_setup(preset=preset)
    with refused("'site 1' .* without it nothing can be opened"):
        exchange(setup, sites_of(setup), answers=gone(site_1=2))


def test_a_run_that_must_be_checked_ends_where_nothing_is_left_to_check_by():
    setup = count_setup(preset=(5, 1), checked=True)
    begin = last_upload(setup) + 1
    outcome = exchange(setup, sites_of(setup), answers=gone(site_3=begin))

    assert None is outcome.unchecked_from
    with refused("'site 4' .* nobody would notice a wrong share"):
        exchange(setup, sites_of(setup), answers=gone(site_3=begin, site_4=begin + 1))


def test_a_committee_that_cannot_check_is_refused_where_it_must():
    with refused("have none to spare"):
        count_setup(preset=(3, 1), checked=True)


def _strikes(lost=4, place=0, signers=(0, 1, 2, 3)):
    return [FIVE.strike(identity_of(site), site, place, lost) for site in signers]


def test_a_member_is_passed_over_only_with_more_than_half_of_all_sites():
    serving = list(FIVE.committee.site_ids)

    assert 4 == FIVE.check_strikes(_strikes(), serving)
    with refused("3 of 6 sites agree"):
        FIVE.check_strikes(_strikes(signers=(0, 1, 2)), serving)
    with refused("3 of 6 sites agree"):
        FIVE.check_strikes(_strikes(signers=(0, 1, 2, 2)), serving)
    with refused("4 of 6 sites agree"):
        FIVE.check_strikes([*_strikes()[:3], *_strikes(3)[3:]], serving)
    with refused("at another time"):
        FIVE.check_strikes(_strikes(place=1), serving)
    with refused("does not serve"):
        FIVE.check_strikes(_strikes(5), serving)
    forged = _strikes()
    forged[1] = forged[1].model_copy(update={"signature": forged[0].signature})
    with refused("word of site 'site 1'", SignatureRefusal):
        FIVE.check_strikes(forged, serving)


def test_a_site_agrees_to_one_member_in_each_place():
    site = a_site(FIVE, 1)

    def ask(place, lost, setup=FIVE):
        return site.answer([BlindLost(setup=setup.hash, place=place, lost=lost)])

    first = ask(0, 4)

    assert [FIVE.strike(identity_of(1), 1, 0, 4)] == first == ask(0, 4)
    assert isinstance(first[0], BlindStrike)
    with refused("agreed to another member"):
        ask(0, 3)
    with refused("it is this member itself"):
        ask(1, 1)
    with refused("does not serve"):
        ask(1, 4)
    with refused("one at a time"):
        ask(1, 3, count_setup())
    ask(1, 3)
    with refused("nothing can be opened"):
        ask(2, 2)


def test_a_member_that_is_struck_off_itself_goes_on_no_more():
    begin, kept = last_upload(FIVE) + 1, {}

    def letters(step, out):
        kept[step] = out
        return out

    sites = sites_of(FIVE)
    outcome = exchange(FIVE, sites, letters, gone(site_4=begin))

    assert (4,) == outcome.lost
    with refused("takes no further part"):
        sites[4].answer([*_strikes(), *kept[begin + 2][0][-1:]])


def test_members_at_different_waves_are_refused():
    def answers(step, came):
        return {
            site: [each for each in sent if site or not isinstance(each, BlindWave)]
            for site, sent in came.items()
        }

    with refused("not all at the same wave"):
        exchange(FIVE, sites_of(FIVE), answers=answers)


def test_what_was_kept_of_a_part_of_the_waves_gives_nothing():
    outcome = exchange(FIVE, sites_of(FIVE))
    with refused("are not all that were opened"):
        followed(FIVE, SmallWork(), outcome.waves[:-1])


@pytest.mark.parametrize("preset", [(3, 1), (5, 1), (5, 2)])
def test_any_members_that_are_enough_open_the_same(preset):
    committee = Committee(tuple(range(preset[0])), preset[1])
    names = {member: f"site {member}" for member in committee.members}
    degree = 2 * committee.threshold
    shares = {
        member: from_integers([sum(7 * (k + 1) * member**k for k in range(degree + 1))])
        for member in committee.members
    }
    needed = degree + 1
    for first in range(committee.size - needed + 1):
        present = {member: shares[member] for member in list(shares)[first : first + needed]}

        assert 7 == int(open_present(committee, present, names)[0, 0])
    if committee.checks:
        wrong = {**shares, 2: from_integers([1])}
        with refused("that of 'site 2' is wrong"):
            open_present(committee, wrong, names)
        del wrong[5]
        with refused("at least one is wrong"):
            open_present(committee, wrong, names)


# Parties that are made anew


def test_a_party_that_is_made_anew_before_a_step_goes_on_where_it_was():
    """Each step begins with another site anew; every member is made anew at the beginning, in each upload, in waves and at the end."""
    setup = count_setup()
    sites = sites_of(setup)
    read: dict[int, list[Sequence[Message]]] = {site: [] for site in setup.participants}

    def letters(step, out):
        for site, sent in out.items():
            if site == step % len(setup.participants):
                fresh = a_site(setup, site)
                fresh.begin()
                for earlier in read[site]:
                    fresh.answer(earlier)
                sites[site] = fresh
            read[site].append(sent)
        return out

    once = exchange(setup, sites_of(setup))
    again = exchange(setup, sites, letters)

    assert once == again


# What is seen


@pytest.mark.parametrize("preset", [(3, 1), (5, 1), (5, 2)])
def test_t_members_lack_a_key_of_every_site_and_one_more_has_them_all(preset):
    setup = count_setup(preset=preset)
    sites = sites_of(setup)
    exchange(setup, sites)
    committee = setup.committee
    members = [sites[site]._committee() for site in committee.site_ids]
    inputs = [member._own.keys.inputs for member in members]
    for site in setup.participants:
        for few in _sets(committee.size, committee.threshold):
            held = set().union(*(inputs[member][site] for member in few))

            assert len(held) < len(committee.subsets)
        for enough in _sets(committee.size, committee.threshold + 1):
            held = set().union(*(inputs[member][site] for member in enough))

            assert set(committee.subsets) == held


def _sets(size, n):
    return list(combinations(range(size), n))


def test_no_stream_is_drawn_twice_by_a_party(monkeypatch):
    """The masks of its own upload a member draws twice: once to mask, once to take off again."""
    drawn: Counter[tuple[object, ...]] = Counter()
    original, now = random_shares._stream, [-1]

    def counting(key, purpose, label, length):
        if purpose != b"input":
            drawn[now[0], key, purpose, label] += 1
        return original(key, purpose, label, length)

    monkeypatch.setattr(random_shares, "_stream", counting)
    setup = count_setup()
    sites = sites_of(setup)
    for number, site in sites.items():
        monkeypatch.setattr(site, "answer", _with(now, number, site.answer))
    exchange(setup, sites)

    assert {1} == set(drawn.values())
    assert len(drawn) > 30


def _with(now, number, answer):
    def answered(letters):
        now[0] = number
        return answer(letters)

    return answered


def test_what_is_carried_holds_no_bit_of_a_site_in_the_clear():
    """Each element that a site sends is uniform: its bytes are as often below 128 as above, whatever the bits are."""
    setup = count_setup()
    bodies = [a_site(setup, site).begin()[1].body for site in setup.participants]
    low = [body[: len(body) // 12 * 8] for body in bodies]
    values = np.frombuffer(b"".join(low), np.uint8)
    share = float(np.mean(values < 128))

    assert 0.45 < share < 0.55
