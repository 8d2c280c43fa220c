"""The parts of a computation of counts by themselves: layouts, courses, and what a party refuses before it looks further."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.secure.blind.counts.exchange import a_site, exchange, sites_of
from tests.common.secure.blind.counts.small_counts import SmallWork, count_setup, own_of

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.primitives.signing import Identity
from riskset_common.release.counted import CountedArray
from riskset_common.release.facts import EventDays
from riskset_common.release.program import in_the_open
from riskset_common.secure.blind.arithmetic.field import (
    LIMBS,
    Elements,
    constant,
    dot,
    from_integers,
    multiply,
    to_integers,
)
from riskset_common.secure.blind.parties.counts.before_bits import widths
from riskset_common.secure.blind.parties.counts.centre import conversation
from riskset_common.secure.blind.parties.counts.course import course, first_upload
from riskset_common.secure.blind.parties.counts.layout import Layout, Part
from riskset_common.secure.blind.parties.counts.told import ToldCourse
from riskset_common.secure.blind.parties.keys import seal
from riskset_common.wire.blind_messages import BlindShare, BlindWave

SETUP = count_setup()


def refused(match, error=ProtocolRefusal):
    return pytest.raises(error, match=match)


@pytest.mark.parametrize(
    ("array", "width", "numbers"),
    [
        (CountedArray((2, 3)), 5, [[0, 31, 7], [1, 2, 3]]),
        (CountedArray((3,)), 0, [0, 0, 0]),
        (CountedArray((2,), largest=9), 99, [9, 0]),
        (CountedArray((2,), fraction_bits=40, largest=5), 99, [-5.0, 4.9375]),
        (CountedArray((2,), fraction_bits=64, largest=1 << 20), 99, [-(2.0**20), 2.0**-64]),
        (CountedArray((0, 4)), 3, np.zeros((0, 4))),
        (CountedArray((2, 3), but_for_the_last=True), 1, [[0, 1, 99], [1, 1, 0]]),
    ],
)
def test_numbers_come_back_from_their_bits(array, width, numbers):
    part = Part.of(array, width, 7)
    bits = part.bits_of(np.array(numbers))
    layout = Layout({(0, "a"): part, (0, "b"): part, (1, "c"): Part((), 3)})
    all_bits = from_integers([*bits.tolist(), *bits.tolist(), 1, 0, 1])
    twice = to_integers(layout.numbers_of(all_bits))
    found = twice[: part.n_numbers]
    units = 1 << array.fraction_bits

    assert part.n_bits == len(bits)
    assert [*found, *found, 5] == twice
    assert [7 * each for each in twice] == to_integers(
        layout.numbers_of(multiply(all_bits, constant(7)), 7)
    )
    assert [int(each * units) for each in np.array(numbers).ravel()] == found
    assert all(abs(each) <= part.largest for each in found)


def test_a_number_without_a_place_is_refused_in_words_that_hold_no_number():
    for numbers in ([4, 0], [0, 4], [-1, 0], [1]):
        with pytest.raises(EstimationError, match="report it") as error:
            Part((2,), 1, last_width=2).bits_of(np.array(numbers))

        assert "4" not in str(error.value)


def test_an_upload_is_cut_into_batches_of_whole_parts():
    parts = {(place, "a"): Part((1 << 14,), 1) for place in range(5)}
    layout = Layout(parts)

    assert [2, 2, 1] == [len(batch.layout.parts) for batch in layout.batches]
    assert layout.length == layout.batches[-1].bits.stop
    assert layout.n_numbers == layout.batches[-1].numbers.stop
    assert [1] == [len(Layout({(0, "a"): Part((1 << 17,), 1)}).batches)]


def test_the_course_takes_what_it_asked_for():
    begun = course(SETUP, SmallWork())
    first = first_upload(begun)

    assert 1 == first.number
    with pytest.raises(TypeError, match="awaits the sums"):
        begun.send([])

    def waves():
        yield []

    with pytest.raises(TypeError, match="begins with an upload"):
        first_upload(waves())


def _wave(setup, values, wave=0):
    body = np.array(values, "<i8").tobytes()
    statement = setup.wave_statement(wave, bytes(32), body)
    return [
        BlindWave(
            setup=setup.hash,
            site_id=site,
            wave=wave,
            label=bytes(32),
            length=len(values),
            signature=own_of(site, 6).identity.sign(statement),
            body=body,
        )
        for site in (0, 1)
    ]


def test_a_wave_of_another_length_is_refused():
    told = ToldCourse(SETUP, SmallWork())
    told.uploaded()
    with refused("in place of two a site"):
        told.take(_wave(SETUP, [0] * 11))
    told = ToldCourse(SETUP, SmallWork())
    told.uploaded()
    told.take(_wave(SETUP, [0] * 12))
    with refused("opened 3 numbers where 32"):
        told.take(_wave(SETUP, [0] * 3, wave=1))


def test_the_centre_takes_keys_and_uploads_in_their_place():
    centre = conversation(SETUP, SmallWork())
    next(centre)
    begun = {site: each.begin()[::-1] for site, each in sites_of(SETUP).items()}
    with refused("where BlindKeys is awaited"):
        centre.send(begun)


def test_the_shares_of_an_opening_have_one_length():
    def letters(step, out):
        if step != 2:
            return out
        first, *rest = out[0]
        short = seal(own_of(1, 6).channels[0], b"share", first.label, 1, 0, bytes(32))
        update = {"length": 1, "body": short}
        return {**out, 0: [first.model_copy(update=update), *rest]}

    with refused("differ in length"):
        exchange(SETUP, sites_of(SETUP), letters)


def test_members_together_hold_the_sums_and_a_site_its_own_numbers():
    sites = sites_of(SETUP)
    own: dict[int, list[Any]] = {number: [] for number in sites}

    def letters(step, out):
        for number, site in sites.items():
            if site.own_upload is not None and all(
                site.own_upload is not each for each in own[number]
            ):
                own[number].append(site.own_upload)
        return out

    outcome = exchange(SETUP, sites, letters)
    arm = outcome.reached.counted[0]
    shares: list[Elements] = []
    for member in SETUP.committee.site_ids:
        kept = sites[member].kept
        assert kept is not None
        shares.append(kept.share(arm, "events").reshape(LIMBS, -1))
    weights = [(constant(c), share) for c, share in zip((3, -3, 1), shares, strict=True)]
    opened = to_integers(dot(weights))
    counted = [uploads[-1][str(arm), "events"] for uploads in own.values()]

    assert np.sum(counted, axis=0).ravel().tolist() == opened
    assert {3} == {len(uploads) for uploads in own.values()}
    assert all(("the site's patients", "patients") in uploads[0] for uploads in own.values())
    assert 6 * 15 == outcome.reached.bound(arm, "patients")


def test_without_arrays_no_width_is_asked():
    assert () == in_the_open(widths((), {}))


def test_a_setup_is_another_if_anything_agreed_is():
    hashes = {
        SETUP.hash,
        count_setup(5).hash,
        count_setup(preset=(5, 1)).hash,
        count_setup(preset=(5, 2)).hash,
        count_setup(preset=(5, 1), checked=True).hash,
    }

    assert 5 == len(hashes)


def test_a_step_that_names_no_counts_is_refused():
    share = BlindShare(label=bytes(32), sender=1, receiver=0, length=0, body=bytes(16))
    with refused("before the keys of all sites, or is not in it"):
        a_site(SETUP, 5).answer([share])
    assert "diagnosis" in str(EventDays("diagnosis", 8))
    assert isinstance(own_of(0, 6).identity, Identity)
