"""One table in all the ways in which people's programs write it: read right, or refused; and no patient is told of."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from riskset_common.errors import DataError, InputError, NodeConfigError
from riskset_common.formats.seen import as_seen
from riskset_node.sources import source_of
from riskset_node.sources.csv import CsvSettings

NAMES = ("id", "décès", "Größe", "arm", "fu")
MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "gb18030": "\ufeff".encode("gb18030"),
}
"""Encodings that a mark may precede."""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("delimited") / "patients.txt"


def read(path, content, columns=NAMES, **settings):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    described = CsvSettings(kind="csv", path=path, **settings)
    return source_of("csv").read(described, columns)


def refused(path, content, columns=NAMES, **settings):
    with pytest.raises(InputError) as error:
        read(path, content, columns, **settings)
    return str(error.value)


VALUES = st.one_of(
    st.dates().map(str),
    st.integers(0, 999).map(str),
    st.sampled_from(["", "NA", "control", "new arm", "1,5", "a;b", 'say "x"', "müde", "012", "-"]),
)
TABLES = st.lists(
    st.tuples(st.from_regex(r"P[0-9]{3}", fullmatch=True), *[VALUES] * 4), min_size=1, max_size=6
)


@st.composite
def files(draw):
    """Content of a file, what node.yaml says of it, and the rows that it holds."""
    rows = draw(TABLES)
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", "whitespace"]))
    encoding = draw(st.sampled_from([*MARKED, "cp1252", "iso8859-1"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    form: Literal["NFC", "NFD"] = "NFC"
    if encoding in MARKED:
        form = draw(st.sampled_from(["NFC", "NFD"]))
    row_names, trailing = draw(st.sampled_from([(None, False), (True, False), (False, True)]))
    above = draw(st.sampled_from([[], ["Export 2024"], ["Registry", "", 'made by "us"'], ["sep="]]))
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    written = io.StringIO(newline="")
    between = " " if delimiter == "whitespace" else delimiter
    writer = csv.writer(
        written,
        delimiter=between,
        lineterminator=end,
        quoting=csv.QUOTE_ALL if delimiter == "whitespace" else quoting,
    )
    assume(not (trailing and delimiter == "whitespace"))
    assume(not row_names or any(row[-1] for row in rows))
    assume(not (above == ["sep="] and delimiter == "whitespace"))
    written.write("".join(f"{line}{between if line == 'sep=' else ''}{end}" for line in above))
    writer.writerow([unicodedata.normalize(form, name) for name in NAMES])
    for number, row in enumerate(rows, 1):
        writer.writerow([*[str(number)] * bool(row_names), *row, *[""] * trailing])
    content = written.getvalue().encode(encoding)
    if encoding in MARKED and draw(st.booleans()):
        content = MARKED[encoding] + content
    keys = {
        "delimiter": delimiter,
        "encoding": encoding,
        "row_names": row_names,
        "header": len(above) + 1 if above and above != ["sep="] else None,
    }
    return content, keys, {name: [row[i] for row in rows] for i, name in enumerate(NAMES)}


@given(files())
def test_a_table_in_any_dialect_is_read_as_it_was_written(path, written):
    content, keys, table = written

    assert table == read(path, content, **keys)


OTHER = {
    "delimiter": st.sampled_from([",", ";", "\t", "|", " ", "whitespace", ":"]),
    "encoding": st.sampled_from(
        [*MARKED, "cp1252", "iso8859-1", "utf-16", "utf-32", "cp850", "gbk", "mac-roman", "ascii"]
    ),
    "header": st.integers(1, 6) | st.none(),
    "row_names": st.sampled_from([None, True, False]),
}


@given(files(), st.sampled_from(sorted(OTHER)), st.data())
def test_a_table_read_as_another_dialect_is_refused_or_the_same(path, written, key, data):
    content, keys, table = written
    wrong = keys | {key: data.draw(OTHER[key])}
    try:
        found = read(path, content, **wrong)
    except InputError as error:
        said = str(error)
    else:
        assert table == found
        return

    # Nothing of a patient is told, whatever is wrong.
    told = [value for row in zip(*table.values(), strict=True) for value in row if len(value) > 3]
    assert [] == [value for value in told if value in said]


@given(
    TABLES, st.sampled_from([",", ";", "\t", "whitespace"]), st.sampled_from(["utf-8", "utf-16"])
)
def test_of_a_file_without_a_header_no_value_is_told(path, rows, delimiter, encoding):
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=",").writerows(rows)
    said = refused(
        path, written.getvalue().encode(encoding), delimiter=delimiter, encoding=encoding
    )

    assert "header" in said or "quotation mark" in said
    assert [] == [value for row in rows for value in row if len(value) > 3 and value in said]


@pytest.mark.parametrize(
    "row", ["P000,2018-11-28,2019-05-31,control,34", "anna,died,male,control,north", "Anna,,,,"]
)
def test_a_row_of_a_patient_is_not_taken_for_names(path, row):
    said = refused(path, f"{row}\n{row}\n", ["id", "arms", "controls"])

    assert "line 1 should name the columns, and has no 'id', 'arms', 'controls'" in said
    assert not {"control", "anna", "Anna", "male", "P000"} & set(said.replace("'", " ").split())


@pytest.mark.parametrize(
    ("content", "keys", "said"),
    [
        ("Export 2024;;\n;;\nid;fu;arm\n1;2;3\n", {"delimiter": ";"}, "line 3 names the columns. Set data.source.header to 3."),
        ("# made today\nid;fu;arm\n1;2;3\n", {}, "Set data.source.header to 2 and data.source.delimiter to ';'."),
        ("sep=;\nid;fu;arm\n1;2;3\n", {}, "line 1 says that ';' stands between the values."),
        ('"id" "fu" "arm"\n"1" "P1" "2" "new"\n', {"delimiter": " "}, "set data.source.row_names to true"),
        ("id,fu,arm\n1,2,new,\n3,4,new,\n", {}, "set data.source.row_names to false"),
        ("id,fu,arm\n1,2,new,\n3,4,new,5\n", {"row_names": False}, "line 3: 4 fields"),
        ("id,fu,arm\n1,2,new\n", {"row_names": True}, "Remove row_names."),
        ("id,fu,arm\n1,2,new,\n3,4,new,\n", {"row_names": True}, "every row ends with nothing"),
        ("id,fu,arm\n1,2,new\n", {"header": 9}, "line 9 is empty or beyond the end of the file"),
        ("id,fu,arm\n1,2,3\nid,fu,arm\n4,5,6\n", {"header": 3}, "Set data.source.header to 1"),
        ("id,fu,arm\n1,2,3\nTotal,3\n", {}, "line 3: 2 fields, but the header names 3 columns."),
        ("id,fu,arm\n1,2,a\0\n", {}, "holds zero bytes"),
        ("id,fu,arm\n1,2,3\n".encode("utf-16-le"), {}, "set data.source.encoding to utf-16-le."),
        ("id,fu,arm\n1,2,3\n".encode("utf-16-be"), {"encoding": "cp1252"}, "set data.source.encoding to utf-16-be."),
        ('id fu  arm\n1 2 "ne\n', {"delimiter": "whitespace"}, "line 2: not a row"),
        ('id fu arm\n1 2 "a \\"b\\" c"\n', {"delimiter": "whitespace"}, "line 2: not a row"),
        ("id,fu,fu\u200b,arm\n1,2,3,4\n", {}, "names 'fu' more than once"),
    ],
)  # fmt: skip
def test_what_people_have_is_refused_with_what_to_write(path, content, keys, said):
    assert said in refused(path, content, ["id", "fu", "arm"], **keys)


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ("\ufeffid,fu\nP1,7\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
        ("\ufeffid,fu\nP1,7\n".encode("utf-16-le"), {"encoding": "utf-16"}),
        ("\ufeff\ufeffid,fu\nP1,7\n", {}),
        ("id,\u00a0f\u00adu \nP1,7\n", {}),
        ('"id","fu"\n"P1",="7"\n', {}),
        ("id\tfu\n  P1 \t  7\n\n", {"delimiter": "whitespace"}),
        ("id,fu\n,\nP1,7\n,\n \n", {}),
        ('"","id","fu"\n"1","P1",7\n', {}),
        ('"","id","fu"\n"1","P1",7\n', {"row_names": True}),
        ("id,fu,\nP1,7,\n", {}),
        ("id,fu\rP1,7\r", {}),
    ],
)
def test_what_people_have_is_read(path, content, keys):
    found = read(path, content, ["id", "fu"], **keys)

    assert {"id": ["P1"], "fu": ["7"]} == {name: [*map(as_seen, found[name])] for name in found}


def test_titles_are_no_rows_and_thousands_of_columns_are_found(path):
    names = [f"c{number}" for number in range(3000)]
    content = "Titles\n" + ",".join(names) + "\n" + ",".join(map(str, range(3000))) + "\n"

    assert {"c2999": ["2999"]} == read(path, content, ["c2999"], header=2)
    assert "and 2939 more" in refused(path, content, ["c2999", "lacking"], header=2)


def test_a_mark_of_another_encoding_is_refused(path):
    with pytest.raises(NodeConfigError, match="begins with the mark of UTF-16, but"):
        read(path, "\ufeffid\n1\n".encode("utf-16-be"), ["id"], encoding="utf-16-le")


def test_a_file_that_is_utf8_in_part_is_refused(path):
    with pytest.raises(NodeConfigError, match="byte 8, in line 2, is 0xfc"):
        read(path, b"id,fu\nP\n"[:-1] + b",\xfc\n" + "é,1\n".encode(), ["id"])


def test_a_row_without_its_last_value_is_not_shifted(path):
    with pytest.raises(DataError, match="line 3: 2 fields, but the header names 3 columns"):
        read(path, "id fu arm\nP1 7 new\nP2 new\n", ["id"], delimiter="whitespace")
