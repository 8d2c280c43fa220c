"""Does every printed number stand in a result: what does not is named, and words may hold numbers of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from riskset_common.results.as_json import as_json
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.study.codebook import Derived
from riskset_server.displays.parts.cells import Cell
from riskset_server.displays.parts.table import Row, Table
from riskset_server.kinds.kinds import words_of
from riskset_server.report.blocks import parts_of
from riskset_server.report_check.printed import Text
from riskset_server.report_check.sources import sources_of, untraced_cells, untraced_texts


@pytest.fixture(scope="module")
def sources(run):
    parts = parts_of(run.results, run.plan)
    ages = Derived.model_validate(
        {"from": "age", "label": "Age", "cut": {"< 60": [0, 60], ">= 60": [60, 101]}}
    )
    codebook = run.codebook.model_copy(update={"derived": {"age_60": ages}})
    return sources_of([parts["Cox_within_sites"]], words_of(run.plan, codebook))


def test_a_number_of_a_cell_that_no_result_holds_is_named(run, sources):
    row = as_json(run.results)["analyses"]["Cox_within_sites"]["terms"][0]
    right = f"{row['hazard_ratio']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})"
    table = Table(
        "T",
        ("Variable", "HR"),
        (Row(Cell("B"), (Cell(right),)), Row(Cell("C"), (Cell("77.77"),))),
    )
    (found,) = untraced_cells("tables/T.csv", table, sources)

    assert "tables/T.csv, row 'C', column 'HR'" == found.where
    assert "77.77 is no number of the analyses that it shows" == found.what


def test_the_level_of_a_withheld_analysis_is_what_the_plan_asks(run):
    part = parts_of(run.results, run.plan)["Cox_within_sites"]
    withheld = WithheldAnalysis(part.spec.kind, {"n": Withheld("minimum_at_risk 10")})
    sources = sources_of([replace(part, result=withheld)], words_of(run.plan, run.codebook))
    table = Table("T", ("Variable", "HR (95% CI)"), (Row(Cell("B"), (Cell("withheld"),)),))

    assert [] == list(untraced_cells("T", table, sources))


def test_numbers_of_words_are_known_in_words_only(sources):
    table = Table("T", ("Age of 0 to 100", "HR"), (Row(Cell("Grade 100"), (Cell("41.3"),)),))

    assert ["41.3"] == [each.what.split()[0] for each in untraced_cells("T", table, sources)]


def test_a_number_of_a_figure_is_named_but_not_that_of_its_axis(sources):
    texts = [
        Text("Time since 1907", "1", "start", in_axes=True),
        Text("88.88 (7.77)", "1", "middle", in_axes=False),
        Text("B", "1", "start", in_axes=False),
        Text("≥ 60", "1", "start", in_axes=False),
    ]
    found = list(untraced_texts("figures/F.svg", texts, ["n = 31415."], sources))

    assert ["88.88", "7.77", "31415"] == [each.what.split()[0] for each in found]


@pytest.mark.parametrize(
    ("token", "holds"),
    [("600", False), ("1", True), (".001", True), ("1,000", True), ("12.345678", False)],
)
def test_a_token_is_held_where_a_number_rounds_to_it(sources, token, holds):
    assert holds == sources.hold(token)
