"""REDCap: what is asked of a project, how its rows become one a record, and what a data manager is told when something is wrong."""

from __future__ import annotations

import csv
import datetime
import re
import time
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.connect_proxy import connect_proxy
from tests.site_node.sources.redcap.conftest import TOKEN, Project, answer, rows, served, slow

from riskset_common.errors import DataError, NodeConfigError, RisksetError
from riskset_common.study.codebook import Codebook
from riskset_node.config import NodeConfig
from riskset_node.records.reading import read_records
from riskset_node.sources.redcap import RedcapSettings, RedcapSource
from riskset_node.sources.redcap_project import interface
from riskset_node.sources.redcap_project.file_export import rows_of

SOURCE = RedcapSource()
COLUMNS = ("record_id", "dx", "sex")


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAP_TOKEN", TOKEN)


def settings(project: Project, **more: object) -> RedcapSettings:
    written = {"kind": "redcap", "url": project.url, "token": "env:REDCAP_TOKEN", **more}
    return RedcapSettings.model_validate(written)


def exported(path: Path, rows: list[dict[str, str]]) -> RedcapSettings:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return RedcapSettings.model_validate({"kind": "redcap", "path": path})


def longitudinal() -> list[dict[str, str]]:
    baseline = [row | {"redcap_event_name": "baseline_arm_1", "death": ""} for row in rows(3)]
    later = [
        dict.fromkeys(row, "")
        | {"record_id": row["record_id"], "redcap_event_name": "later_arm_1", "death": "2021-05-05"}
        for row in baseline[:2]
    ]
    return [*baseline, *later]


def repeated() -> list[dict[str, str]]:
    plain = [
        row | {"redcap_repeat_instrument": "", "redcap_repeat_instance": "", "wbc": ""}
        for row in rows(2)
    ]
    return [
        *plain,
        *(
            dict.fromkeys(plain[0], "")
            | {
                "record_id": "1",
                "redcap_repeat_instrument": "labs",
                "redcap_repeat_instance": str(number),
                "wbc": value,
            }
            for number, value in ((2, "20"), (1, "10"))
        ),
    ]


def test_the_fields_that_are_mapped_are_asked_and_no_others(project):
    found = SOURCE.read(settings(project), COLUMNS)

    assert {
        "record_id": ["1", "2", "3"],
        "dx": ["2019-02-01", "2019-03-01", "2019-04-01"],
        "sex": ["2", "1", "2"],
    } == found
    asked = [
        sorted(value for key, value in form.items() if key.startswith("fields["))
        for form in project.asked
        if form["content"] == "record"
    ]
    assert [["record_id"], ["dx", "record_id", "sex"]] == asked
    assert {("raw", "flat", "json")} == {
        (form["rawOrLabel"], form["type"], form["format"])
        for form in project.asked
        if form["content"] == "record"
    }


def test_a_checkbox_has_a_column_for_each_box(project):
    assert ["1", "1", "1"] == SOURCE.read(settings(project), ("record_id", "site___1"))["site___1"]


def test_records_come_in_batches_and_none_twice():
    with served(Project(rows(1203))) as many:
        found = SOURCE.read(settings(many), COLUMNS)

    assert [str(number) for number in range(1, 1204)] == found["record_id"]
    assert 4 == sum(form["content"] == "record" for form in many.asked)


def test_a_record_that_does_not_come_back_is_an_error(project):
    project.loses = ("2",)
    with pytest.raises(DataError, match="1 of 3 rows did not come back"):
        SOURCE.read(settings(project), COLUMNS)


def test_a_field_that_the_token_may_not_export_is_named_with_the_right_to_ask_for(project):
    project.no_right_to = ("sex",)
    with pytest.raises(
        NodeConfigError, match=r"has no sex.*the right to export these instruments in full"
    ):
        SOURCE.read(settings(project), COLUMNS)


def test_a_field_that_is_not_there_is_told_with_the_nearest(project):
    with pytest.raises(NodeConfigError, match="Did you mean 'death'"):
        SOURCE.read(settings(project), ("record_id", "deaths"))


def test_each_column_may_be_of_an_event_of_its_own():
    with served(Project(longitudinal())) as project:
        found = SOURCE.read(
            settings(project, event="baseline_arm_1"), ("record_id", "dx", "death@later_arm_1")
        )

    assert ["2019-02-01", "2019-03-01", "2019-04-01"] == found["dx"]
    assert ["2021-05-05", "2021-05-05", ""] == found["death@later_arm_1"]


def test_a_project_with_events_needs_one(tmp_path):
    for event, said in (
        (None, r"the project has events \(baseline_arm_1, later_arm_1\)"),
        ("follow_arm_1", "no row is of the event 'follow_arm_1'. Known: baseline_arm_1"),
    ):
        written = exported(tmp_path / "e.csv", longitudinal()).model_copy(update={"event": event})
        with pytest.raises(NodeConfigError, match=said):
            SOURCE.read(written, COLUMNS)


