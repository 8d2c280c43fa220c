"""A function fits a screen. One that does not says in a docstring what it does, and is listed here with what makes it long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PRODUCT = ("common", "site_node", "server", "deploy")
SCREEN = 40

LONGER = frozenset(
    {
        # Most of it is the docstring that a caller needs.
        "common/riskset_common/secure/blind/cox/evaluation.py:evaluate",
        "common/riskset_common/survival/curves/risk_table.py:count_on_grid",
        "common/riskset_common/survival/incidence/fine_gray.py:prepare_subdistribution",
        "common/riskset_common/survival/regression/cox.py:prepare",
        "common/riskset_common/survival/regression/slot_sums.py:prepare_slots",
        "deploy/embedded/riskset_embedded/engine.py:run_local",
        "deploy/embedded/riskset_embedded/federation.py:make_federation",
        "deploy/embedded/riskset_embedded/local_run.py:run_files",
        "server/riskset_server/centre/new_centre.py:new_centre",
        "server/riskset_server/plans/signed_plan.py:check_signature",
        "site_node/riskset_node/enrolment/joining.py:join_folder",
        # A protocol or a program read from top to bottom, a formula line by line.
        "common/riskset_common/release/tests/gray_program.py:_computed",
        "common/riskset_common/survival/incidence/gray_sums.py:gray_terms",
        "common/riskset_common/secure/blind/protocol.py:run_blind_cox",
        "common/riskset_common/secure/sums/protocol.py:run_secure_sum",
        # One line for each field, option or column.
        "common/riskset_common/estimators/curves/incidence_curve.py:cause_incidence",
        "common/riskset_common/estimators/regression/result.py:result",
        "server/riskset_server/commands/riskset.py:power",
        "server/riskset_server/displays/figures/curve.py:_layout",
        "server/riskset_server/store/migrations/versions/r0001_sites_runs_messages.py:upgrade",
        "site_node/riskset_node/commands/outbox.py:show",
    }
)


def long_functions(checkout: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for folder in PRODUCT:
        for module in sorted((checkout / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    continue
                if (node.end_lineno or 0) - node.lineno + 1 > SCREEN:
                    yield f"{module.relative_to(checkout).as_posix()}:{node.name}", node


def test_a_function_longer_than_a_screen_says_what_it_does(checkout: Path) -> None:
    silent = [name for name, node in long_functions(checkout) if ast.get_docstring(node) is None]

    assert [] == silent


def test_those_longer_than_a_screen_are_those_listed_with_the_reason(checkout: Path) -> None:
    assert LONGER == {name for name, _ in long_functions(checkout)}
