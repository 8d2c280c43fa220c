"""The envelope of a Flower message, and which releases go together."""

from __future__ import annotations

import pytest

from riskset_common.errors import ProtocolRefusal
from riskset_common.wire.flower_envelope import Envelope
from riskset_common.wire.releases import check_releases

FULL = Envelope(b"message", "0.1.0", "centre.example:8444", b"t" * 32)


def test_an_envelope_is_read_as_it_was_written():
    assert FULL == Envelope.read(FULL.fields())
    assert Envelope(b"", "0.1.0") == Envelope.read(Envelope(b"", "0.1.0").fields())


@pytest.mark.parametrize(
    "change",
    [
        {"message": "text"},
        {"release": b"0.1.0"},
        {"stream": None},
        {"token": 1},
        {"more": b""},
    ],
)
def test_another_shape_is_refused(change):
    with pytest.raises(ProtocolRefusal, match="not an envelope"):
        Envelope.read(FULL.fields() | change)


def test_a_missing_field_is_refused():
    with pytest.raises(ProtocolRefusal, match="not an envelope"):
        Envelope.read({"message": b"", "release": "0.1.0"})


@pytest.mark.parametrize(
    ("centre", "site"), [("0.1.0", "0.1.0"), ("0.3.9", "0.1.0"), ("1.2.0", "1.4.0rc1")]
)
def test_releases_up_to_two_minors_apart_work_together(centre, site):
    check_releases(centre, site)


@pytest.mark.parametrize(
    ("centre", "site", "advice"),
    [
        ("0.4.0", "0.1.0", "upgrade this site's riskset-node"),
        ("0.1.0", "0.4.0", "upgrade the centre's riskset-server"),
        ("1.0.0", "0.9.0", "upgrade the older of the two"),
        ("whatever", "0.1.0", "upgrade the older of the two"),
    ],
)
def test_releases_further_apart_are_told_which_side_to_upgrade(centre, site, advice):
    with pytest.raises(ProtocolRefusal, match=advice):
        check_releases(centre, site)
