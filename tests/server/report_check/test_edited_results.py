"""results.json that somebody edited: `report build` and `report check` read it, or say in words what does not belong there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from riskset_common.errors import InputError
from riskset_common.estimators.read_back import results_from_json
from riskset_server.report.blocks import parts_of
from riskset_server.report.build import compose
from riskset_server.report.run_files import FinishedRun, read_run
from riskset_server.report_check.addition import additions
from riskset_server.report_check.at_risk import growing_curves

PUT: list[Any] = [None, -1, 0, 0.5, 10**9, "x", True, [], {}, [1], {"withheld": "minimum_cell 5"}]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place within a result; of a list the first three."""
    if path:
        yield path
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[:3] if isinstance(value, list) else ())
    )
    for name, item in inner:
        yield from places(item, (*path, name))


def edited(result: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
    """Take something away, put something else there, or make a list longer or shorter."""
    *above, last = draw(st.sampled_from(list(places(result))))
    for name in above:
        result = result[name]
    how = draw(st.sampled_from(["put", "drop", "longer", "shorter"]))
    if how == "drop":
        del result[last]
    elif how != "put" and isinstance(result[last], list) and result[last]:
        result[last] = [*result[last], result[last][-1]] if how == "longer" else result[last][:-1]
    else:
        result[last] = draw(st.sampled_from(PUT))


def reads_and_builds(results: Any, run: FinishedRun, name: str) -> None:
    """What both commands do with one analysis, without writing files."""
    [spec] = [each for each in run.plan.analyses if each.id == name]
    plan = run.plan.model_copy(update={"analyses": (spec,), "displays": ()})
    read = results_from_json(results)
    parts = parts_of(read, plan)
    list(additions(parts, plan))
    list(growing_curves(parts, plan))
    compose(read, plan, run.codebook)


@pytest.mark.parametrize("release", ["whole", "rounded"])
@examples(40)
@given(data=st.data())
def test_an_edited_result_is_read_or_refused_in_words(
    release: str, data: st.DataObject, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(release)
    run = read_run(folder)
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    name = data.draw(st.sampled_from(sorted(results["analyses"])))
    edited(results["analyses"][name], data.draw)
    results["analyses"] = {name: results["analyses"][name]}
    said = ""
    try:
        reads_and_builds(results, run, name)
    except InputError as error:
        said = str(error)

    assert not said or "Take a results.json" in said or "finished run" in said
