"""`riskset-node data draft`: right where it proposes, a question where it cannot know, and no value of a patient in it."""

from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pyreadstat
import pytest
from typer.testing import CliRunner

from riskset_common.errors import NodeConfigError
from riskset_common.formats.strict_yaml import parse_yaml
from riskset_common.study.codebook import read_codebook
from riskset_node.commands.riskset_node import app
from riskset_node.config import read_node
from riskset_node.drafting.draft import Draft, draft_of
from riskset_node.drafting.files import read_whole
from riskset_node.sources.csv import CsvSettings
from riskset_node.sources.source import FileSettings, SourceSettings

TODAY = datetime.date(2018, 6, 1)
CODEBOOK = """
codebook: infants
version: 1
variables:
  diag: {kind: date, label: Date of diagnosis, required: true}
  relapse: {kind: date, label: Date of relapse}
  sex: {kind: category, label: Sex, levels: {male: Male, female: Female}, required: true}
  cns: {kind: category, label: CNS, levels: {neg: Not involved, pos: Involved}}
  age: {kind: number, label: Age, unit: months, range: [0, 500]}
  wbc: {kind: number, label: White blood cells, unit: 10^9/L}
"""
ROWS = [
    (f"P{1000 + i}", datetime.date(2010, 1 + i % 12, 13 + i), datetime.date(2013, 2, 20) if i % 3 else None,
     "male" if i % 2 else "female", "neg" if i % 4 else "pos", 10 + i, 10.5 + i)
    for i in range(14)
]  # fmt: skip
NAMES = ("pat", "diag", "relapse", "sex", "cns", "age", "wbc")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "node.yaml").write_text(
        "# Ours.\nsite: dcog\nstudy_group: NOPHO\ndata:\n  source:\n    kind: csv\n    path: x.csv\n\n"
        "  patient: y\npolicy:\n  minimum_sites: 5\n",
        encoding="utf-8",
    )
    return tmp_path


def run(*words: object):
    return CliRunner().invoke(app, ["data", *map(str, words)])


def draft(folder: Path, file: Path, *more: str) -> str:
    done = run("draft", file, "--in", folder, *more)

    assert (0, True) == (done.exit_code, "riskset-node data check" in done.stdout), done.stderr
    return (folder / "node.yaml.draft").read_text(encoding="utf-8")


def csv_of(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "patients.csv"
    path.write_bytes(text.encode(encoding))
    return path


def drafted(path: Path, codebook: Path, **said: str) -> Draft:
    return draft_of(read_whole(path, said), path.name, read_codebook(codebook), TODAY)


def frame() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=list(NAMES))


def as_csv(folder: Path) -> Path:
    frame().to_csv(folder / "patients.csv", index=False)
    return folder / "patients.csv"


