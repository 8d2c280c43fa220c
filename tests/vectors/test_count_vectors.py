"""The vectors of the uploads of counts, which a second implementation wrote, replayed by the product."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from riskset_common.consortium.roster import Roster
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import (
    from_bytes,
    to_bytes,
    zeros,
)
from riskset_common.secure.blind.arithmetic.random_shares import short_from_bytes, short_words
from riskset_common.secure.blind.arithmetic.shares import open_shares
from riskset_common.secure.blind.parties.counts.checks import UploadCheck
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.count_site import masked
from riskset_common.secure.blind.parties.counts.equations import Equation, Term
from riskset_common.secure.blind.parties.counts.layout import Layout, Part
from riskset_common.secure.blind.parties.counts.uploads import NUMBERS, Upload
from riskset_common.secure.blind.parties.keys import input_keys

VECTORS = json.loads((Path(__file__).parent / "count_uploads.json").read_text(encoding="utf-8"))
EVENTS, PATIENTS, MEAN = (0, "events"), (0, "patients"), (0, "mean")


@pytest.fixture(
    params=VECTORS["committees"], ids=lambda each: f"{each['members']},{each['threshold']}"
)
def vector(request):
    return request.param


class _Roster(Roster):
    """A roster of which only the hash is asked."""

    @property
    def hash(self):
        return bytes.fromhex(VECTORS["committees"][0]["roster"])


@pytest.fixture
def setup(vector):
    members = vector["members"]
    return CountSetup(
        session=bytes.fromhex(vector["session"]),
        roster=_Roster(version=1, members=()),
        participants=tuple(range(members + 1)),
        committee=Committee(tuple(range(members)), vector["threshold"]),
        checked=vector["checked"],
        work=bytes.fromhex(vector["work"]),
    )


def upload():
    layout = Layout(
        {
            EVENTS: Part((2, 3), 2),
            PATIENTS: Part((2,), 3),
            MEAN: Part((2,), VECTORS["width"], VECTORS["fraction_bits"], signed=True),
        }
    )
    equations = (
        Equation((Term(EVENTS, (1,)), Term(PATIENTS, (), -1))),
        Equation((Term(EVENTS, (0, 1)),), equals=7),
    )
    return Upload(NUMBERS, layout, equations, lambda patients: {}, ())


def own_bits():
    numbers = {
        EVENTS: np.array(VECTORS["events"]),
        PATIENTS: np.array(VECTORS["patients"]),
        MEAN: np.array([float.fromhex(each) for each in VECTORS["mean"]]),
    }
    return upload().layout.bits_of(numbers)


def test_setup_label_and_statements_are_those_of_the_vector(vector, setup):
    opened = [bytes.fromhex(each) for each in vector["opened"]]
    label = bytes.fromhex(vector["label"])

    assert vector["setup"] == setup.hash.hex()
    assert vector["label"] == setup.upload_label(NUMBERS, opened).hex()
    assert vector["wave"] == setup.wave_statement(4, label, b"body").hex()
    assert vector["strike"] == setup.strike_statement(1, 2).hex()


def test_numbers_are_written_as_the_bits_of_the_vector(vector):
    assert vector["bits"] == "".join(map(str, own_bits()))


def test_an_upload_is_masked_as_in_the_vector(vector, setup):
    body = masked(
        setup, bytes.fromhex(vector["secret"]), bytes.fromhex(vector["label"]), own_bits()
    )

    assert vector["sites"][0]["sent"] == body.hex()


def test_the_tests_of_a_site_are_those_of_the_vector(vector, setup):
    """0 and 0 of an upload as it must be; of one with a number beyond its width neither."""
    check, label = UploadCheck(upload(), bytes.fromhex(vector["check"])), vector["label"]
    subsets = setup.committee.subsets
    keys = dict(zip(subsets, input_keys(setup, bytes.fromhex(vector["secret"])), strict=True))
    for site in vector["sites"]:
        body, shares = bytes.fromhex(site["sent"]), []
        for member, expected in zip(setup.committee.members, site["tests"], strict=True):
            masks = [
                (
                    setup.committee.numerator(subset, member),
                    short_words(keys[subset], b"input", bytes.fromhex(label), len(body) // 12),
                )
                for subset in setup.committee.subsets_of(member)
            ]
            found = check.of(setup.committee, short_from_bytes(body), masks, zeros(10))
            shares.append(found)

            assert expected == to_bytes(shares[-1]).hex()
        opened = open_shares(setup.committee, shares)

        assert site["opened"] == to_bytes(opened).hex()
        assert (site["added"] == "0") == (not from_bytes(bytes.fromhex(site["opened"])).any())
