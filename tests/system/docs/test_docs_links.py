"""Relative links of the project's pages lead somewhere, and every page of docs/ can be reached."""

from __future__ import annotations

import pytest
from tests.system.docs.pages import DOCS, ROOT, Page, pages

LINKING = [
    *pages(),
    *(Page(path) for path in sorted(ROOT.glob("*.md")) if path.name != "README.md"),
    *(
        Page(path)
        for folder in ("common", "site_node", "server", "embedded")
        for path in sorted((ROOT / folder).rglob("*.md"))
    ),
]


@pytest.mark.parametrize("of", LINKING, ids=lambda of: of.name)
def test_relative_links_lead_to_a_file_and_a_heading(of):
    broken = []
    for link in of.links:
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = (of.path.parent / target).resolve() if target else of.path
        if not path.exists() or (anchor and anchor not in Page(path).anchors):
            broken.append(link)

    assert [] == broken


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        targets = (link.partition("#")[0] for link in Page(path).links if "://" not in link)
        waiting += [(path.parent / target).resolve() for target in targets if target]
    decisions = DOCS / "decisions"

    assert set() == {of.path for of in pages() if of.path.parent != decisions} - reached