def as_excel(folder: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.append(NAMES)
    for row in ROWS:
        book.active.append(row)
    book.save(folder / "patients.xlsx")
    return folder / "patients.xlsx"


def as_parquet(folder: Path) -> Path:
    frame().to_parquet(folder / "patients.parquet")
    return folder / "patients.parquet"


def as_sas(folder: Path) -> Path:
    pyreadstat.write_xport(
        frame(), folder / "patients.xpt", file_format_version=5, variable_format={"diag": "DATE9.", "relapse": "DATE9."}
    )  # fmt: skip
    return folder / "patients.xpt"


def as_spss(folder: Path) -> Path:
    pyreadstat.write_sav(frame(), folder / "patients.sav")
    return folder / "patients.sav"


def as_stata(folder: Path) -> Path:
    pyreadstat.write_dta(frame(), folder / "patients.dta")
    return folder / "patients.dta"


@pytest.mark.parametrize("write", [as_csv, as_excel, as_parquet, as_sas, as_spss, as_stata])
def test_the_draft_of_a_file_in_the_codebooks_own_words_is_complete_and_right(home, write):
    text = draft(home, write(home))
    node = home / "node.yaml"
    (home / "node.yaml.draft").replace(node)
    done = run("check", node)

    assert '"?"' not in text.split("\n", 3)[3]
    assert (0, "14 patients; read 7 of 7 columns; 0 errors, 0 warnings.") == (
        done.exit_code,
        done.stdout.strip().rpartition("dcog: ")[2],
    )
    assert "pat" == read_node(node).data.patient
    assert 5 == read_node(node).policy.minimum_sites


def test_node_yaml_stays_and_a_draft_is_replaced_only_if_that_is_said(home):
    before, file = (home / "node.yaml").read_bytes(), as_csv(home)
    draft(home, file)
    (home / "node.yaml.draft").write_text("mine", encoding="utf-8")
    refused = run("draft", file, "--in", home)

    assert before == (home / "node.yaml").read_bytes()
    assert 1 == refused.exit_code
    assert "is there already, and is not written over" in refused.stderr
    assert "mine" == (home / "node.yaml.draft").read_text(encoding="utf-8")
    assert "site: dcog" in draft(home, file, "--again")


def test_without_a_node_yaml_the_site_is_asked_for(home):
    (home / "node.yaml").unlink()

    assert 'site: "?"' in draft(home, as_csv(home))


def test_of_node_yaml_only_the_section_data_is_exchanged(home):
    node = home / "node.yaml"
    node.write_text(
        "site: a  # ours\ndata:\n  source:\n    path: x\n# Below.\n\n  patient: y\n\n# As agreed.\npolicy:\n  minimum_sites: 7\n",
        encoding="utf-8",
    )
    text = draft(home, as_csv(home))

    assert "site: a  # ours\ndata:\n  source:\n    kind: csv" in text
    assert text.endswith("# As agreed.\npolicy:\n  minimum_sites: 7\n")
    assert "Below" not in text


def test_a_section_data_that_cannot_be_exchanged_is_left_alone(home):
    (home / "node.yaml").write_text("{site: a,\ndata: {source: x},\npolicy: {}}\n", "utf-8")
    refused = run("draft", as_csv(home), "--in", home)

    assert 1 == refused.exit_code
    assert "cannot be exchanged" in refused.stderr
    assert not (home / "node.yaml.draft").exists()


def test_signs_between_thousands_are_proposed_if_no_others_fit(home):
    texts = ["1.234.567,5", "12,25", "1.000"]
    rows = "".join(
        f"{i};{text};{group}\n"
        for i, (text, group) in enumerate(zip(texts, ["1,234,567", "2", "3"], strict=True))
    )
    text = " ".join(draft(home, csv_of(home, f"pat;wbc;age\n{rows}")).split())

    assert (
        'wbc: from: wbc # same kind, same name decimal: "," # the only signs that fit thousands: "."'
        in text
    )
    assert 'age: from: age # same kind, same name decimal: "."' in text


def test_a_day_that_stands_for_nothing_is_not_shown(home):
    rows = "".join(
        f"{i},{'2222-02-02' if i % 2 else f'2010-01-1{i}'},{'2222-02-02' if i % 2 else f'2011-01-1{i}'}\n"
        for i in range(9)
    )
    text = draft(home, csv_of(home, f"pat,diag,relapse\n{rows}"))

    assert "2222" not in text
    assert "1 other text stands among them" in text


STUDY = Path(__file__).parents[3] / "deploy/studies/interfant06"


def settings_of(source: SourceSettings) -> tuple[Path, str]:
    assert isinstance(source, FileSettings)
    return source.path, source.encoding if isinstance(source, CsvSettings) else ""


def test_of_the_18_files_of_the_study_more_than_half_is_proposed_and_that_is_right():
    codebook = read_codebook(STUDY / "codebook.yaml")
    mapped = proposed = right = 0
    wrong_codes: list[tuple[str, str, str]] = []
    for path in sorted((STUDY / "nodes").glob("*.yaml")):
        data = read_node(path).data
        file, encoding = settings_of(data.source)
        asked = read_whole(file, {}).settings.get("encoding")
        # What the data manager sees in the names of the columns.
        said = {"encoding": encoding} if asked and asked.is_open else {}
        made = draft_of(read_whole(file, said), file.name, codebook, TODAY)
        read = parse_yaml(made.text, file.name)["data"]
        assert isinstance(read, dict)
        assert read["patient"] == data.patient
        for name, column in (data.columns or {}).items():
            mapped += 1
            if name not in made.proposed:
                continue
            proposed += 1
            right += made.proposed[name] == column.column
            written = read["columns"][name]
            codes = written.get("codes") if isinstance(written, dict) else None
            for code, level in (codes if isinstance(codes, dict) else {}).items():
                if level != "?" and level != (column.codes or {}).get(str(code), code):
                    wrong_codes.append((path.stem, str(code), level))

    assert 468 == mapped
    assert proposed >= 265
    assert right >= proposed - 3
    assert [] == wrong_codes


def test_no_value_of_a_patient_is_in_a_draft_but_codes(home):
    words = [
        "Xanthippe Muster",
        "lives in Zwettl",
        "unknown since Muster moved",
        "777.25",
        "19990101",
    ]
    rows = [
        f"Muster-{i},Xanthippe {i},{2000 + i}-03-1{i % 9},{'M' if i % 2 else 'V'},{'gut' if i else 'Muster, Xanthippe'!r},"
        f"{123.25 + i},{'unknown since Muster moved' if i < 2 else f'2015-04-{10 + i}'},"
        f"{'unknown since Muster moved' if i < 2 else f'2016-04-{10 + i}'},0664-{i}7712,{'IB' if i % 2 else 'ZZ9'},Ward {i % 4}"
        for i in range(12)
    ]  # fmt: skip
    header = "pat,name,diag,sex,cns,wbc,relapse,relapse2,phone,arm,age"
    text = draft(
        home, csv_of(home, "\n".join([header, *rows]).replace("'Muster, Xanthippe'", '"Muster, Xanthippe"'))
    )  # fmt: skip

    for poison in (*words, "Muster", "Xanthippe", "Zwettl", "0664", "123.25", "2015", "2003"):
        assert poison not in text
    assert "M: male" in text or "M:" in text
    assert "1 other text stands among them" in text


def test_a_text_that_may_be_of_one_patient_in_several_rows_is_no_code(home):
    rows = "".join(
        f"{name},{name},2010-01-0{i}\n" for name in ("Anna", "Berta") for i in range(1, 6)
    )
    text = draft(home, csv_of(home, f"patient,sex,diag\n{rows}"))

    assert "Anna" not in text
    assert "Berta" not in text
    assert 'codes: "?"' in text


def test_days_that_fit_two_forms_are_asked_for_and_both_are_said(home):
    rows = "".join(f"{i},0{i}/0{i + 1}/2010,male\n" for i in range(1, 8))
    text = draft(home, csv_of(home, f"pat,diag,sex\n{rows}"))

    assert 'dates: "?"' in text
    assert "fits %d/%m/%Y and %m/%d/%Y" in text


def test_a_form_that_one_day_decides_is_proposed(home):
    rows = "".join(f"{i},{10 + i}/0{i}/2010,male\n" for i in range(1, 9))

    assert 'dates: "%d/%m/%Y"' in draft(home, csv_of(home, f"pat,diag,sex\n{rows}"))


def test_day_numbers_and_months_are_told(home):
    rows = "".join(f"{i},{40000 + i},2010-0{i}\n" for i in range(1, 9))
    text = draft(home, csv_of(home, f"pat,diag,relapse\n{rows}"))

    assert "dates: excel" in text
    assert 'dates: "%Y-%m"' in text
    assert 'day: "?"' in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["1,234", "2,345"], 'decimal: "?"'),
        (["1.234", "2.345"], 'decimal: "?"'),
        (["1,2", "2,345"], 'decimal: ","'),
        (["0,234", "2,345"], 'decimal: ","'),
    ],
)
def test_a_sign_that_may_stand_between_thousands_is_asked_for(home, values, said):
    rows = "".join(f"{i};{value}\n" for i, value in enumerate(values))

    assert said in draft(home, csv_of(home, f"pat;wbc\n{rows}"))


