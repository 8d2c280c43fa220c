"""A plan without some of its analyses, as a new version: what a run that must do without lost sites may go on with."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from pathlib import Path

import yaml

from riskset_common.errors import PlanError, did_you_mean
from riskset_common.formats.strict_yaml import parse_yaml, read_yaml
from riskset_common.planning.read import plan_of, read_plan
from riskset_common.programs.screen import visible
from riskset_server.kinds.placing import placed


def plan_without(path: Path, left_out: Collection[str]) -> str:
    """The text of a plan.yaml like this one, without these analyses and what is shown of them. Its version is raised by 0.0.1.

    Analyses that copy one of them are written out. Comments are not kept.

    Raises
    ------
    YamlError, PlanError
        Where the plan cannot be read, has no such analysis, or would have none left.
    """
    plan, written = read_plan(path), read_yaml(path)
    ids = [analysis.id for analysis in plan.analyses]
    for name in left_out:
        if name not in ids:
            raise PlanError(f"{path}: {name!r} is no analysis. {did_you_mean(name, ids)}")
    if set(ids) <= set(left_out):
        raise PlanError(f"{path}: no analysis would be left. Leave out fewer.")
    changed = written | {
        "version": _raised(plan.version),
        "analyses": _analyses(_mappings(written.get("analyses")), left_out),
    }
    displays = [
        shown
        for display in _mappings(written.get("displays"))
        if (shown := _display(display, left_out)) is not None
    ]
    if displays:
        changed["displays"] = displays
    else:
        changed.pop("displays", None)
    text = _written(changed, readable=True)
    if visible(text) != text:  # what a screen would change is written in YAML's own escapes
        text = _written(changed, readable=False)
    placed(plan_of(parse_yaml(text, str(path)), str(path)))
    return text


Mapped = Mapping[Hashable, object]


def _mappings(entries: object) -> list[Mapped]:
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def _written(plan: Mapped, *, readable: bool) -> str:
    """YAML of a plan, with the letters of every script or with escapes for them."""
    text: str = yaml.safe_dump(dict(plan), sort_keys=False, allow_unicode=readable, width=120)
    return text


def _raised(version: str) -> str:
    first, second, last = version.split(".")
    return f"{first}.{second}.{int(last) + 1}"


def _analyses(entries: list[Mapped], left_out: Collection[str]) -> list[Mapped]:
    by_id = {str(entry["id"]): entry for entry in entries}
    kept: list[Mapped] = []
    for entry in entries:
        if entry["id"] in left_out:
            continue
        copied = str(entry.get("copy"))
        if copied in left_out:
            own = {key: value for key, value in entry.items() if key != "copy"}
            kept.append({"id": entry["id"]} | dict(by_id[copied]) | own)
        else:
            kept.append(entry)
    return kept


def _display(entry: Mapped, left_out: Collection[str]) -> Mapped | None:
    """A display, or a panel of one, without these analyses; None where nothing of it is left."""
    if "panels" in entry:
        panels = [_display(panel, left_out) for panel in _mappings(entry["panels"])]
        kept = [panel for panel in panels if panel is not None]
        return dict(entry) | {"panels": kept} if kept else None
    shown = entry["of"] if isinstance(entry["of"], list) else [entry["of"]]
    of = [name for name in shown if name not in left_out]
    return dict(entry) | {"of": of} if of else None
