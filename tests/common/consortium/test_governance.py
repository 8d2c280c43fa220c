from __future__ import annotations

import pytest
import yaml

from riskset_common.consortium.governance import (
    Governance,
    check_roster,
    sign_roster,
    unsigned,
)
from riskset_common.consortium.roster_file import add_signature, read_roster, signatures_path
from riskset_common.errors import InputError, SignatureRefusal
from riskset_common.primitives.signing import Identity

HOLDERS = [Identity.from_random(bytes([number]) * 32) for number in range(4)]
PINNED = Governance(tuple(holder.public for holder in HOLDERS[:3]), 2)


def signed_by(roster, *holders):
    signed = unsigned(roster)
    for holder in holders:
        signed = sign_roster(signed, HOLDERS[holder])
    return signed


def test_enough_signatures_of_pinned_keys_make_a_roster(consortium):
    roster = consortium(3).roster

    assert roster == check_roster(signed_by(roster, 0, 2), PINNED)
    assert signed_by(roster, 0, 2) == signed_by(roster, 2, 0, 0)


@pytest.mark.parametrize("holders", [(), (0,), (0, 3), (0, 0)])
def test_too_few_pinned_keys_make_none(consortium, holders):
    with pytest.raises(SignatureRefusal, match="2 must sign it"):
        check_roster(signed_by(consortium(3).roster, *holders), PINNED)


def test_signatures_of_another_roster_are_refused(consortium):
    small, large = consortium(3).roster, consortium(4).roster
    moved = unsigned(large, signed_by(small, 0, 1).signatures)
    with pytest.raises(SignatureRefusal, match="roster version 1"):
        check_roster(moved, PINNED)


@pytest.mark.parametrize(("keys", "needed"), [((0,), 2), ((0, 0), 1), ((), 0), ((0,), 0)])
def test_a_governance_that_cannot_be_is_refused(keys, needed):
    with pytest.raises(InputError, match="governance keys cannot be"):
        Governance(tuple(HOLDERS[key].public for key in keys), needed)


@pytest.fixture
def roster_file(consortium, tmp_path):
    sites = [
        {
            "site_id": party.site_id,
            "name": f"site {party.site_id}",
            "study_group": "north",
            "public": party.identity.public_text,
        }
        for party in consortium(3).parties
    ]
    path = tmp_path / "roster.yaml"
    path.write_text(yaml.safe_dump({"roster": 4, "sites": sites[::-1]}), encoding="utf-8")
    return path


def test_a_file_gathers_signatures_until_they_suffice(consortium, roster_file):
    add_signature(roster_file, HOLDERS[0])
    with pytest.raises(SignatureRefusal, match="Roster version 4 is signed by 1 of the 3"):
        check_roster(read_roster(roster_file), PINNED)
    add_signature(roster_file, HOLDERS[1])

    assert consortium(3).roster.members == check_roster(read_roster(roster_file), PINNED).members


def test_a_roster_that_changed_after_signing_is_noticed(roster_file):
    add_signature(roster_file, HOLDERS[0])
    text = roster_file.read_text(encoding="utf-8")
    roster_file.write_text(text.replace("site 1", "site one"), encoding="utf-8")
    with pytest.raises(InputError, match="with other content"):
        read_roster(roster_file)


def test_signatures_that_are_none_are_told(roster_file):
    signatures_path(roster_file).write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="not the signatures of a roster"):
        read_roster(roster_file)


def test_a_key_that_is_none_is_told_with_its_place(roster_file):
    text = roster_file.read_text(encoding="utf-8")
    roster_file.write_text(text.replace("public: ", "public: x"), encoding="utf-8")
    with pytest.raises(InputError, match="public"):
        read_roster(roster_file)
