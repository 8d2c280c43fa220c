"""A published report beside a run: every figure has its place, differences are in standard errors, and misprints are found by computing."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from riskset_common.errors import InputError
from riskset_common.results.shown import Withheld
from riskset_embedded.demos.published.agreement import checks
from riskset_embedded.demos.published.compared import compare
from riskset_embedded.demos.published.document import in_one_sentence, write_paper
from riskset_embedded.demos.published.mapping import PaperMap, Relations, read_map
from riskset_embedded.demos.published.places import NotShown, leaves, published_at, result_at

STUDY = Path(__file__).parents[3] / "deploy" / "studies" / "interfant06"
PUBLISHED = json.loads((STUDY / "published.json").read_text(encoding="utf-8"))

ANALYSES = {
    "km": {
        "groups": [
            {"level": {"arm": "a"}, "at": [{"time": 3.0, "survival": 0.5, "std_err": 0.04}]},
            {
                "level": {"arm": "b"},
                "at": [
                    {
                        "time": 3.0,
                        "survival": Withheld("minimum_cell 5"),
                        "std_err": Withheld("minimum_cell 5"),
                    }
                ],
            },
            {"level": {"arm": "c"}},
        ]
    },
    "table": {
        "n": 200,
        "columns": ["x", "y"],
        "rows": [
            {
                "variable": "v",
                "level": ">= 3",
                "counts": [30, Withheld("minimum_cell 5")],
                "total_percent": 25.0,
            }
        ],
    },
    "cox": {
        "terms": [
            {
                "term": "arm",
                "level": "b",
                "coef": 0.0,
                "hazard_ratio": 1.0,
                "lower": 0.5,
                "upper": 2.0,
                "p_value": 0.0004,
            }
        ]
    },
    "test": {"p": 0.2345, "median": 5.25, "small": 0.00345},
}


def mapping(**figures):
    return PaperMap.model_validate({"sections": [{"title": "S", "figures": figures}]})


def row(published, **figure):
    (found,) = compare(ANALYSES, {"x": published}, mapping(x=figure))
    return found


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("km.groups[level.arm=a].at[time=3].survival", 0.5),
        ("km.groups[level.arm=a].at[].std_err", 0.04),
        ("km.groups[level.arm=b].at[time=3].survival", NotShown("minimum_cell 5")),
        ("km.groups[level.arm=c].at[time=3]", NotShown("not released")),
        ("km.groups[level.arm=d].at[time=3]", NotShown("not released")),
        ("table.rows[variable=v,level=>= 3].counts[@x]", 30),
        ("table.rows[variable=v,level=>= 3].counts[@y]", NotShown("minimum_cell 5")),
        ("table.rows[variable=v,level=>= 3].counts[@z]", NotShown("not released")),
        ("table.n.further", NotShown("not released")),
    ],
)
def test_a_place_leads_to_its_value_or_to_what_holds_it_back(place, value):
    assert value == result_at(ANALYSES, place)


def test_a_place_in_an_analysis_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="the results hold no analysis 'kn'"):
        result_at(ANALYSES, "kn.groups[].n")


def test_a_published_place_takes_names_and_numbers_of_entries():
    assert 2 == published_at({"a": [{"b": 1}, {"b": 2}]}, "a.1.b")
    assert ["a.0", "a.1", "b.c"] == list(leaves({"a": [1, 2], "b": {"c": 3}}))
    with pytest.raises(InputError, match="no such place"):
        published_at({"a": [1]}, "a.1")


@pytest.mark.parametrize(
    ("published", "figure", "text", "difference"),
    [
        ([46.0, 2.0], {"survival": "km.groups[level.arm=a].at[time=3]"}, "50.0 (4.0)", 2.0),
        (
            40,
            {"count": "table.rows[variable=v,level=>= 3].counts[@x]", "of": "table.n"},
            "30",
            -10 / (200 * 0.2 * 0.8) ** 0.5,
        ),
        (
            20,
            {"percent": "table.rows[variable=v,level=>= 3].total_percent", "of": "table.n"},
            "25.0",
            10 / (200 * 0.2 * 0.8) ** 0.5,
        ),
        (200, {"count": "table.n"}, "200", 0.0),
        (201, {"count": "table.n"}, "200", None),
        (0.3, {"p": "test.p"}, ".23", None),
        ("<.001", {"p": "test.small"}, ".0034", None),
        (5.3, {"number": "test.median"}, "5.2", None),
    ],
)
def test_a_difference_is_in_standard_errors_where_there_is_one(published, figure, text, difference):
    found = row(published, **figure)

    assert text == found.run
    assert found.shown
    assert difference == (None if difference is None else pytest.approx(found.difference))


def test_a_hazard_ratio_differs_by_the_standard_error_of_its_published_limits():
    found = row({"hr": 2.0, "ci95": [1.0, 4.0], "p": 0.05}, hazard="cox.terms[term=arm,level=b]")

    assert -2 * 1.959963984540054 / 2 == pytest.approx(found.difference)
    assert ("2.00 (1.00 to 4.00), P .05", "1.00 (0.50 to 2.00), P < .001") == (
        found.published,
        found.run,
    )


def test_what_a_run_holds_back_is_told_with_its_rule():
    found = row([46.0, 2.0], survival="km.groups[level.arm=b].at[time=3]")

    assert ("minimum_cell 5", None, False) == (found.run, found.difference, found.shown)
    assert "1 are held back by the disclosure rules" in in_one_sentence([found])


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ({}, "give exactly one of"),
        ({"p": "a", "number": "b"}, "give exactly one of"),
        ({"p": "a", "of": "b"}, "of belongs to count"),
    ],
)
def test_a_figure_has_one_kind(figure, message):
    with pytest.raises(ValueError, match=message):
        mapping(x=figure)


def test_every_published_figure_of_the_trial_is_mapped_and_no_other():
    found = read_map(STUDY / "paper.yaml", PUBLISHED)

    assert 170 < len(found.figures)


def test_a_published_figure_that_is_not_mapped_is_told():
    more = copy.deepcopy(PUBLISHED)
    more["outcome"]["efs6"]["triplets"] = [50.0, 20.0]
    del more["outcome"]["os6"]["all"]

    with pytest.raises(InputError) as refused:
        read_map(STUDY / "paper.yaml", more)

    assert [
        "outcome.os6.all: there is no such place",
        "outcome.efs6.triplets.0 is published, but nothing says",
        "outcome.efs6.triplets.1 is published, but nothing says",
    ] == [
        line.partition(": ")[2][: len(expected)]
        for line, expected in zip(
            str(refused.value).splitlines(),
            (
                "outcome.os6.all: there is no such place",
                "outcome.efs6.triplets.0 is published, but nothing says",
                "outcome.efs6.triplets.1 is published, but nothing says",
            ),
            strict=True,
        )
    ]


def wrong(published=PUBLISHED):
    relations = read_map(STUDY / "paper.yaml", PUBLISHED).relations
    return [check for check in checks(published, relations) if check.wrong is not None]


def test_the_report_disagrees_with_itself_in_these_places_only():
    found = [(check.place, check.wrong) for check in wrong()]
    expected = [
        (
            "cox_table2.rows.0 (t(4;11) + t(11;19))",
            "HR 1.21 is not the middle of its interval 0.86 to 1.47 on the log scale, which is 1.12",
        ),
        (
            "cox_table2.rows.0 (t(4;11) + t(11;19))",
            "P 0.4083 belongs to the middle of the interval (1.12) and not to HR 1.21",
        ),
        (
            "cox_table2.rows.2 (>=300)",
            "P 0.002 does not follow from HR 1.63 (1.26 to 2.10), which gives P 0.00013 to 0.00023",
        ),
        (
            "outcome.relapse_site_pct.BM+testis",
            "no number of 244 patients is 2.1%: 5 of 244 are 2.05% and 6 of 244 are 2.46%",
        ),
        (
            "outcome.efs6.LR and outcome.efs6.kmt2a_germline",
            "73.9 (SE 3.6) and 73.9 (SE 3.4) are of the same patients",
        ),
        ("cox_table1.n", "cox_table1.n (576) exceeds characteristics.b_lineage_cd10_known_n (568)"),
        (
            "randomised.mr_hr_n",
            "randomised.mr_hr_n (484) exceeds characteristics.kmt2a_known_n - cohort.risk.LR (476)",
        ),
    ]

    assert [place for place, _ in expected] == [place for place, _ in found]
    assert [text for _, text in expected] == [
        said[: len(text)] for (_, said), (_, text) in zip(found, expected, strict=True)
    ]


@pytest.mark.parametrize(
    ("place", "value", "told_at"),
    [
        ("cohort.n", 652, "cohort.n"),
        ("outcome.efs6.all", [80.0, 2.1], "outcome.efs6.all"),
        ("outcome.efs6.HR", [20.9, 2.9], "outcome.efs6.HR"),
        ("sct.hr_sct_n", 100, "sct.hr_sct_n"),
        ("characteristics.age_months_pct.0-3", 31, "characteristics.age_months_pct.0-3"),
        ("cox_table1.rows.2.hr", 1.67, "cox_table1.rows.2 (<6)"),
        ("cox_table1.rows.4.p", 0.014, "cox_table1.rows.4 (PPR)"),
        ("cox_table1.rows.6.p", "<.001", "cox_table1.rows.6 (female)"),
    ],
)
def test_a_figure_that_is_changed_disagrees_with_the_others(place, value, told_at):
    published = copy.deepcopy(PUBLISHED)
    *above, last = place.split(".")
    figures: Any = published_at(published, ".".join(above))
    figures[last] = value

    assert told_at in {check.place for check in wrong(published)} - {
        check.place for check in wrong()
    }


def test_figures_that_are_corrected_agree():
    published = copy.deepcopy(PUBLISHED)
    published["cox_table2"]["rows"][0]["hr"] = 1.12
    published["cox_table2"]["rows"][2]["p"] = 0.0002
    published["outcome"]["efs6"]["kmt2a_germline"] = [73.9, 3.6]

    assert ["outcome.relapse_site_pct.BM+testis", "cox_table1.n", "randomised.mr_hr_n"] == [
        check.place for check in wrong(published)
    ]


def test_relations_may_be_left_out():
    assert all(check.wrong is None for check in checks({"n": 1}, Relations()))


def test_the_paper_is_written_with_what_is_compared_and_what_is_not(tmp_path):
    study = tmp_path / "study"
    study.mkdir()
    (study / "published.json").write_text(
        '{"efs": [46.0, 2.0], "cutoff": "2017"}', encoding="utf-8"
    )
    (study / "paper.yaml").write_text(
        'sections: [{title: All, figures: {efs: {survival: "km.groups[level.arm=a].at[]"}, cutoff: {none: a rule}}}]',
        encoding="utf-8",
    )
    results: Any = SimpleNamespace(
        plan=SimpleNamespace(id="trial", version="1.0.0"), analyses=ANALYSES
    )
    compared = write_paper(study, results, tmp_path)
    text = (tmp_path / "paper.md").read_text(encoding="utf-8")

    assert 1 == len(compared)
    assert "| `efs` | 46.0 (2.0) | 50.0 (4.0) | +2.0 |" in text
    assert "- `cutoff`: a rule." in text
    assert "0 relations among the published figures were checked; 0 do not hold" in text