def test_repeats_are_an_error_until_one_is_chosen(tmp_path):
    written = exported(tmp_path / "e.csv", repeated())
    with pytest.raises(DataError, match="1 records have more than one row of instrument 'labs'"):
        SOURCE.read(written, ("record_id", "wbc"))
    for instance, value in (("first", "10"), ("last", "20")):
        chosen = written.model_copy(update={"instance": instance})

        assert [value, ""] == SOURCE.read(chosen, ("record_id", "wbc"))["wbc"]
    assert ["2", "1"] == SOURCE.read(written, ("record_id", "sex"))["sex"]


@pytest.mark.parametrize("instrument", ["", "visit"])
def test_a_field_with_values_in_rows_of_two_kinds_is_not_guessed(tmp_path, instrument):
    more = dict.fromkeys(repeated()[0], "") | {"record_id": "2", "wbc": "7"}
    number = "1" if instrument else ""
    more |= {"redcap_repeat_instrument": instrument, "redcap_repeat_instance": number}
    written = exported(tmp_path / "e.csv", [*repeated(), more])
    for instance in ("first", "last"):
        with pytest.raises(
            DataError, match=r"wbc has values in rows of .* not clear which of them"
        ):
            SOURCE.read(written.model_copy(update={"instance": instance}), ("record_id", "wbc"))


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_an_export_with_another_delimiter_is_told(tmp_path, sign, name):
    written = exported(tmp_path / "e.csv", rows(2))
    text = (tmp_path / "e.csv").read_text(encoding="utf-8").replace(",", sign)
    (tmp_path / "e.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"its columns are parted by {name}, and not by commas"):
        SOURCE.read(written, ("record_id", "wbc"))


def test_two_rows_of_one_record_in_one_event_are_an_error(tmp_path):
    written = exported(tmp_path / "e.csv", [*rows(2), rows(1)[0]])
    for instance in (None, "last"):
        with pytest.raises(DataError, match="more than one row of project"):
            SOURCE.read(written.model_copy(update={"instance": instance}), COLUMNS)


def test_an_export_and_the_interface_give_the_same_patients(project, tmp_path):
    codebook = Codebook.model_validate(
        {
            "codebook": "c",
            "version": 1,
            "variables": {
                "dx": {"kind": "date", "label": "D", "required": True},
                "death": {"kind": "date", "label": "D"},
                "sex": {"kind": "category", "label": "S", "levels": {"1": "F", "2": "M"}},
            },
        }
    )

    def read(source: RedcapSettings) -> bytes:
        node = {
            "site": "aa",
            "study_group": "A",
            "data": {"source": source, "patient": "record_id"},
        }
        config = NodeConfig.model_validate(node)
        return read_records(config, codebook, datetime.date(2026, 1, 1)).patients.digest()

    assert read(settings(project)) == read(
        exported(tmp_path / "e.csv", list(reversed(project.rows)))
    )


def test_rows_are_of_one_record_by_the_record_id_and_by_nothing_else(project, tmp_path):
    turned = [{"sex": row["sex"], **row} for row in rows(4)]
    for source in (exported(tmp_path / "e.csv", turned), settings(project)):
        with pytest.raises(NodeConfigError, match="Write patient: "):
            SOURCE.read(source, ("dx", "sex"))
    project.rows[:] = turned

    assert ["1", "2", "3", "4"] == SOURCE.read(settings(project, report=412), COLUMNS)["record_id"]


def test_the_token_does_not_go_to_a_proxy_without_tls(project, monkeypatch):
    with connect_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)

        assert ["2", "1", "2"] == SOURCE.read(settings(project), COLUMNS)["sex"]
        assert [] == proxy.asked


@pytest.mark.parametrize("instance", ["x", "-1"])
def test_a_repeat_without_a_number_is_told(tmp_path, instance):
    written = [
        row | {"redcap_repeat_instance": row["redcap_repeat_instance"] and instance}
        for row in repeated()
    ]
    with pytest.raises(DataError, match="is no number of a repeat"):
        SOURCE.read(exported(tmp_path / "e.csv", written), ("record_id", "wbc"))


def test_a_report_is_read_as_it_is(project):
    assert ["2", "1", "2"] == SOURCE.read(settings(project, report=412), COLUMNS)["sex"]
    assert "412" == project.asked[-1]["report_id"]


def page(handler):
    answer(handler, 200, b"<!DOCTYPE html><title>Sign on</title>")


def cut(handler):
    answer(handler, 200, b'[{"record_id": "1", "dx"')


