"""The file of a cut: what was written is what is read, and everything else is refused."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.examples import examples

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.study.patients import NO_DATE, UNKNOWN_DAY, Patients
from riskset_node.sources.cut_file import MAGIC, VERSION, Cut, CutHeader, is_cut, read_cut, to_bytes

DAYS = st.one_of(st.integers(-30_000, 60_000), st.sampled_from([NO_DATE, UNKNOWN_DAY]))
NAMES = st.text(st.characters(codec="utf-8"), max_size=8)


def header_of(n: int, local_ids: tuple[str, ...] | None = None) -> CutHeader:
    return CutHeader(
        name="2017-12-31",
        site="dcog",
        codebook="infants@3",
        codebook_hash="0" * 64,
        made_at="2018-06-01T12:00:00+00:00",
        release="0",
        patient=None if local_ids is None else "pat",
        local_ids=local_ids,
        variables=(("sex", "read"), ("age", "absent"), ("died", "not held")),
        findings=({"kind": "not_a_date", "rows": 2, "values": ["x", "ü"]},),
        n=n,
        digest="",
        sections=(),
    )


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    n = draw(st.integers(0, 5))
    numbers = draw(arrays(np.float64, n, elements=st.floats(allow_nan=True, width=64)))
    patients = Patients(
        n=n,
        categories={"sex": draw(arrays(np.int64, n, elements=st.integers(-1, 3)))},
        numbers={"age": numbers},
        dates={"died": draw(arrays(np.int64, n, elements=DAYS))},
        approximate=draw(
            st.one_of(st.just({}), st.fixed_dictionaries({"died": arrays(np.bool_, n)}))
        ),
    )
    ids = draw(st.one_of(st.none(), st.tuples(*[NAMES] * n)))
    return Cut(header_of(n, ids), patients, np.arange(n)[::-1].copy())


@given(cuts())
@examples(20)
def test_what_was_written_is_read_bit_for_bit(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "a.cut"
    path.write_bytes(to_bytes(cut))
    read = read_cut(path, "here")

    assert cut.patients.digest() == read.patients.digest()
    assert cut.rows.tolist() == read.rows.tolist()
    assert cut.patients.approximate.keys() == read.patients.approximate.keys()
    assert (cut.header.local_ids, cut.header.variables, cut.header.findings) == (
        read.header.local_ids,
        read.header.variables,
        read.header.findings,
    )
    assert read.patients.categories["sex"].dtype == np.int64
    assert to_bytes(cut) == to_bytes(read)


@pytest.fixture
def written(tmp_path):
    patients = Patients(2, {"sex": np.array([0, 1])}, {"age": np.array([1.5, np.nan])}, {})
    path = tmp_path / "a.cut"
    path.write_bytes(to_bytes(Cut(header_of(2, ("7", "8")), patients, np.arange(2))))
    return path


def changed(content: bytes, change) -> bytes:
    """The same cut with its compressed content changed."""
    start = len(MAGIC) + 1
    return content[:start] + zlib.compress(change(zlib.decompress(content[start:])))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content[:40] + b"\x00\x00" + content[42:],
        lambda content: content[: len(MAGIC) + 1],
        lambda content: changed(content, lambda whole: whole[:-8]),
        lambda content: changed(content, lambda whole: whole + bytes(8)),
        lambda content: changed(content, lambda whole: whole[:-8] + bytes(8)),
        lambda content: changed(content, lambda whole: b"\xff\xff\xff\xff" + whole[4:]),
        lambda content: changed(content, lambda whole: whole.replace(b'"n":2', b'"n":3')),
        lambda content: changed(content, lambda whole: whole.replace(b'["7","8"]', b'["7"    ]')),
        lambda content: changed(content, lambda whole: whole.replace(b'"name":"age"', b'"name":"sex"')),
    ],
)  # fmt: skip
def test_a_damaged_cut_is_never_read(written, damage):
    written.write_bytes(damage(written.read_bytes()))
    with pytest.raises(DataError, match=r"a\.cut: the cut is damaged\. Take a copy"):
        read_cut(written, "here")


def test_a_cut_of_a_later_form_says_so(written):
    content = bytearray(written.read_bytes())
    content[len(MAGIC)] = VERSION + 1
    written.write_bytes(content)
    with pytest.raises(
        NodeConfigError, match=r"another release of riskset-node .* number 2, here 1"
    ):
        read_cut(written, "here")


@pytest.mark.parametrize("content", [b"", b"pat;sex\n1;m\n", MAGIC])
def test_another_file_is_no_cut(written, content):
    written.write_bytes(content)
    with pytest.raises(NodeConfigError, match=r"is no cut\. Check data\.source\.path"):
        read_cut(written, "data.source.path in node.yaml")


def test_a_cut_is_known_by_its_first_bytes(written):
    other = written.with_name("b")
    other.write_bytes(b"riskset")

    assert (True, False) == (is_cut(written), is_cut(other))


def test_a_file_that_is_not_there_is_told_with_its_setting(tmp_path):
    with pytest.raises(NodeConfigError, match=r"No such file.*Check data\.source\.path"):
        read_cut(tmp_path / "none.cut", "data.source.path")


@pytest.mark.parametrize("length", [0, 10, 1 << 27, (1 << 32) - 1])
def test_a_file_that_unpacks_to_more_than_it_says_is_damaged(tmp_path, length):
    path = tmp_path / "bomb.cut"
    content = length.to_bytes(4, "little") + bytes(1 << 22)
    path.write_bytes(MAGIC + bytes([VERSION]) + zlib.compress(content))
    with pytest.raises(DataError, match="the cut is damaged"):
        read_cut(path, "data.source.path")
