"""Building a report."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from riskset_common.errors import InputError
from riskset_common.estimators.read_back import results_from_json
from riskset_server.report import build_report
from riskset_server.report.formats import read_formats

ONE_TABLE = "displays:\n  - {table: T, of: cox_all}\n"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """What a page holds: ids, links within it, texts, and whether its tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        if "id" in named:
            self.ids.append(str(named["id"]))
        if "href" in named:
            self.links.append(str(named["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_display_has_its_files(built: Path) -> None:
    figures = ["Fig_2A", "Fig_2B", "Fig_3B", "Fig_S1"]
    tables = [*(f"Data_Supplement_{rank}" for rank in (1, 2, 3, 4)), "Table_1", "Table_2"]

    assert [
        *(f"figures/{name}.{kind}" for name in figures for kind in ("pdf", "png", "svg")),
        "report.html",
        *(f"tables/{name}.{kind}" for name in tables for kind in ("csv", "docx")),
    ] == list(files_of(built))


def test_the_same_results_give_the_same_bytes_and_ten_displays_take_few_seconds(
    trial: ModuleType, built: Path, tmp_path: Path
) -> None:
    start = time.process_time()
    given = build_report(
        results_from_json(trial.study_results()),
        trial.study_plan(trial.DISPLAYS),
        trial.study_codebook(),
        tmp_path,
    )
    took = time.process_time() - start

    assert tmp_path / "report.html" == given
    assert files_of(built) == files_of(tmp_path)
    assert took < 8


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(page: str) -> None:
    found = Page(page)

    assert [] == found.open
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(found.tags)
    assert "http" not in page
    assert "url(" not in page.replace("url(#", "")
    assert "@import" not in page


def test_every_id_is_its_own_and_every_link_leads_somewhere(page: str) -> None:
    found = Page(page)

    assert len(set(found.ids)) == len(found.ids)
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert all(link.startswith("#") for link in found.links)


def test_the_front_of_the_page_says_what_was_run_where(page: str) -> None:
    texts = Page(page).texts

    assert "Outcome of infants with acute lymphoblastic leukaemia" == texts[0]
    for text in (
        "infant-all-main, version 1.0.0",
        "15c76858" * 8,
        "infant-all@3",
        "2005-004599-19",
        "Final analysis of the primary and secondary end points",
        "2017-12-31",
        "Sites (3)",
        "aieop, dcog, pinda",
        "2 of 3 sites",
    ):
        assert text in texts


def test_the_contents_list_every_display_under_its_heading(page: str) -> None:
    texts = Page(page).texts

    for heading in (
        "Data Supplement 1. Patient characteristics by risk group",
        "Fig 2A. EFS and OS, all patients",
        "Fig 2B. Event-free survival by risk group",
        "Table 2. Cox model of disease-free survival: randomly assigned (intention to treat)",
    ):
        assert 2 == texts.count(heading)


def test_populations_and_missing_patients_stand_at_the_front(page: str) -> None:
    texts = Page(page).texts
    row = texts.index("Cox model of event-free survival", texts.index("Planned"))

    assert ["cox_all", "All patients", "576", "75", "268", "planned"] == texts[row + 1 : row + 7]


def test_figures_are_drawn_within_the_page_and_carry_their_titles(page: str) -> None:
    assert 4 == page.count("<svg ")
    assert 4 == page.count('role="img" aria-labelledby="figure-')
    assert 'id="figure-Fig_2A-title"' in page


def test_figures_on_file_are_svg_with_text_and_png(built: Path) -> None:
    root = ElementTree.parse(built / "figures" / "Fig_3B.svg").getroot()
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]

    assert "Log-rank, stratified by sex, P = .47 (1 df)" in words
    assert b"\x89PNG\r\n\x1a\n" == (built / "figures" / "Fig_3B.png").read_bytes()[:8]


def test_a_figure_in_print_has_300_dots_an_inch_and_its_letters_in_it(built: Path) -> None:
    png = (built / "figures" / "Fig_2A.png").read_bytes()
    pdf = (built / "figures" / "Fig_2A.pdf").read_bytes()
    per_metre = int.from_bytes(png[png.index(b"pHYs") + 4 :][:4])

    assert 300 == round(per_metre * 0.0254)
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf


@pytest.mark.parametrize(
    ("chosen", "figures", "tables"),
    [
        ("", {".svg"}, {".csv"}),
        ("PDF, docx", {".svg", ".pdf"}, {".csv", ".docx"}),
        ("png", {".svg", ".png"}, {".csv"}),
    ],
)
def test_formats_beside_svg_and_csv_are_chosen(
    trial: ModuleType, tmp_path: Path, chosen: str, figures: set[str], tables: set[str]
) -> None:
    plan = trial.study_plan(
        "displays:\n  - {table: T, of: cox_all}\n  - {figure: F, of: cox_all}\n"
    )
    build_report(
        results_from_json(trial.study_results()),
        plan,
        trial.study_codebook(),
        tmp_path,
        read_formats(chosen),
    )

    assert figures == {path.suffix for path in (tmp_path / "figures").iterdir()}
    assert tables == {path.suffix for path in (tmp_path / "tables").iterdir()}


def test_an_unknown_format_is_told() -> None:
    with pytest.raises(InputError, match=r"--formats: 'pfd' is not known\. Did you mean"):
        read_formats("png,pfd")


def test_tables_on_file_are_rectangular(built: Path) -> None:
    for path in (built / "tables").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))

        assert 1 == len({len(row) for row in rows})


