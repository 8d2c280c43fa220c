"""A message that is cut into frames comes out as it went in, or not at all."""

from __future__ import annotations

import hashlib
import struct
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import ProtocolRefusal
from riskset_common.wire import stream_frames
from riskset_common.wire.stream_frames import (
    PIECE_BYTES,
    VERSION,
    Assembly,
    FrameKind,
    Whole,
    frames_of,
    hello,
    hello_statement,
    read_hello,
)


def put_together(pieces: list[bytes]) -> list[Whole]:
    assembly = Assembly()
    return [whole for piece in pieces if (whole := assembly.add(piece)) is not None]


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=50)), max_size=4))
def test_messages_come_out_of_a_stream_as_they_went_in(sent):
    wholes = [Whole(FrameKind.MESSAGE, exchange, message) for exchange, message in sent]

    assert wholes == put_together([frame for whole in wholes for frame in frames_of(whole)])


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES + 7])
def test_no_frame_is_longer_than_what_grpc_lets_through(length):
    whole = Whole(FrameKind.MESSAGE, 3, bytes(length))
    cut = list(frames_of(whole))

    assert max(1, -(-length // PIECE_BYTES)) == len(cut)
    assert max(map(len, cut)) < 4 << 20
    assert [whole] == put_together(cut)


@pytest.fixture
def three_frames(monkeypatch) -> list[bytes]:
    monkeypatch.setattr(stream_frames, "PIECE_BYTES", 4)
    return list(frames_of(Whole(FrameKind.MESSAGE, 1, b"abcdefghij")))


def test_frames_out_of_order_are_refused(three_frames):
    with pytest.raises(ProtocolRefusal, match="Part 2 of 3 arrived where part 1 is awaited"):
        put_together([three_frames[0], three_frames[2]])


def test_frames_of_two_messages_are_not_mixed(three_frames):
    other = list(frames_of(Whole(FrameKind.MESSAGE, 2, b"abcdefghij")))
    with pytest.raises(ProtocolRefusal, match="is broken"):
        put_together([three_frames[0], other[1]])


def test_a_message_that_was_changed_on_its_way_is_refused(three_frames):
    changed = three_frames[2][:-1] + b"J"
    with pytest.raises(ProtocolRefusal, match="changed on its way"):
        put_together([*three_frames[:2], changed])


@pytest.mark.parametrize("piece", [b"", b"abc", b"abcde"])
def test_a_piece_of_another_length_than_announced_is_refused_at_once(three_frames, piece):
    head = three_frames[0][: -len(b"abcd")]
    with pytest.raises(ProtocolRefusal, match="where 4 are announced"):
        put_together([head + piece])


def test_empty_frames_without_end_are_refused_at_the_first():
    """2**32 - 1 parts of no length: the frames that an admitted site could send for ever."""
    head = struct.pack("<3sBBQIIQ32s", b"RSF", VERSION, 2, 0, 0, 2**32 - 1, 1 << 20, bytes(32))
    with pytest.raises(ProtocolRefusal, match="has 1 parts; the stream announces 4294967295"):
        Assembly().add(head)


def test_a_message_that_nobody_awaits_is_refused_at_its_first_frame():
    (frame,) = frames_of(Whole(FrameKind.MESSAGE, 7, b"x"))
    with pytest.raises(ProtocolRefusal, match="exchange 7 arrived, which nobody awaits"):
        Assembly(is_awaited=[6].__contains__).add(frame)


FIELDS = st.tuples(
    st.sampled_from([b"RSF", b"RSG"]), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3),
    st.integers(0, 4), st.integers(0, 4), st.integers(0, 20) | st.integers(0, 2**64 - 1),
)  # fmt: skip


@given(st.lists(st.tuples(FIELDS, st.binary(max_size=9), st.booleans()), max_size=6))
def test_whatever_arrives_no_more_is_kept_than_was_announced(hostile):
    """Each frame gives nothing, a message that is what it announced, or the refusal that ends the stream."""
    assembly = Assembly(limit=12)
    with patch.object(stream_frames, "PIECE_BYTES", 4):
        for fields, piece, is_true in hostile:
            digest = hashlib.sha256(piece).digest() if is_true else bytes(32)
            try:
                whole = assembly.add(struct.pack("<3sBBQIIQ32s", *fields, digest) + piece)
            except ProtocolRefusal:
                return

            assert sum(map(len, assembly._pieces)) <= 12
            assert len(assembly._pieces) <= 3
            assert whole is None or len(whole.message) == fields[-1]


@given(st.binary(max_size=200))
def test_whatever_is_shown_as_a_hello_is_one_or_is_refused(shown):
    with pytest.raises(ProtocolRefusal):
        read_hello(shown)


def test_a_message_above_the_limit_is_refused_at_its_first_frame():
    (frame,) = frames_of(Whole(FrameKind.MESSAGE, 1, bytes(11)))
    with pytest.raises(ProtocolRefusal, match="a message of 11 bytes, more than 10"):
        Assembly(limit=10).add(frame)


@pytest.mark.parametrize("frame", [b"", b"RSF", b"GET / HTTP/1.1\r\n" + bytes(60)])
def test_what_is_no_frame_is_refused(frame):
    with pytest.raises(ProtocolRefusal):
        Assembly().add(frame)


@given(st.integers(0, 255), st.integers(0, 255))
def test_another_version_or_kind_is_refused(version, kind):
    (frame,) = frames_of(Whole(FrameKind.MESSAGE, 1, b""))
    if (version, kind) != (VERSION, FrameKind.MESSAGE):
        with pytest.raises(ProtocolRefusal, match=r"does not speak the frames|A frame of kind"):
            Assembly().add(frame[:3] + struct.pack("<BB", version, kind) + frame[5:])


def test_a_stream_begins_with_token_site_and_signature():
    assert (b"t" * 32, 7, b"s" * 64) == read_hello(hello(b"t" * 32, 7, b"s" * 64))


def test_a_message_is_no_beginning_of_a_stream():
    (frame,) = frames_of(Whole(FrameKind.MESSAGE, 0, bytes(100)))
    with pytest.raises(ProtocolRefusal, match="of kind 2 arrived where one of kind 1 is awaited"):
        read_hello(frame)


def test_a_beginning_is_no_message():
    with pytest.raises(ProtocolRefusal, match="of kind 1 arrived where one of kind 2 is awaited"):
        Assembly().add(hello(bytes(32), 1, bytes(64)))


def test_the_signature_of_a_stream_covers_token_and_site():
    statements = {
        hello_statement(token, site) for token in (b"a" * 32, b"b" * 32) for site in (1, 2)
    }

    assert 4 == len(statements)
