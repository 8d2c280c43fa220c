"""What sites, members and centre refuse in a computation of counts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import identity_of, secret
from tests.common.secure.blind.counts.exchange import (
    HostileSite,
    LyingMember,
    a_site,
    exchange,
    sites_of,
)
from tests.common.secure.blind.counts.small_counts import SmallWork, Split, count_setup

from riskset_common.errors import ProtocolRefusal, RecordsFailed, SignatureRefusal
from riskset_common.secure.blind.parties.counts import count_site
from riskset_common.secure.blind.parties.counts.member import CountMember
from riskset_common.wire.blind_messages import BlindBits, BlindShare, BlindWave

SETUP = count_setup()


def refused(match: str, error=ProtocolRefusal):
    return pytest.raises(error, match=match)


def of(kind, messages):
    return [each for each in messages if isinstance(each, kind)]


# Uploads that are not as they must be


def hostile(setup, added):
    site = a_site(setup, 4, kind=HostileSite)
    site.added = added
    return sites_of(setup, site_4=site)


@pytest.mark.parametrize(
    ("preset", "upload", "added"),
    [
        ((3, 1), 1, 2),
        ((3, 1), 2, 1 << 90),
        ((3, 1), 3, 1 << 90),
        ((3, 1), 3, -2),
        ((5, 1), 3, 1 << 90),
        ((5, 2), 3, -(1 << 80)),
    ],
)
def test_a_number_beyond_its_width_is_refused_at_the_site_that_sent_it(preset, upload, added):
    setup = count_setup(preset=preset)
    match = f"Upload {upload} .* test: of 'site 4' what should be bits is not all 0 or 1. The run"
    with refused(match):
        # A bit is 0 or 1, so that one of the two places is no bit any more.
        exchange(setup, hostile(setup, {upload: {3: added, 4: -added}}))


def test_members_that_found_a_hostile_upload_take_no_further_part():
    sites = hostile(SETUP, {3: {0: 1 << 90}})
    with refused("'site 4'"):
        exchange(SETUP, sites)
    share = BlindShare(label=bytes(32), sender=1, receiver=0, length=0, body=bytes(16))
    with refused("Upload 3 .* 'site 4'"):
        sites[0].answer([share])
    upload = BlindBits(label=bytes(32), site_id=0, length=0, signature=bytes(64))
    with refused("Upload 3 .* 'site 4'"):
        sites[0].answer([upload])


@dataclasses.dataclass(frozen=True)
class WrongRows(Split):
    """Counts one patient more in a row than leave it."""

    def of(self, patients, study):
        counts = super().of(patients, study)
        return {**counts, "others": counts["others"] + np.array([1, 0])}


@dataclasses.dataclass(frozen=True)
class OtherDays(Split):
    """Moves an event to another day, in this split alone."""

    def of(self, patients, study):
        counts = super().of(patients, study)
        events = counts["events"].copy()
        row, day = np.argwhere(events)[0]
        events[row, day] -= 1
        events[row, (day + 1) % events.shape[1]] += 1
        return {**counts, "events": events}


@dataclasses.dataclass(frozen=True)
class OtherPatients(Split):
    """Counts one patient more than the other split does."""

    def of(self, patients, study):
        counts = super().of(patients, study)
        more = np.array([0, 1])
        return {
            **counts,
            "patients": counts["patients"] + more,
            "others": counts["others"] + more,
        }


@pytest.mark.parametrize("lie", [WrongRows, OtherDays, OtherPatients])
def test_a_split_that_does_not_add_up_is_refused_at_the_site_that_sent_it(lie):
    class Lying(SmallWork):
        def counted(self, facts):
            arm, sex = super().counted(facts)
            return arm, lie(sex.by, sex.days)

    sites = sites_of(SETUP, site_4=a_site(SETUP, 4, Lying()))
    with refused("Upload 3 .* test: of 'site 4' sums that must be equal differ"):
        exchange(SETUP, sites)


@pytest.mark.parametrize("upload", [1, 2])
def test_a_power_of_two_is_marked_once(upload):
    """The first marks of uploads 1 and 2 are one power of two, of which the first is set by no site here."""
    with refused(f"Upload {upload} .* test: of 'site 4' sums that must be equal differ"):
        exchange(SETUP, hostile(SETUP, {upload: {0: 1}}))


class _Beyond(SmallWork):
    """A site whose own number has no place in its public width."""

    def __init__(self, array, values):
        super().__init__()
        self.array, self.values = array, values

    def counted(self, facts):
        array, values = self.array, self.values

        @dataclasses.dataclass(frozen=True)
        class Beyond(Split):
            def of(self, patients, study):
                return {**super().of(patients, study), array: np.array(values)}

        arm, sex = super().counted(facts)
        return arm, Beyond(sex.by, sex.days)


@pytest.mark.parametrize(
    ("array", "values"),
    [
        ("flag", [4]),
        ("flag", [-1]),
        ("flag", [1, 1]),
        ("mean", [np.nan, 0.0]),
        ("mean", [1024.0, 0.0]),
        ("patients", [1 << 20, 1]),
    ],
)
def test_a_site_sends_nothing_that_has_no_place_in_its_width(array, values):
    sites = sites_of(SETUP, site_4=a_site(SETUP, 4, _Beyond(array, values)))
    with pytest.raises(RecordsFailed):
        exchange(SETUP, sites)


# A centre that lies


def to_members_with(kind, change):
    """Changes what members get of one kind in every step: change(letters of the kind, member)."""

    def letters(step, out):
        del step
        return {
            site: [each for each in sent if not isinstance(each, kind)]
            + list(change(of(kind, sent), site))
            for site, sent in out.items()
        }

    return letters


def test_a_centre_that_drops_a_site_gets_no_sum():
    with refused("needed of each participant"):
        exchange(SETUP, sites_of(SETUP), to_members_with(BlindBits, lambda all_, _: all_[1:]))
    with refused("needed of each participant"):
        exchange(SETUP, sites_of(SETUP), to_members_with(BlindBits, lambda all_, _: all_[:1] * 6))
    keys_and_inputs = []

    def letters(step, out):
        keys_and_inputs.append(out[0])
        return out

    exchange(SETUP, sites_of(SETUP), letters)
    member = a_site(SETUP, 0)
    member.begin()

    assert [] == member.answer(keys_and_inputs[0][:-1])
    share = BlindShare(label=bytes(32), sender=1, receiver=0, length=0, body=bytes(16))
    with refused("no opening of the counts is under way"):
        member.answer([share])


def test_a_centre_that_changes_an_upload_is_refused():
    def change(inputs, member):
        return [
            each.model_copy(update={"body": bytes(32) + each.body[32:]})
            if (each.site_id, member) == (5, 0)
            else each
            for each in inputs
        ]

    with refused("input of site 'site 5'", SignatureRefusal):
        exchange(SETUP, sites_of(SETUP), to_members_with(BlindBits, change))


def test_members_that_are_shown_different_uploads_open_nothing():
    """A centre and a site that sends two uploads, of which one member gets the other."""

    def change(inputs, member):
        if member != 2:
            return inputs
        return [*inputs[:-1], *(_signed_anew(each) for each in inputs[-1:])]

    def _signed_anew(message):
        body = message.body[:-32] + bytes(32)
        statement = SETUP.input_statement(message.label, 5, body)
        signature = identity_of(5).sign(statement)
        return message.model_copy(update={"body": body, "signature": signature})

    with refused("another opening"):
        exchange(SETUP, sites_of(SETUP), to_members_with(BlindBits, change))


def test_an_upload_that_is_replayed_is_refused():
    first: dict[int, BlindBits] = {}

    def change(inputs, member):
        del member
        for each in inputs:
            first.setdefault(each.site_id, each)
        return [first[each.site_id] if each.site_id == 5 else each for each in inputs]

    with refused("of site 'site 5' answers another question than upload 2"):
        exchange(SETUP, sites_of(SETUP), to_members_with(BlindBits, change))


def test_a_share_that_is_replayed_is_refused():
    seen = []

    def change(shares, member):
        if member == 0 and shares:
            seen.append(shares)
            return seen[0]
        return shares

    with refused("another opening"):
        exchange(SETUP, sites_of(SETUP), to_members_with(BlindShare, change))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda shares: shares[:1], "One share of each other"),
        (lambda shares: shares[::-1], "One share of each other"),
        (
            lambda shares: [
                shares[0].model_copy(update={"body": bytes(len(shares[0].body))}),
                *shares[1:],
            ],
            "does not open",
        ),
    ],
)
def test_shares_are_taken_once_of_each_member_and_sealed(change, match):
    with refused(match):
        exchange(
            SETUP,
            sites_of(SETUP),
            to_members_with(BlindShare, lambda all_, _: change(all_) if all_ else all_),
        )


def _other_days(wave):
    """A day set in which the first day has no event."""
    if wave.wave != 2:
        return wave
    body = (1).to_bytes(8, "little") + wave.body[8:]
    return wave.model_copy(update={"body": body})


def test_a_site_is_told_no_day_set_that_the_members_did_not_sign():
    def change(waves, site):
        return [_other_days(each) if site == 5 else each for each in waves]

    with refused("what member 'site 0' opened", SignatureRefusal):
        exchange(SETUP, sites_of(SETUP), to_members_with(BlindWave, change))


def test_as_many_members_as_may_be_corrupt_tell_no_site_another_day_set():
    def change(waves, site):
        if site != 5:
            return waves
        forged = []
        for each in waves:
            other = _other_days(each)
            statement = SETUP.wave_statement(other.wave, other.label, other.body)
            signature = identity_of(0).sign(statement)
            if each.wave != 2:
                forged.append(each)
            elif each.site_id == 0:
                forged.append(other.model_copy(update={"signature": signature}))
        return forged

    with refused("bears the signatures of 1 members; more than 1"):
        exchange(SETUP, sites_of(SETUP), to_members_with(BlindWave, change))


def _signed_by(members, wave):
    statement = SETUP.wave_statement(wave.wave, wave.label, wave.body)
    return [
        wave.model_copy(
            update={"site_id": member, "signature": identity_of(member).sign(statement)}
        )
        for member in members
    ]


def test_a_member_is_told_what_it_opened_itself():
    """Two other members, more than may be corrupt, and the centre tell it another day set."""

    def change(waves, site):
        days = [each for each in waves if each.wave == 2]
        if site != 0 or not days:
            return waves
        forged = _other_days(days[0]).model_copy(update={"label": secret("other")})
        return [each for each in waves if each.wave != 2] + _signed_by((1, 2), forged)

    with refused("is not what it opened itself"):
        exchange(SETUP, sites_of(SETUP), to_members_with(BlindWave, change))


def test_a_site_that_is_told_more_or_less_than_was_opened_has_no_result():
    def more(waves, site):
        if site != 5 or waves[-1:] == [] or waves[-1].wave != 7:
            return waves
        another = waves[-1].model_copy(update={"wave": 8})
        return [*waves, *_signed_by((1, 2), another)]

    def less(waves, site):
        return [each for each in waves if each.wave != 7] if site == 5 else waves

    for change, match in [(more, "none is awaited"), (less, "are not all that were opened")]:
        sites = sites_of(SETUP)
        exchange(SETUP, sites, to_members_with(BlindWave, change))
        kept = sites[5].kept
        assert kept is not None
        with refused(match):
            _ = kept.reached


def test_words_of_members_must_be_the_same_and_of_the_wave_that_comes_next():
    seen = []

    def change(waves, site):
        if waves and site == 5:
            seen.extend(waves)
        return waves

    outcome = exchange(SETUP, sites_of(SETUP), to_members_with(BlindWave, change))
    site = a_site(SETUP, 5)
    site.begin()
    mixed = [seen[0], seen[1].model_copy(update={"label": secret("other")})]
    with refused("do not all say"):
        site.answer(mixed)
    with refused("speaks of another wave"):
        a = a_site(SETUP, 5)
        a.begin()
        a.answer(seen[2:4])
    with refused("signatures of 1"):
        b = a_site(SETUP, 5)
        b.begin()
        b.answer([seen[0], seen[0]])
    with refused("where none is awaited"):
        a_site(SETUP, 5).answer(seen[:2])
    assert len(outcome.waves) == len({each.wave for each in seen})


def test_a_second_upload_is_not_sent():
    sites = sites_of(SETUP)
    shown: list[BlindWave] = []

    def letters(step, out):
        waves = of(BlindWave, out.get(5, []))
        if waves and not shown:
            shown.extend(waves)
        return out

    exchange(SETUP, sites, letters)
    with refused("another wave than wave 8"):
        sites[5].answer(shown)
    with refused("No upload of the counts is awaited"):
        sites[5].begin()


def test_what_does_not_belong_together_is_no_step():
    share = BlindShare(label=bytes(32), sender=1, receiver=0, length=0, body=bytes(16))
    upload = BlindBits(label=bytes(32), site_id=0, length=0, signature=bytes(64))
    site = a_site(SETUP, 0)
    for letters in ([], [share, upload], [SETUP.strike(identity_of(1), 1, 0, 2)]):
        with refused("do not belong together"):
            site.answer(letters)
    with refused("is not in it"):
        site.answer([share])


def test_keys_come_once_and_shares_only_where_they_are_awaited():
    sites, first = sites_of(SETUP), []

    def letters(step, out):
        if step == 1:
            first.extend(out[0])
        return out

    exchange(SETUP, sites, letters)
    with refused("arrived a second time"):
        sites[0].answer(first)
    share = BlindShare(label=bytes(32), sender=1, receiver=0, length=0, body=bytes(16))
    with refused("has ended"):
        sites[0].answer([share])
    fresh = a_site(SETUP, 0)
    fresh.begin()
    fresh.answer(first)
    with refused("none is awaited"):
        fresh.answer([each for each in first if isinstance(each, BlindBits)])
    kept = sites[5].kept
    assert kept is not None
    with refused("holds no shares"):
        kept.share(Split("arm", ()), "events")


# Members that lie


def lying(monkeypatch, setup, liar, honest_openings, only_to=None):
    """The site whose member sends wrong shares after so many right ones."""

    class Liar(LyingMember):
        pass

    Liar.honest_openings, Liar.only_to = honest_openings, only_to

    def made(setup_, work, own):
        kind = Liar if own.site_id == liar else CountMember
        return kind(setup_, work, own)

    monkeypatch.setattr(count_site, "CountMember", made)
    return sites_of(setup)


@pytest.mark.parametrize("liar", [0, 4])
@pytest.mark.parametrize("honest_openings", [0, 6])
def test_a_wrong_share_is_noticed_and_its_member_named_where_two_are_to_spare(
    monkeypatch, liar, honest_openings
):
    setup = count_setup(preset=(5, 1))
    with refused(f"that of 'site {liar}' is wrong"):
        exchange(setup, lying(monkeypatch, setup, liar, honest_openings))


@pytest.mark.parametrize("preset", [(3, 1), (5, 2)])
def test_a_wrong_share_in_the_first_check_ends_the_run_where_none_are_to_spare(monkeypatch, preset):
    """Nobody can tell the member from the sites: all of them seem to have failed."""
    setup = count_setup(preset=preset)
    with refused("Upload 1 .* of 'site 0' .* of 'site 5'"):
        exchange(setup, lying(monkeypatch, setup, 1, 0))


@pytest.mark.parametrize("preset", [(3, 1), (5, 2)])
def test_a_wrong_share_for_one_member_ends_the_run(monkeypatch, preset):
    setup = count_setup(preset=preset)
    with refused("outside of its public bounds"):
        exchange(setup, lying(monkeypatch, setup, 1, 1, only_to=0))