def test_an_encoding_that_two_can_read_is_asked_for_until_it_is_said(home):
    path = csv_of(home, "pat;płeć\n1;ż\n", "iso8859-2")
    asked = draft(home, path)
    said = draft(home, path, "--encoding", "iso8859-2", "--again")

    assert 'encoding: "?"' in asked
    assert "as cp1250 or iso8859-2 a column is 'płeć'" in asked
    assert "encoding: iso8859-2" in said
    assert "płeć" in said


def test_the_labels_of_a_file_say_columns_codes_and_units(home):
    labels = {"v1": "Date of diagnosis", "v2": "Sex", "v3": "Age, weeks", "v4": "White blood cells (G/L)"}  # fmt: skip
    rows = [(f"P{i}", datetime.date(2010, 1, 13 + i), 1 + i % 2, 20 + i, 5.5 + i) for i in range(8)]
    pyreadstat.write_sav(
        pd.DataFrame(rows, columns=["pat", *labels]),
        home / "patients.sav",
        column_labels=["", *labels.values()],
        variable_value_labels={"v2": {1: "male", 2: "Female"}},
    )
    text = " ".join(draft(home, home / "patients.sav").split())

    assert "diag: v1 # same kind, name alike (1.00)" in text
    assert '"1": male # the same word, labelled "male"' in text
    assert '"2": female # the same word, labelled "Female"' in text
    assert "unit: weeks # written in the label" in text
    assert "unit: G/L # written in the label" in text