def test_texts_of_the_study_are_escaped(trial: ModuleType, tmp_path: Path) -> None:
    plan = trial.study_plan(ONE_TABLE, title="A <script>alert(1)</script> & B")
    results = trial.study_results()
    results["analyses"]["cox_all"]["warnings"] = ["<img src=x>"]
    page = build_report(
        results_from_json(results), plan, trial.study_codebook(), tmp_path
    ).read_text(encoding="utf-8")

    assert "<script" not in page
    assert "<img" not in page
    assert "A &lt;script&gt;alert(1)&lt;/script&gt; &amp; B" in page


def test_warnings_of_analyses_are_remarked(trial: ModuleType, tmp_path: Path) -> None:
    results = trial.study_results()
    results["analyses"]["cox_all"]["warnings"] = ["The likelihood is monotone in sex = female."]
    plan = trial.study_plan(ONE_TABLE)
    page = build_report(
        results_from_json(results), plan, trial.study_codebook(), tmp_path
    ).read_text(encoding="utf-8")
    texts = Page(page).texts

    assert "The likelihood is monotone in sex = female." in texts
    assert "Remarks" in texts


def test_a_report_without_warnings_has_no_remarks(page: str) -> None:
    assert "Remarks" not in Page(page).texts


def test_an_analysis_that_was_wholly_withheld_is_named_with_its_rule(
    trial: ModuleType, tmp_path: Path
) -> None:
    results = trial.study_results()
    for name in ("cox_all", "efs"):
        found = results["analyses"][name]
        rule = {"withheld": "minimum_at_risk 10: kmt2a", "reason": "small"}
        results["analyses"][name] = {"kind": found["kind"], "warnings": []} | {
            key: rule for key in found if key not in ("kind", "warnings")
        }
    build_report(
        results_from_json(results),
        trial.study_plan(trial.DISPLAYS),
        trial.study_codebook(),
        tmp_path,
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    notice = "Withheld because a level of kmt2a has fewer than 10 patients (minimum_at_risk)."

    assert f"Cox model of event-free survival: {notice}" in Page(page).texts
    assert f"Event-free survival: {notice}" in Page(page).texts
    assert not (tmp_path / "tables" / "Table_1.csv").exists()
    assert not (tmp_path / "figures" / "Fig_S1.svg").exists()
    assert (tmp_path / "figures" / "Fig_2A.svg").exists()
    assert len(set(Page(page).ids)) == len(Page(page).ids)


def test_an_analysis_of_nobody_has_a_sentence_and_no_figure(
    trial: ModuleType, tmp_path: Path
) -> None:
    results = trial.study_results()
    results["analyses"]["efs"] |= {"n": 0, "events": 0, "groups": []}
    page = build_report(
        results_from_json(results),
        trial.study_plan(trial.DISPLAYS),
        trial.study_codebook(),
        tmp_path,
    ).read_text(encoding="utf-8")

    assert "Event-free survival: No patients." in Page(page).texts


def test_released_results_can_be_reported_whole(trial: ModuleType, tmp_path: Path) -> None:
    results = trial.study_results()
    for name, found in results["analyses"].items():
        if found["kind"] == "kaplan_meier":
            results["analyses"][name] = trial.as_released(found)
    page = build_report(
        results_from_json(results), trial.study_plan(), trial.study_codebook(), tmp_path
    ).read_text(encoding="utf-8")

    assert "straight lines join them" in page
    assert "because fewer than 10 patients are behind it (minimum_at_risk)" in page


def test_results_of_another_plan_are_refused(trial: ModuleType, tmp_path: Path) -> None:
    plan = trial.study_plan(version="1.0.1")

    with pytest.raises(
        InputError, match=r"of plan infant-all-main 1\.0\.0, but the plan given is .* 1\.0\.1"
    ):
        build_report(
            results_from_json(trial.study_results()), plan, trial.study_codebook(), tmp_path
        )


def test_results_without_an_analysis_are_refused(trial: ModuleType, tmp_path: Path) -> None:
    results = trial.study_results()
    results["analyses"]["efs_risks"] = results["analyses"].pop("efs_risk")

    with pytest.raises(
        InputError, match=r"'efs_risk' of the plan is missing\. Did you mean 'efs_risks'"
    ):
        build_report(
            results_from_json(results), trial.study_plan(), trial.study_codebook(), tmp_path
        )


def test_an_earlier_report_is_replaced(trial: ModuleType, built: Path, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "Fig_2A.svg").write_text("old")
    build_report(
        results_from_json(trial.study_results()),
        trial.study_plan(trial.DISPLAYS),
        trial.study_codebook(),
        tmp_path,
    )

    assert files_of(built) == files_of(tmp_path)


def test_a_bare_plan_has_a_short_front_page(trial: ModuleType, tmp_path: Path) -> None:
    bare: dict[str, Any] = {
        "title": None,
        "purpose": None,
        "data_cutoff": None,
        "quorum": None,
        "registered": {},
    }
    results = trial.study_results()
    plan = trial.study_plan(ONE_TABLE, **bare)
    page = build_report(
        results_from_json(results), plan, trial.study_codebook(), tmp_path
    ).read_text(encoding="utf-8")
    texts = Page(page).texts

    assert "infant-all-main" == texts[0]
    assert {"Purpose", "Data cutoff", "Quorum"}.isdisjoint(texts)


def test_a_report_is_the_same_whatever_the_order_of_hashes(
    trial: ModuleType, built: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps(trial.study_results()), encoding="utf-8")
    for name in ("plan", "codebook"):
        made = trial.study_plan(trial.DISPLAYS) if name == "plan" else trial.study_codebook()
        (tmp_path / f"{name}.json").write_text(
            made.model_dump_json(by_alias=True, exclude_none=True), encoding="utf-8"
        )
    code = (
        "import json, pathlib, sys\n"
        "from riskset_common.study.codebook import Codebook\n"
        "from riskset_common.estimators.read_back import results_from_json\n"
        "from riskset_common.planning.read import ReleasePlan\n"
        "from riskset_server.report import build_report\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "read = lambda name: json.loads((here / name).read_text(encoding='utf-8'))\n"
        "plan, codebook = ReleasePlan.model_validate(read('plan.json')), Codebook.model_validate(read('codebook.json'))\n"
        "build_report(results_from_json(read('results.json')), plan, codebook, here / 'out')\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)

    assert files_of(built) == files_of(tmp_path / "out")
