"""Delimited text: read exactly, and every way in which such a file goes wrong."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import DataError, InputError, NodeConfigError
from riskset_node.sources import source_of
from riskset_node.sources.csv import CsvSettings


@pytest.fixture
def read(tmp_path):
    """Read columns of a file with this content."""

    def reader(content, columns, **settings):
        path = tmp_path / "patients.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        described = CsvSettings(kind="csv", path=path, **settings)
        return source_of("csv").read(described, columns)

    return reader


def test_values_stay_the_texts_of_the_file(read):
    assert {"age": ["0010", " 1.50", "1e400", ""], "pat": ["a", "b", "c", "NA"]} == read(
        "pat,age,name\na,0010,x\nb, 1.50,y\nc,1e400,z\nNA,,\n", ["age", "pat"]
    )


def test_only_the_columns_asked_for_are_read(read):
    assert ["age"] == list(read("name,age\nAda,1\n", ["age"]))


def test_the_header_is_told_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text("pat; age\n1;2\n", encoding="utf-8")

    assert ("pat", "age") == source_of("csv").header(
        CsvSettings(kind="csv", path=path, delimiter=";")
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(read, encoding):
    settings = {} if encoding == "utf-8-sig" else {"encoding": encoding}

    assert {"größe": ["1"]} == read("größe,b\n1,2\n".encode(encoding), ["größe"], **settings)


def test_windows_line_ends_blank_lines_and_quoted_line_breaks_are_read(read):
    content = 'a,b\r\n1,"two\r\nlines; ""quoted"""\r\n\r\n2,x\r\n\r\n'

    assert {"a": ["1", "2"], "b": ['two\r\nlines; "quoted"', "x"]} == read(content, ["a", "b"])


def test_a_header_without_rows_is_columns_without_values(read):
    assert {"a": []} == read("a,b\n", ["a"])


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\x00"))] * 2),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_whatever_was_written_is_read_back(tmp_path_factory, rows, delimiter):
    rows = [row for row in rows if any(row)]
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    path = tmp_path_factory.mktemp("csv") / "patients.csv"
    path.write_bytes(written.getvalue().encode())
    values = source_of("csv").read(
        CsvSettings(kind="csv", path=path, delimiter=delimiter), ["a", "b"]
    )

    assert rows == list(zip(values["a"], values["b"], strict=True))


@pytest.mark.parametrize(
    ("content", "columns", "settings", "error", "said"),
    [
        (
            "pat,sexe\n1,2\n",
            ["pat", "sex"],
            {},
            NodeConfigError,
            "there is no column 'sex'. Did you mean 'sexe'?",
        ),
        (
            "pat;age\n1;2\n",
            ["age"],
            {},
            NodeConfigError,
            "line 1 names the columns, with ';' between. Set data.source.delimiter to ';'.",
        ),
        (
            "pat;years\n1;2\n",
            ["age"],
            {},
            NodeConfigError,
            "the header is one long column that holds ';'. Set data.source.delimiter to ';'.",
        ),
        (
            "pat\tage\n1\t2\n",
            ["age"],
            {},
            NodeConfigError,
            'Set data.source.delimiter to "\\t".',
        ),
        (
            "age,pat,age\n1,2,3\n",
            ["age"],
            {},
            DataError,
            "the header names 'age' more than once",
        ),
        (
            "pat,age\n1,2\n2,3,4\n",
            ["age"],
            {},
            DataError,
            "line 3: 3 fields, but the header names 2 columns.",
        ),
        (
            'pat,age\n1,"two\nlines"\n2\n',
            ["age"],
            {},
            DataError,
            "line 4: 1 field, but the header names 2 columns.",
        ),
        (
            'pat,age\n1,"2\n2,3\n3,4\n',
            ["age"],
            {},
            DataError,
            "Look for a quotation mark that is not closed",
        ),
        ("", ["age"], {}, DataError, "the file is empty."),
        ("\n\n", ["age"], {}, DataError, "the file is empty."),
        (
            "pat,größe\n1,2\n".encode("cp1252"),
            ["größe"],
            {},
            NodeConfigError,
            "byte 6, in line 1, is 0xf6. It can be read as cp1252: set data.source.encoding to cp1252",
        ),
        (
            "pat,a\n1,ä\n".encode("utf-16"),
            ["a"],
            {},
            NodeConfigError,
            "begins with the mark of UTF-16, but node.yaml says encoding: utf-8. Set data.source.encoding to utf-16.",
        ),
        (
            "pat,größe\n1,2\n".encode(),
            ["größe"],
            {"encoding": "ascii"},
            NodeConfigError,
            "not ascii: byte 6, in line 1, is 0xc3. It can be read as utf-8",
        ),
        (
            b"pat,a\n1,\x81\n",
            ["a"],
            {},
            NodeConfigError,
            "not utf-8: byte 8, in line 2, is 0x81. Save the file as UTF-8.",
        ),
        (
            b"pat,a\n1,2\n",
            ["a"],
            {"encoding": "utf-16"},
            NodeConfigError,
            "not utf-16",
        ),
        (
            "größe,b\n1,2\n".encode("utf-8-sig"),
            ["größe"],
            {"encoding": "cp1252"},
            NodeConfigError,
            "begins with the mark of UTF-8, but node.yaml says encoding: cp1252.",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_what_to_do(
    read, content, columns, settings, error, said
):
    with pytest.raises(error) as raised:
        read(content, columns, **settings)

    assert said in str(raised.value)


def test_lines_of_one_cause_are_one_line_that_shows_five_and_counts_the_rest(read):
    with pytest.raises(DataError) as raised:
        read("a,b\n" + "1\n" * 700 + "1,2,3,4\n", ["a"])

    [short, long, advice] = str(raised.value).splitlines()
    assert short.endswith(
        "lines 2, 3, 4, 5, 6 and 695 more: 1 field, but the header names 2 columns."
    )
    assert long.endswith("line 702: 4 fields, but the header names 2 columns.")
    assert advice.startswith("Look for a delimiter")


def test_missing_columns_are_named_in_one_line(read):
    with pytest.raises(NodeConfigError) as raised:
        read("pat,age,weight_kg\n1,2,3\n", ["pat", "sex", "weight", "wbc"])

    [said, _] = str(raised.value).splitlines()
    assert said.endswith(
        "there is no column 'sex', 'weight', 'wbc'. Did you mean 'weight_kg' by 'weight'? Known: age, weight_kg."
    )


def test_a_duplicate_among_columns_that_are_not_read_is_no_matter(read):
    assert {"age": ["2"]} == read("x,x,age\n0,1,2\n", ["age"])


@pytest.mark.parametrize("name", ["nowhere.csv", "."])
def test_a_file_that_is_not_there_is_told(tmp_path, name):
    settings = CsvSettings(kind="csv", path=tmp_path / name)

    with pytest.raises(
        InputError, match=r"cannot be read .*Check data\.source\.path in node\.yaml"
    ):
        source_of("csv").read(settings, ["a"])