def test_a_sign_turns_a_code_into_another_and_so_does_what_is_put_before_a_word(home):
    (home / "codebook.yaml").write_text(
        CODEBOOK.replace("{neg: Not involved, pos: Involved}", "{pos: CD10+, other: unknown, mutated: Mutated}"),
        encoding="utf-8",
    )  # fmt: skip
    rows = "".join(f"{i},{value}\n" for i, value in enumerate(["CD10-", "unmutated", "CD10+"] * 4))
    text = " ".join(draft(home, csv_of(home, f"pat,cns\n{rows}")).split())

    assert 'CD10-: "?"' in text.replace('"CD10-"', "CD10-")
    assert 'unmutated: "?"' in text
    assert '"CD10+": pos # the same word' in text


def test_the_header_of_a_workbook_is_found_below_a_title(home):
    book = openpyxl.Workbook()
    for row in (["Export"], [], NAMES, *ROWS):
        book.active.append(row)
    book.save(home / "patients.xlsx")
    text = draft(home, home / "patients.xlsx")

    assert "header: 3" in text
    assert "sex: sex" in text


@pytest.mark.parametrize("name", ["patients.csv", "patients.xlsx"])
def test_a_file_without_a_header_is_refused_because_its_first_row_is_a_patient(home, name):
    rows = [["Muster", i, "2010-01-13", "male"] for i in range(1, 9)]
    if name.endswith("csv"):
        csv_of(home, "".join(",".join(map(str, row)) + "\n" for row in rows))
    else:
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(home / name)
    done = run("draft", home / name, "--in", home)

    assert 1 == done.exit_code
    assert "Write a header above the first patient" in done.stderr
    assert "Muster" not in done.stdout + done.stderr
    assert not (home / "node.yaml.draft").exists()


def test_of_several_sheets_one_is_asked_for(home):
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("Patienten")):
        for row in (NAMES, *ROWS):
            sheet.append(row)
    book.save(home / "patients.xlsx")
    refused = run("draft", home / "patients.xlsx", "--in", home)

    assert 1 == refused.exit_code
    assert "name it with --sheet" in refused.stderr
    assert "sheet: Patienten" in draft(home, home / "patients.xlsx", "--sheet", "Patienten")