def broken_off(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"[")
    handler.close_connection = True


def elsewhere(handler):
    answer(handler, 302, b"", Location="http://evil.example/api/")


def elsewhere_with_the_token(handler):
    answer(handler, 302, b"", Location=f"http://evil.example/{TOKEN}/")


def deep(handler):
    answer(handler, 200, b"[" * 100_000)


def deep_refusal(handler):
    answer(handler, 400, b"[" * 100_000)


def unknown(handler):
    answer(handler, 400, {"error": f"the token {TOKEN} is wrong"})


def dripping(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    for _ in range(30):
        handler.wfile.write(b"[")
        handler.wfile.flush()
        time.sleep(0.1)


def no_gzip(handler):
    answer(handler, 200, b"no gzip", Content_Encoding="gzip")


def number(handler):
    answer(handler, 200, 1)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (page, "answered with a page, and not with data"),
        (cut, "cut off, or no JSON"),
        (broken_off, "broke off"),
        (elsewhere, "sends on to http://evil.example/api/, and a token is not sent after it"),
        (elsewhere_with_the_token, "sends on to http://evil.example/(token)/"),
        (deep, "cut off, or no JSON"),
        (deep_refusal, "does not say why"),
        (unknown, "REDCap says: the token (token) is wrong"),
        (number, "is no list"),
        (slow, "no answer within 1 s"),
        (dripping, "no answer within 1 s"),
        (no_gzip, "broke off"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do_and_without_the_token(project, answers, said):
    project.answers = answers
    with pytest.raises(RisksetError) as refused:
        SOURCE.read(settings(project, timeout=1), COLUMNS)

    assert said in str(refused.value)
    assert TOKEN not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_answer_without_end_is_not_kept(project, monkeypatch):
    monkeypatch.setattr(interface, "MOST_BYTES", 100)
    with pytest.raises(DataError, match="an answer of more than"):
        SOURCE.read(settings(project), COLUMNS)


@pytest.mark.parametrize(
    ("token", "said"),
    [("F" * 32, "the token is not known, was revoked"), ("short", "holds 5 characters")],
)
def test_a_wrong_token_is_told(project, monkeypatch, token, said):
    monkeypatch.setenv("REDCAP_TOKEN", token)
    with pytest.raises(NodeConfigError, match=said) as refused:
        SOURCE.read(settings(project), COLUMNS)

    assert token not in str(refused.value)


def test_a_server_that_is_not_there_is_told():
    gone = Project([])
    with served(gone):
        pass
    with pytest.raises(NodeConfigError, match="cannot be reached"):
        SOURCE.read(settings(gone), COLUMNS)


def test_only_a_known_authority_is_believed(certificate):
    with served(Project(rows(1)), tls=certificate) as project:
        with pytest.raises(NodeConfigError, match="not signed by an authority"):
            SOURCE.read(settings(project), COLUMNS)

        assert ["2"] == SOURCE.read(settings(project, ca=certificate[0]), COLUMNS)["sex"]


def test_the_doctor_sees_title_rights_and_fields(project):
    project.import_allowed = True
    found = list(SOURCE.examined(settings(project), COLUMNS))

    assert ["project 'Infants'", "3 fields came back"] == [
        each.found for each in found if not each.warns
    ]
    assert ["API import is allowed" in each.found for each in found if each.warns] == [True]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"url": "http://redcap.example/api/", "token": "env:T"}, "no address of an API over TLS"),
        (
            {"url": "https://a:b@redcap.example/api/", "token": "env:T"},
            "holds no name and no password",
        ),
        (
            {"url": f"http://redcap.example/api/?token={TOKEN}", "token": "env:T"},
            "nothing after a [?] or a #",
        ),
        ({"url": "https://redcap.example/api/"}, "give url and token"),
        (
            {"url": "https://redcap.example/api/", "token": TOKEN},
            "a secret is not written into node.yaml",
        ),
        ({"path": "e.csv", "url": "https://redcap.example/api/", "token": "env:T"}, "and not both"),
        ({"path": "e.csv", "report": 3}, "report: for the interface only"),
    ],
)
def test_a_contradiction_is_refused(written, said):
    with pytest.raises(ValidationError, match=said) as refused:
        RedcapSettings.model_validate({"kind": "redcap", **written})

    assert TOKEN not in "".join(each["msg"] for each in refused.value.errors())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"record_id,name\n1,Andr\xe9\n", "not text in UTF-8, as REDCap exports it"),
        (b'record_id,name\n1,"An\n', "a quotation mark in it is not closed"),
    ],
)
def test_an_export_that_was_saved_by_another_program_is_told_without_a_value(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        list(rows_of(path))

    assert said in str(error.value)
    assert not re.search("Andr|codec|0xe9|expected", str(error.value))
