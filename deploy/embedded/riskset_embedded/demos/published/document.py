"""paper.md: the published figures beside the run's, those that are no estimates, and where the report disagrees with itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from riskset_common.results.whole_file import Results
from riskset_embedded.demos.published.agreement import Check, checks
from riskset_embedded.demos.published.compared import Compared, compare
from riskset_embedded.demos.published.mapping import PaperMap, read_map

PAPER = "paper.md"


def write_paper(study: Path, results: Results, folder: Path) -> Sequence[Compared]:
    """Write paper.md into a finished run's folder, and give what it compares.

    Parameters
    ----------
    study
        Folder with published.json and paper.yaml.
    results
        Those of the run.
    """
    published = json.loads((study / "published.json").read_text(encoding="utf-8"))
    mapping = read_map(study / "paper.yaml", published)
    compared = compare(results.analyses, published, mapping)
    lines = _document(results, compared, mapping, checks(published, mapping.relations))
    (folder / PAPER).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return compared


def in_one_sentence(compared: Sequence[Compared]) -> str:
    """One sentence on how far published figures and run are apart."""
    apart = [abs(each.difference) for each in compared if each.difference is not None]
    hidden = sum(not each.shown for each in compared)
    held_back = f"; {hidden} are held back by the disclosure rules" if hidden else ""
    near, far = sum(value <= 2 for value in apart), sum(value > 3 for value in apart)
    return (
        f"{len(compared)} published figures compared. Of the {len(apart)} with a standard error {near} lie within 2 of it, "
        f"{far} beyond 3{held_back}."
    )


def _document(
    results: Results,
    compared: Sequence[Compared],
    mapping: PaperMap,
    checks: Sequence[Check],
) -> Iterator[str]:
    plan = results.plan
    yield f"# {plan.id} {plan.version}: published and in this run"
    yield ""
    yield "The patients of this run are synthetic: nothing here is a result about patients."
    yield in_one_sentence(compared)
    yield ""
    yield "Estimates are percentages with their standard error; hazard ratios have their 95% limits and P."
    yield "Differences are (run - published) / SE: of an estimate the published SE, of a hazard ratio the one that the published limits"
    yield "imply on the log scale, of a count or a share the binomial one. Where there is none, or nothing to compare, stands a dash."
    for section, rows in groupby(compared, key=lambda each: each.section):
        yield from (
            "",
            f"## {section}",
            "",
            "| figure | published | this run | difference in SE |",
            "| --- | --- | --- | --- |",
        )
        for row in rows:
            difference = "-" if row.difference is None else f"{row.difference:+.1f}"
            run = row.run if row.shown else f"withheld ({row.run})"
            yield f"| `{row.place}` | {row.published} | {run} | {difference} |"
    yield from ("", "## Published, and no estimate", "")
    for place, figure in mapping.figures.items():
        if figure.kind == "none":
            yield f"- `{place}`: {figure.place}."
    yield from ("", "## Where the report disagrees with itself", "")
    wrong = [check for check in checks if check.wrong is not None]
    yield f"{len(checks)} relations among the published figures were checked; {len(wrong)} do not hold, whatever the rounding."
    yield ""
    for check in wrong:
        yield f"- `{check.place}`: {check.wrong}."