def test_questions_are_refused_with_their_places_and_what_to_do(home):
    path = home / "node.yaml"
    path.write_text(
        'site: "?"\nstudy_group: A\ndata:\n  source: {kind: csv, path: x, missing: ["?"], where: {x: "?"}}\n  patient: pat\n'
        '  columns: {relapse: "?", sex: {from: sex, codes: {"?": male, V: "?"}}}\n',
        encoding="utf-8",
    )
    with pytest.raises(NodeConfigError) as refused:
        read_node(path)

    assert ["site", "data.columns.relapse", "data.columns.sex.codes.V"] == [
        line.removeprefix(f"{path}: ").split(": ")[0] for line in str(refused.value).splitlines()
    ]
    assert "Write what it is; the comment beside it says what was found" in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.4", b"\xd0\xcf\x11\xe0" + b"\0" * 600, b"PK\x03\x04"]
)
def test_a_file_that_no_source_reads_is_refused_with_what_to_do(home, content):
    (home / "x").write_bytes(content)
    done = run("draft", home / "x", "--in", home)

    assert 1 == done.exit_code
    assert done.stderr.count("error: ") == 1
    assert not (home / "node.yaml.draft").exists()


CELLS = ";".join(NAMES)
LINES = [f"P{i};2010-01-1{i};;male;neg;1{i};2,5" for i in range(9)]


@pytest.mark.parametrize(
    ("lines", "settings"),
    [
        ([CELLS, *LINES], {"delimiter": ";", "decimal": ","}),
        (["Export of the registry", "", CELLS, *LINES], {"delimiter": ";", "decimal": ",", "header": 3}),
        (["sep=;", CELLS, *LINES], {"delimiter": ";", "decimal": ","}),
        ([CELLS, *(f"{i};{line}" for i, line in enumerate(LINES, 1))], {"delimiter": ";", "decimal": ",", "row_names": True}),
        ([CELLS, *(f"{line};" for line in LINES)], {"delimiter": ";", "decimal": ",", "row_names": "?"}),
        ([CELLS.replace(";", "|"), *(line.replace(";", "|") for line in LINES)], {"delimiter": "|", "decimal": ","}),
        (["pat diag sex", *(f"P{i}   2010-01-1{i} male" for i in range(9))], {"delimiter": "whitespace"}),
        (["pat,diag;sex", *(f"P{i},2010-01-1{i};male" for i in range(9))], {"delimiter": "?"}),
    ],
)  # fmt: skip
def test_the_layout_of_a_text_file_is_told_by_itself(home, lines, settings):
    text = draft(home, csv_of(home, "\n".join(lines) + "\n"))
    source = parse_yaml(text, "draft")["data"]["source"]  # type: ignore[index]
    del source["kind"], source["path"]

    assert settings == source


DICTIONARY = """\
"Variable / Field Name","Form Name","Field Type","Field Label","Choices, Calculations, OR Slider Labels"
record_id,base,text,Record ID,
dx_dt,base,text,Date of diagnosis,
gender,base,radio,Sex,"1, Male | 2, Female, at birth | 9, Not known"
cns_inv,base,yesno,Relapsed,
site,base,checkbox,Site,"1, Marrow | 2, CNS"
ag,base,text,"Age (weeks)",
"""


def test_the_data_dictionary_of_redcap_says_what_fields_and_codes_are(home):
    (home / "dictionary.csv").write_text(DICTIONARY, encoding="utf-8")
    rows = "".join(f"{i},2010-01-1{i},{1 + i % 2},{i % 2},0,1,{20 + i}\n" for i in range(9))
    header = "record_id,dx_dt,gender,cns_inv,site___1,site___2,ag\n"
    text = draft(home, csv_of(home, header + rows), "--dictionary", str(home / "dictionary.csv"))
    said = " ".join(text.split())

    assert "diag: dx_dt # same kind, name alike (1.00)" in said
    assert "from: gender # same kind, name alike (1.00)" in said
    assert '"1": male # the same word, labelled "Male"' in said
    assert '"2": "?" # one of male, female, labelled "Female, at birth"' in said
    assert "unit: weeks # written in the label" in said
    assert "patient: record_id" in said


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b'"Variable / Field Name"\n"x']
)
def test_what_is_no_data_dictionary_is_refused(home, content):
    (home / "dictionary.csv").write_bytes(content)
    done = run("draft", as_csv(home), "--in", home, "--dictionary", home / "dictionary.csv")

    assert 1 == done.exit_code
    assert "data dictionary" in done.stderr
