"""All checks of a report's folder, and what they compare with what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

from riskset_common.errors import InputError
from riskset_server.displays.parts.figure import svg
from riskset_server.kinds.kinds import words_of
from riskset_server.report.blocks import Block, parts_of
from riskset_server.report.build import compose
from riskset_server.report.run_files import FinishedRun
from riskset_server.report_check import addition, at_risk, hazard_ratios, known_points, sources
from riskset_server.report_check.disagreement import Disagreement
from riskset_server.report_check.printed import (
    rows_of_csv,
    rows_of_word,
    texts_of_html,
    texts_of_svg,
)

PRINTED: Final = "as results.json"
CHECKS: Final = {
    addition.CHECK: "patients and events add up",
    hazard_ratios.CHECK: "hazard ratio, interval and P of a row fit together",
    known_points.CHECK: "the points of a rounded curve fit together, and with its group",
    at_risk.CHECK: "patients at risk only become fewer, and nobody is lost",
    sources.CHECK: "each number of a display is one of its analyses",
    PRINTED: "each number on file is the one that results.json gives",
}
"""Every check, and what it asks."""

_DIGIT = re.compile(r"\d")
_OWN_VERSION = "Computed with riskset-server"


def check_report(folder: Path, run: FinishedRun) -> list[Disagreement]:
    """Everything in a report's folder that does not agree; empty where all does.

    PNG and PDF are pictures, which are not read.
    """
    parts = parts_of(run.results, run.plan)
    disagreements = [
        *addition.additions(parts, run.plan),
        *known_points.misfits(parts, run.plan),
        *at_risk.growing_curves(parts, run.plan),
    ]
    made = compose(run.results, run.plan, run.codebook)
    for block in made.blocks:
        disagreements += (
            _of_table(folder, block, run) if block.table else _of_figure(folder, block, run)
        )
    page = folder / "report.html"
    expected = _with_digits(texts_of_html(made.page))
    disagreements += _differences(
        page.name, _with_digits(texts_of_html(_read(page).decode())), expected
    )
    return list(dict.fromkeys(disagreements))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Build the report with `riskset report build`."
        ) from error


def _of_table(folder: Path, block: Block, run: FinishedRun) -> Iterator[Disagreement]:
    if block.table is None:
        return
    path = folder / "tables" / f"{block.stem}.csv"
    where = f"tables/{path.name}"
    rows, expected = rows_of_csv(_read(path).decode("utf-8")), rows_of_csv(block.table.csv())
    yield from _cells(where, rows, expected)
    if rows:
        yield from hazard_ratios.ratios(where, rows)
    document = path.with_suffix(".docx")
    if document.exists():
        marked = [
            [one.text + block.table.marks(one) for one in (row.label, *row.cells)]
            for row in block.table.rows
        ]
        yield from _cells(
            f"tables/{document.name}", rows_of_word(document), [list(block.table.heads), *marked]
        )
    traced = sources.sources_of(block.parts, words_of(run.plan, run.codebook))
    yield from sources.untraced_cells(where, block.table, traced)


def _of_figure(folder: Path, block: Block, run: FinishedRun) -> Iterator[Disagreement]:
    if block.drawing is None:
        return
    path = folder / "figures" / f"{block.stem}.svg"
    where = f"figures/{path.name}"
    texts, expected = texts_of_svg(_read(path)), texts_of_svg(svg(block.drawing))
    yield from _differences(
        where,
        _with_digits([text.words for text in texts]),
        _with_digits([text.words for text in expected]),
    )
    if not any(at_risk.enters_late(part, run.plan) for part in block.parts):
        exact = run.plan.disclosure.release == "exact"
        yield from at_risk.growing_rows(where, texts, exact=exact)
    traced = sources.sources_of(block.parts, words_of(run.plan, run.codebook))
    yield from sources.untraced_texts(where, expected, block.drawing.legend, traced)


def _with_digits(texts: Sequence[str]) -> list[str]:
    """Texts with a number in them, but for the one that names the release that wrote the page."""
    return [
        " ".join(text.split())
        for text in texts
        if _DIGIT.search(text) and not text.startswith(_OWN_VERSION)
    ]


def _cells(
    where: str, printed: Sequence[Sequence[str]], expected: Sequence[Sequence[str]]
) -> Iterator[Disagreement]:
    """Cells of a table on file that are not those of the results."""
    if len(printed) != len(expected):
        yield Disagreement(PRINTED, where, f"{len(printed)} rows, expected {len(expected)}")
        return
    heads = expected[0]
    for row, wanted in zip(printed, expected, strict=True):
        if len(row) != len(wanted):
            yield Disagreement(
                PRINTED,
                f"{where}, row {wanted[0].strip()!r}",
                f"{len(row)} cells, expected {len(wanted)}",
            )
            continue
        for head, on_file, right in zip(heads, row, wanted, strict=True):
            if on_file != right and _DIGIT.search(on_file + right):
                place = f"{where}, row {wanted[0].strip()!r}, column {head!r}"
                yield Disagreement(PRINTED, place, f"{on_file!r}, expected {right!r}")


def _differences(
    where: str, printed: Sequence[str], expected: Sequence[str]
) -> Iterator[Disagreement]:
    """Texts with a number that are not those of the results, each beside the one that is expected in its place."""
    for tag, a, b, c, d in SequenceMatcher(None, printed, expected, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for rank in range(max(b - a, d - c)):
            on_file = repr(printed[a + rank]) if a + rank < b else "nothing"
            right = repr(expected[c + rank]) if c + rank < d else "nothing"
            yield Disagreement(PRINTED, where, f"{on_file}, expected {right}")
