"""Where results have types nobody asks for a field by a text, which neither mypy nor a reader can follow."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server" / "riskset_server"
TYPED = ("disclosure", "displays", "kinds", "report", "report_check", "results", "run")
"""Folders of the server in which results are dataclasses only."""

NO_RESULT = {
    "displays/tables/word_table.py: document.styles['Normal']": "python-docx has its styles by name",
    "report_check/at_risk.py: block.rows.get('At risk', {})": "rows of a figure, by what is printed before them",
    "report_check/at_risk.py: block.rows['At risk']": "rows of a figure, by what is printed before them",
    "report_check/printed.py: element.get('id', '')": "an attribute of an element of an SVG file",
    "report_check/printed.py: element.get('style', '')": "an attribute of an element of an SVG file",
    "report_check/printed.py: element.get('x', '')": "an attribute of an element of an SVG file",
    "run/replies.py: getattr(message, 'site_id', None)": "a message of any kind, of which some name a site",
}
"""What is looked up by a text and is no result, by its module, with the reason."""


def by_text(tree: ast.AST) -> list[str]:
    """What is looked up by a text: `found["name"]`, `found.get("name")`, and `getattr` unless it is of a `field.name`.

    The keys of a spec, in `getattr(spec, "by", ())`, are the plan's and no result's.
    """
    asking = [node for node in ast.walk(tree) if _asks(node)]
    return [ast.unparse(node) for node in asking]


def _asks(node: ast.AST) -> bool:
    match node:
        case ast.Subscript(slice=ast.Constant(value=str())):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str()), *_]):
            return True
        case ast.Call(func=ast.Name(id="getattr"), args=[of, name, *_]):
            return not _is_spec(of) and ast.unparse(name) != "field.name"
    return False


def _is_spec(node: ast.AST) -> bool:
    return ast.unparse(node).split(".")[-1] == "spec"


def test_no_field_of_a_result_is_asked_for_by_a_text() -> None:
    modules = {folder: sorted((SERVER / folder).rglob("*.py")) for folder in TYPED}
    found = [
        f"{module.relative_to(SERVER).as_posix()}: {asked}"
        for folder in TYPED
        for module in modules[folder]
        for asked in by_text(ast.parse(module.read_text(encoding="utf-8")))
    ]

    assert all(modules.values())
    assert sorted(NO_RESULT) == sorted(found)


@pytest.mark.parametrize(
    "asked",
    [
        "a['n']",
        "a.get('n')",
        "a.get('n', 0)",
        "getattr(a, 'n')",
        "getattr(a, name, None)",
        "getattr(spec.result, kind)",
    ],
)
def test_each_way_to_ask_by_a_text_is_seen(asked: str) -> None:
    assert [asked] == by_text(ast.parse(asked))


@pytest.mark.parametrize(
    "asked",
    [
        "a[0]",
        "a.get(name)",
        "a.get()",
        "get('n')",
        "getattr(a, field.name)",
        "getattr(part.spec, 'by', ())",
        "getattr(spec, 'by')",
    ],
)
def test_what_asks_for_no_field_by_a_text_is_left_alone(asked: str) -> None:
    assert [] == by_text(ast.parse(asked))


def test_results_become_text_only_where_they_are_written(checkout: Path) -> None:
    writers = {
        module.relative_to(checkout).as_posix()
        for folder in ("common", "server", "site_node", "deploy")
        for module in (checkout / folder).rglob("*.py")
        if "riskset_common.results.as_json" in module.read_text(encoding="utf-8")
    }

    assert {
        "deploy/embedded/riskset_embedded/output_folder.py",
        "server/riskset_server/driving/driver.py",
    } == writers
