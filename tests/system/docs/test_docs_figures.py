"""The figures of docs/figures, and the tables on the estimators' pages, are those that the script makes."""

from __future__ import annotations

import pytest
from tests.system.docs.make_figures import files_made, with_table
from tests.system.docs.pages import DOCS, pages

from riskset_common.estimators.catalogue import ESTIMATORS

LARGEST = 60_000


@pytest.fixture(scope="module")
def made():
    return files_made()


def test_the_script_makes_what_is_shown(made):
    figures = {name: content for name, content in made.items() if name.endswith(".svg")}
    tables = {name.removesuffix(".csv"): made[name] for name in made.keys() - figures.keys()}

    assert figures.keys() == {path.name for path in (DOCS / "figures").glob("*.svg")}
    assert [] == [
        name
        for name, content in figures.items()
        if content != (DOCS / "figures" / name).read_bytes()
    ]
    for name, table in tables.items():
        page = (DOCS / "estimators" / f"{name}.md").read_text(encoding="utf-8")

        assert f"<!-- shown: {name} -->" in page
        assert with_table(page, name, table) == page
    assert max(map(len, figures.values())) < LARGEST


def test_every_page_of_an_estimator_shows_what_it_makes():
    shown = {
        of.path.stem
        for of in pages()
        if of.path.parent.name == "estimators"
        and (of.with_remark("shown") or any("figures/" in link for link in of.links))
    }

    assert {each.kind for each in ESTIMATORS} == shown
