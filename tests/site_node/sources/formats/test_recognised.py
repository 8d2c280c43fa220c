"""A file is known by how it begins, and refused with what to do where its source cannot be the one that was named."""

from __future__ import annotations

import gzip
import zipfile

import openpyxl
import pandas as pd
import pyarrow
import pyreadstat
import pytest
from pyarrow import parquet

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.formats.recognised import check_format, file_format

TABLE = pd.DataFrame({"X": [1.0, 2.0]})


def _workbook(path):
    book = openpyxl.Workbook()
    book.active.append(["x"])
    book.save(path)


def _zip(**parts):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name.replace("__", "/"), content)

    return write


def _old(name):
    return lambda path: path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + name.encode("utf-16-le") + bytes(60)
    )


def _bytes(content):
    return lambda path: path.write_bytes(content)


READ = {
    "csv": [
        _bytes(b"pat,age\n1,2\n"),
        _bytes("pat;größe\n1;2\n".encode("cp1252")),
        _bytes("pat\tage\n".encode("utf-16")),
        _bytes(b"\xef\xbb\xbfpat,age\n"),
        _bytes(b"ORCID,RDX,PAR1\n"),
        _bytes(b"PAR1,age\n"),
    ],
    "excel": [_workbook],
    "parquet": [lambda path: parquet.write_table(pyarrow.table({"x": [1]}), path)],
    "sas": [
        lambda path: pyreadstat.write_xport(TABLE, str(path)),
        lambda path: pyreadstat.write_xport(TABLE, str(path), file_format_version=8),
    ],
    "spss": [
        lambda path: pyreadstat.write_sav(TABLE, str(path)),
        lambda path: pyreadstat.write_sav(TABLE, str(path), compress=True),
    ],
    "stata": [
        lambda path, version=version: pyreadstat.write_dta(TABLE, str(path), version=version)
        for version in (8, 10, 12, 13, 14, 15)
    ],
}
"""Writers of files, by the kind of source that reads them."""

REFUSED = {
    "Excel 2003": _old("Workbook"),
    "protected with a password": _old("EncryptedPackage"),
    "word processor": _old("WordDocument"),
    "Office 2003 or before": _old("Other"),
    r"\.xlsb": _zip(**{"xl__workbook.bin": b""}),
    r"\.ods": _zip(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
    "Numbers": _zip(**{"Index__Document.iwa": b""}),
    "Strict": _zip(**{"xl__workbook.xml": '<workbook xmlns="http://purl.oclc.org/ooxml/x"/>'}),
    "zip archive. Unpack": _zip(patients="pat,age\n"),
    "zip archive, or a workbook, that is damaged": _bytes(b"PK\x03\x04" + bytes(40)),
    "gzip. Unpack": lambda path: path.write_bytes(gzip.compress(b"pat,age\n")),
    "a file of R": lambda path: path.write_bytes(gzip.compress(b"X\n\0\0\0\3")),
    "web page": _bytes(b"<html xmlns:x='urn:schemas-microsoft-com:office:excel'><table>"),
    "XML of Excel 2003": _bytes(
        b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>"
    ),
    "an XML file": _bytes(b"<?xml version='1.0'?><ODM>"),
    "Dataset-JSON": _bytes(b'{"datasetJSONVersion": "1.1.0", "rows": []}'),
    "PDF": _bytes(b"%PDF-1.7"),
    "PROC CPORT": _bytes(b"**COMPRESSED** **COMPRESSED** **COMPRESSED**"),
    r"\.por": lambda path: pyreadstat.write_por(TABLE, str(path)),
    "SQLite": _bytes(b"SQLite format 3\0" + bytes(40)),
    "Access": _bytes(b"\0\1\0\0Standard ACE DB\0"),
    "Feather": _bytes(b"ARROW1\0\0"),
}
"""Writers of files that no source reads, by what is said."""


@pytest.mark.parametrize("kind", READ)
def test_a_file_is_known_by_how_it_begins_whatever_its_name(tmp_path, kind):
    for write in READ[kind]:
        path = tmp_path / "patients.xls"
        write(path)

        found = file_format(path)
        assert found is not None

        assert kind == found.kind


@pytest.mark.parametrize("given", READ)
@pytest.mark.parametrize("kind", READ)
def test_a_file_given_under_another_kind_is_told_which_to_set(tmp_path, kind, given):
    path = tmp_path / "patients"
    READ[kind][0](path)
    if kind == given:
        check_format(path, given)
        return

    with pytest.raises(NodeConfigError, match=rf"Set data\.source\.kind to {kind}"):
        check_format(path, given)


@pytest.mark.parametrize("said", REFUSED)
@pytest.mark.parametrize("kind", ["csv", "excel", "sas"])
def test_a_file_that_no_source_reads_is_refused_with_what_to_do(tmp_path, said, kind):
    path = tmp_path / "patients.csv"
    REFUSED[said](path)

    with pytest.raises(DataError, match=rf"this is .*{said}"):
        check_format(path, kind)


def test_what_is_not_known_is_left_to_the_source(tmp_path):
    path = tmp_path / "patients"
    path.write_bytes(b"\1\2\3\4\0\0\0")
    check_format(path, "excel")

    assert file_format(path) is None


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NodeConfigError, match="cannot be read"):
        check_format(tmp_path / "nowhere", "csv")
