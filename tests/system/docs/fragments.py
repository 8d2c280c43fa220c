"""A piece of YAML on a page, put into the study of the pages: codebook.md, plan.md and node.md show it in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.system.docs.pages import Page, page
from tests.system.docs.workspace import LUNG

from riskset_common.errors import CodebookError, NodeConfigError, PlanError
from riskset_common.formats.strict_yaml import parse_yaml, validate
from riskset_common.planning.check import check_plan
from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import Codebook, read_codebook
from riskset_common.study.study import Site, Study
from riskset_node.config import NodeConfig
from riskset_node.records.variable_columns import variable_columns
from riskset_server.kinds.placing import placed

SITES = (
    Site("adelaide", "Australian"),
    Site("leiden", "Dutch"),
    Site("lund", "Nordic"),
    Site("osaka", "Japanese"),
    Site("turin", "Italian"),
)
"""The sites that plan.md names."""


def full_text(of: Page, name: str) -> str:
    """The file that a page shows in full."""
    return next(piece.text for piece in of.blocks if piece.remarks.get("file") == name)


def codebook_of_the_pages() -> Codebook:
    """The codebook that codebook.md shows."""
    found = parse_yaml(full_text(page("codebook.md"), "codebook.yaml"), "codebook.yaml")
    return validate(Codebook, found, "codebook.yaml", CodebookError)


def check_fragment(kind: str, text: str, folder: Any) -> None:
    """Raise unless the piece fits where it belongs."""
    found = parse_yaml(text, f"{kind}.yaml")
    if kind == "codebook":
        whole = found if "codebook" in found else _codebook_with(found)
        validate(Codebook, whole, "codebook.yaml", CodebookError)
    elif kind == "node":
        base = parse_yaml(full_text(page("node.md"), "node.yaml"), "node.yaml")
        config = validate(NodeConfig, _node_with(base, found), "node.yaml", NodeConfigError)
        variable_columns(config, codebook_of_the_pages(), ())
    elif kind == "plan":
        base = parse_yaml(full_text(page("plan.md"), "plan.yaml"), "plan.yaml")
        study = _study(_plan_with(base, found), codebook_of_the_pages(), SITES, folder)
        assert placed(study.plan)
    elif kind in ("lung plan", "blind lung plan"):
        base = parse_yaml((LUNG / "plan.yaml").read_text(encoding="utf-8"), "plan.yaml")
        lung = read_codebook(LUNG / "codebook.yaml")
        study = _study(_plan_with(base, found), lung, SITES, folder)
        assert placed(study.plan)
    else:
        raise ValueError(f"nothing is known of a check named {kind!r}")


def _study(plan: Mapping[Any, Any], codebook: Codebook, sites: Any, folder: Any) -> Study:
    """The study of a plan, read as a file because that writes its copies out."""
    import yaml

    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(dict(plan), sort_keys=False), encoding="utf-8")
    study = Study(read_plan(path), codebook, sites)
    check_plan(study)
    return study


def _plan_with(base: Mapping[Any, Any], found: Mapping[Any, Any]) -> dict[Any, Any]:
    """A plan in which a piece stands in place of its own; endpoints and populations are added.

    Endpoints of dates have no place on a grid that a piece brings for its own ready-made times.
    """
    plan = dict(base)
    has_own_grid = "time" in found and "endpoints" in found
    if has_own_grid:
        plan["analyses"] = [
            {"id": name, "kind": "kaplan_meier", "endpoint": name} for name in found["endpoints"]
        ]
    if "analyses" in found or has_own_grid:
        plan.pop("displays", None)
    for key, value in found.items():
        adds = key in {"endpoints", "populations"} and not has_own_grid
        plan[key] = {**base.get(key, {}), **value} if adds else value
    return plan


def _codebook_with(found: Mapping[Any, Any]) -> dict[Any, Any]:
    """The codebook of the pages with the variables of a piece beside its own."""
    base: dict[Any, Any] = dict(
        parse_yaml(full_text(page("codebook.md"), "codebook.yaml"), "codebook.yaml")
    )
    return base | {key: {**base[key], **found[key]} for key in found}


def _node_with(base: Mapping[Any, Any], found: Mapping[Any, Any]) -> dict[Any, Any]:
    node = {**base, **found}
    node["data"] = {**base["data"], **found.get("data", {})}
    columns = {**base["data"]["columns"], **found.get("data", {}).get("columns", {})}
    absent = node["data"].get("absent", {})
    if node["data"]["source"]["kind"] == "cut":
        del node["data"]["columns"]
        return node
    node["data"]["columns"] = {name: at for name, at in columns.items() if name not in absent}
    return node


def error_classes() -> tuple[type[Exception], ...]:
    """What a piece that must be refused is refused with."""
    return (CodebookError, NodeConfigError, PlanError)
