from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common import errors
from riskset_common.errors import ProtocolRefusal, RisksetError
from riskset_common.wire import frame
from riskset_common.wire import messages as wire
from riskset_common.wire.messages import (
    MESSAGES,
    Offer,
    Report,
    RoundRequest,
    WireCode,
    read_message,
)
from riskset_common.wire.sections import Section

KINDS = [message.__name__ for message in MESSAGES]


def test_every_message_has_a_kind_of_its_own():
    assert len(MESSAGES) == len({message.kind for message in MESSAGES})


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_reads_back_as_it_was_written(exchanges, kind):
    message = exchanges[kind].message

    assert message == read_message(message.to_bytes())
    assert message.to_bytes() == read_message(message.to_bytes()).to_bytes()
    exchanges[kind].receive(message.to_bytes())


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_with_any_bit_flipped_is_refused(exchanges, kind):
    message = exchanges[kind].message.to_bytes()
    for position in range(len(message)):
        changed = bytearray(message)
        changed[position] ^= 1 << (position % 8)
        with pytest.raises(RisksetError):
            exchanges[kind].receive(bytes(changed))


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_cut_anywhere_is_refused(exchanges, kind):
    message = exchanges[kind].message.to_bytes()
    for length in range(len(message)):
        with pytest.raises(ProtocolRefusal):
            read_message(message[:length])


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_with_bytes_after_its_end_is_refused(exchanges, kind):
    with pytest.raises(ProtocolRefusal):
        read_message(exchanges[kind].message.to_bytes() + b"\0")


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_refused(message):
    with pytest.raises(ProtocolRefusal):
        read_message(message)


@given(st.integers(0, 255), st.binary(max_size=60), st.binary(max_size=20))
def test_an_arbitrary_header_is_refused(kind, header, body):
    length = len(header).to_bytes(4, "little")
    with pytest.raises(ProtocolRefusal):
        read_message(b"RS\x01" + bytes([kind]) + length + header + body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_header_nested_without_end_is_refused(opening):
    header = opening * 100_000
    for message in MESSAGES:
        framed = b"RS\x01" + bytes([message.kind]) + len(header).to_bytes(4, "little") + header
        with pytest.raises(ProtocolRefusal):
            read_message(framed)


def test_a_message_longer_than_any_is_refused_before_it_is_read(exchanges, monkeypatch):
    message = exchanges["Report"].message.to_bytes()
    monkeypatch.setattr(frame, "MAX_MESSAGE_BYTES", len(message) - 1)
    with pytest.raises(ProtocolRefusal, match="shorter or longer"):
        read_message(message)


def test_a_header_longer_than_any_is_refused_before_it_is_read(exchanges, monkeypatch):
    monkeypatch.setattr(frame, "MAX_HEADER_BYTES", 10)
    with pytest.raises(ProtocolRefusal, match="announces a header"):
        read_message(exchanges["Report"].message.to_bytes())


def test_a_message_of_another_kind_is_refused(exchanges):
    with pytest.raises(ProtocolRefusal, match="kind 5 arrived where Offer"):
        Offer.from_bytes(exchanges["Report"].message.to_bytes())


def test_a_refusal_quotes_nothing_of_the_message(exchanges):
    poison = b"patient_4711"
    message = exchanges["Report"].message.to_bytes()
    header = message[8:].replace(b'"site_id":0', b'"' + poison + b'":0')
    body = len(exchanges["Report"].message.body)
    framed = message[:4] + (len(header) - body).to_bytes(4, "little") + header
    with pytest.raises(ProtocolRefusal) as caught:
        read_message(framed)

    assert poison.decode() not in str(caught.value)


def test_a_body_of_another_length_than_announced_is_not_built(exchanges):
    report = exchanges["Report"].message
    with pytest.raises(ProtocolRefusal, match="has 1 bytes; its header announces"):
        Report(**dict(report) | {"body": b"1"})


def test_plan_codebook_and_questions_must_be_canonical(exchanges):
    offer, request = exchanges["Offer"].message, exchanges["RoundRequest"].message
    with pytest.raises(ProtocolRefusal, match="The plan of a message"):
        Offer(**dict(offer) | {"body": b'{"plan":  }{"codebook":1}'[: len(offer.body)]})
    with pytest.raises(ProtocolRefusal, match="The codebook of a message"):
        Offer(**dict(offer) | {"body": offer.plan_json + b" " * offer.codebook_length})
    with pytest.raises(ProtocolRefusal, match="The questions of a message"):
        RoundRequest(**dict(request) | {"body": b"[1.0]   "})


def test_two_sections_of_one_name_are_refused(exchanges):
    request = exchanges["RoundRequest"].message
    section = Section(analysis="a", name="d", ring="counts", shape=(2,))
    with pytest.raises(ProtocolRefusal, match="same analysis and name"):
        RoundRequest(**dict(request) | {"sections": (section, section)})


@pytest.mark.parametrize(("n_counts", "n_reals"), [(0, 0), (3, 0), (0, 2), (1, 2)])
def test_a_report_gives_its_words_back(n_counts, n_reals):
    counts = np.arange(n_counts, dtype=np.uint64)
    reals = np.arange(2 * n_reals, dtype=np.uint64).reshape(2, n_reals) + 100
    report = Report(
        label=bytes(32),
        site_id=1,
        counts_length=n_counts,
        reals_length=n_reals,
        deposits_length=3,
        commitments=(),
        signature=bytes(64),
        body=wire.masked_body(counts, reals) + b"abc",
    )
    read = Report.from_bytes(report.to_bytes())
    read_counts, read_reals = wire.words_of(read.masked, read.counts_length)

    assert counts.tolist() == read_counts.tolist()
    assert reals.tolist() == read_reals.tolist()
    assert b"abc" == read.deposits


def test_every_kind_of_error_has_a_code_on_the_wire():
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, RisksetError)
    ]

    assert set(get_args(WireCode)) == {kind.wire_code for kind in kinds}
