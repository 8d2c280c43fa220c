"""The product against plain Python integers, on numbers that no vector was written for."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.secure.sums.whole_round import open_round

from riskset_common.consortium.roster import Member, Roster
from riskset_common.primitives.masks import CHUNK, add_masks
from riskset_common.primitives.ring import decode_reals, encode_reals
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.pooling import collect_keys, make_request, pooled_of
from riskset_common.secure.sums.recovery import unmask_requests
from riskset_common.secure.sums.reporting import NO_ROUND, report
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.site_session import SessionSecrets, accept_keys, advertise
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.wire.sections import Section


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


@st.composite
def sessions(draw):
    """Numbers of up to six sites, up to the edges of what so many may add; a committee or none, and who is lost."""
    n_sites = draw(st.integers(1, 6))
    count_limit, real_limit = 2**62 // n_sites, float(2**47 // n_sites)
    count = st.integers(-count_limit + 1, count_limit - 1)
    real = st.floats(-real_limit, real_limit, exclude_min=True, exclude_max=True)
    n_counts, n_reals = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    ids = draw(st.lists(st.integers(0, 2**32 - 1), min_size=n_sites, max_size=n_sites, unique=True))
    one_site = st.tuples(
        st.lists(count, min_size=n_counts, max_size=n_counts),
        st.lists(real, min_size=n_reals, max_size=n_reals),
    )
    answers = {i: draw(one_site) for i in sorted(ids)}
    if n_sites < 4 or draw(st.booleans()):
        return answers, Rule("strict", tuple(sorted(ids)), 1), ()
    committee = sorted(draw(st.sets(st.sampled_from(ids), min_size=3)))
    rule = Rule("recoverable", tuple(committee), 2)
    to_spare = len(committee) - rule.threshold
    lost = draw(st.lists(st.sampled_from(committee), max_size=to_spare, unique=True))
    return answers, rule, tuple(lost)


@given(sessions())
def test_both_write_the_same_messages_and_open_the_same_sums(plain, drawn):
    answers, rule, lost = drawn
    n_counts, n_reals = (len(part) for part in next(iter(answers.values())))
    identities = {i: Identity.from_random(secret("identity", i)) for i in answers}
    members = tuple(
        Member(site_id=i, name=f"site {i}", study_group="north", public=identities[i].public)
        for i in answers
    )
    roster = Roster(version=1, members=members)
    sid, snapshot = secret("sid"), secret("snapshot")
    states, advertisements = {}, []
    for i in answers:
        drawn_secrets = SessionSecrets(secret("ephemeral", i), secret("root", i))
        states[i], advertisement = advertise(identities[i], i, sid, drawn_secrets, snapshot, roster)
        advertisements.append(advertisement)
    centre = Identity.from_random(secret("centre"))
    setup, keys = collect_keys(centre, sid, roster, advertisements, rule)
    sections = [
        Section(analysis="a", name="counts", ring="counts", shape=(n_counts,)),
        Section(analysis="a", name="reals", ring="reals", shape=(n_reals,)),
    ]
    frozen = setup.initial_set()
    request = make_request(centre, setup, frozen, 1, NO_ROUND, sections, b"{}")
    ours, theirs = {}, {}
    header, _ = plain.unframe(keys.to_bytes())
    asked, questions = plain.unframe(request.to_bytes())
    label = plain.label_of(header, asked, questions)
    sites = {
        i: {
            "site_id": i,
            "identity_private": secret("identity", i).hex(),
            "ephemeral_private": secret("ephemeral", i).hex(),
            "self_root": secret("root", i).hex(),
        }
        for i in answers
    }
    write = plain.report if frozen is not None else plain.recoverable_report
    for i, (counts, reals) in answers.items():
        states[i] = accept_keys(states[i], keys, rule=rule, minimum_sites=1)
        states[i], ours[i] = report(
            states[i],
            request,
            np.array(counts, np.int64),
            np.array(reals, np.float64),
            identity=identities[i],
        )
        theirs[i] = write(sites[i], header, label, counts, reals)
    arrived = {i: each for i, each in ours.items() if i not in lost}
    ours_given, theirs_given = {}, {}
    if frozen is None:
        for member, wanted in unmask_requests(centre, setup, request, arrived).items():
            given = answer_unmask(states[member], wanted, identity=identities[member])[1]
            ours_given[member] = given
            theirs_given[member] = plain.unmask_answer(
                sites[member], sites, header, label, sorted(arrived)
            )
    opening = open_round(
        centre, setup, frozen, roster, request, arrived.values(), ours_given.values()
    )
    their_reports = {i: message for i, message in theirs.items() if i not in lost}
    theirs_opened = plain.opening(secret("centre"), header, 1, label, their_reports, theirs_given)
    pooled = pooled_of(request, opening)

    assert theirs == {i: answer.to_bytes() for i, answer in ours.items()}
    assert theirs_given == {i: answer.to_bytes() for i, answer in ours_given.items()}
    assert theirs_opened == opening.to_bytes()
    assert plain.pooled(theirs_opened) == (pooled.counts.tolist(), pooled.reals.tolist())
    assert pooled.counts.tolist() == [
        sum(column)
        for column in zip(*(c for i, (c, _) in answers.items() if i not in lost), strict=True)
    ]


@pytest.mark.parametrize(
    ("n_counts", "n_reals"), [(0, 0), (3, 1), (CHUNK + 1, 0), (1, CHUNK), (CHUNK, CHUNK + 3)]
)
def test_both_cut_the_same_masks_from_a_stream(plain, n_counts, n_reals):
    key = secret("stream", n_counts, n_reals)
    counts, reals = np.zeros(n_counts, np.uint64), np.zeros((2, n_reals), np.uint64)

    add_masks(counts, reals, [key])
    low, high = reals.tolist()

    assert plain.mask(key, n_counts, n_reals) == (
        counts.tolist(),
        [a | b << 64 for a, b in zip(low, high, strict=True)],
    )


@given(st.floats(-(2.0**47), 2.0**47, exclude_min=True, exclude_max=True))
def test_both_round_a_real_to_the_same_element(plain, value):
    low, high = encode_reals(np.array([value]), 1)

    assert plain.fixed_point(value) == int(low[0]) | int(high[0]) << 64


@given(st.integers(0, 127).flatmap(lambda bits: st.integers(-(2**bits), 2**bits - 1)))
def test_both_round_an_element_to_the_same_real(plain, element):
    limbs = element % 2**128 % 2**64, element % 2**128 >> 64

    assert [plain.real(element % 2**128)] == decode_reals(
        np.array(limbs, np.uint64).reshape(2, 1)
    ).tolist()


@given(st.integers(0, 73), st.integers(2**52, 2**53 - 1), st.integers(-1, 1))
def test_both_break_ties_to_the_even_double(plain, shift, mantissa, beside):
    element = (((2 * mantissa + 1) << shift) + beside) % 2**127

    assert [plain.real(element)] == decode_reals(
        np.array([element % 2**64, element >> 64], np.uint64).reshape(2, 1)
    ).tolist()
