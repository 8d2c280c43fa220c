"""The examples of plans on the pages, put together into one plan for each study, and patients for the study of the pages."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tests.runs import Change
from tests.system.docs.fragments import SITES, full_text
from tests.system.docs.pages import Page, Piece, page, pages
from tests.system.docs.workspace import LUNG

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import read_codebook
from riskset_common.study.study import Study

NAMES = ("adelaide", "leiden", "turin", "osaka", "lund")
"""Sites of the study of the pages, in the order of their groups in `SITES`."""
PATIENTS = 60
"""At each of its sites."""
ADDED = ("endpoints", "populations")
"""Keys of a plan whose entries stand beside those of other examples."""


def plans_on(checks: tuple[str, ...]) -> Iterator[Piece]:
    """Every piece of a plan that the pages show as one that can be run."""
    for of in pages():
        for piece in of.blocks:
            if piece.remarks.get("check") in checks:
                yield piece


def together(base: Mapping[str, Any], checks: tuple[str, ...]) -> dict[str, Any]:
    """A plan with the analyses, displays, endpoints and populations of every example, each under a name of its own.

    An example that changes anything else of the plan, such as the unit of time, is left to `alone`. An endpoint that no analysis of its
    example asks for gets a curve.
    """
    plan: dict[str, Any] = {**base, **{key: dict(base.get(key, {})) for key in ADDED}}
    plan["analyses"], plan["displays"] = list(base["analyses"]), list(base.get("displays", []))
    for index, piece in enumerate(plans_on(checks)):
        found = yaml.safe_load(piece.text)
        if is_alone(found):
            continue
        ids = {each["id"]: f"{each['id']}_{index}" for each in found.get("analyses", ())}
        for key in ADDED:
            plan[key] |= {f"{name}_{index}": each for name, each in found.get(key, {}).items()}
        plan["analyses"] += [_renamed(each, ids) for each in found.get("analyses", ())]
        plan["analyses"] += [
            {"id": f"curve_{name}_{index}", "kind": "kaplan_meier", "endpoint": f"{name}_{index}"}
            for name in found.get("endpoints", ())
        ]
        plan["analyses"] += [
            {"id": f"of_{name}_{index}", "kind": "flow", "steps": ["sex"]}
            | {"population": f"{name}_{index}"}
            for name in found.get("populations", ())
        ]
        plan["displays"] += [_shown(each, ids, index) for each in found.get("displays", ())]
    return plan


def is_alone(found: Mapping[str, Any]) -> bool:
    """Whether an example changes more of a plan than its lists, and is run by itself."""
    return bool(set(found) - {*ADDED, "analyses", "displays"})


def _renamed(analysis: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    names = {key: ids[analysis[key]] for key in ("id", "copy") if key in analysis}
    return {**analysis, **names}


def _shown(display: Mapping[str, Any], ids: Mapping[str, str], index: int) -> dict[str, Any]:
    """A display of the analyses as they are named now, under a title of its own."""
    shown = {**display}
    for key in ("table", "figure"):
        if key in shown:
            shown[key] = f"{shown[key]} of example {index}"
    if "of" in shown:
        of = [shown["of"]] if isinstance(shown["of"], str) else shown["of"]
        shown["of"] = [ids.get(name, name) for name in of]
    return shown


def alone(base: Mapping[str, Any], checks: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The examples that change more of a plan, each in the plan of its page."""
    for piece in plans_on(checks):
        found = yaml.safe_load(piece.text)
        if not is_alone(found):
            continue
        plan = {**base, **found}
        for key in ADDED:
            plan[key] = {**base.get(key, {}), **found.get(key, {})}
        if "endpoints" in found:
            plan["analyses"] = [
                {"id": f"curve_{name}", "kind": "kaplan_meier", "endpoint": name}
                for name in found["endpoints"]
            ]
            plan["endpoints"] = found["endpoints"]
            plan["displays"] = []
        elif "analyses" in found:
            plan["displays"] = []
        yield plan


def base_of(study: str) -> dict[str, Any]:
    """The plan beside which the examples of a study stand."""
    text = (
        (LUNG / "plan.yaml").read_text(encoding="utf-8")
        if study == "lung"
        else full_text(page("plan.md"), "plan.yaml")
    )
    base: dict[str, Any] = yaml.safe_load(text)
    return base


def write_infants(folder: Path) -> Path:
    """The study of the pages with patients: codebook.yaml, plan.yaml, nodes/ and data/."""
    for name, of in (("codebook.yaml", "codebook.md"), ("plan.yaml", "plan.md")):
        (folder / name).write_text(full_text(page(of), name), encoding="utf-8")
    (folder / "nodes").mkdir()
    (folder / "data").mkdir()
    for seed, (name, site) in enumerate(zip(NAMES, SITES, strict=True)):
        rows = list(_patients(np.random.default_rng(seed)))
        with (folder / "data" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
        node = {"site": name, "study_group": site.study_group, "study": "infants"}
        node["data"] = {"source": {"kind": "csv", "path": f"../data/{name}.csv"}}  # type: ignore[assignment]
        (folder / "nodes" / f"{name}.yaml").write_text(yaml.safe_dump(node), encoding="utf-8")
    return folder


def _patients(rng: np.random.Generator) -> Iterator[dict[str, object]]:
    """Infants who are diagnosed, mostly go into remission, and relapse, die or are followed."""
    for _ in range(PATIENTS):
        diagnosis = dt.date(2016, 1, 1) + dt.timedelta(int(rng.integers(0, 1500)))
        end = diagnosis + dt.timedelta(int(rng.integers(400, 1500)))
        remission = diagnosis + dt.timedelta(int(rng.integers(20, 70)))
        relapse = remission + dt.timedelta(int(rng.integers(10, 900)))
        death = diagnosis + dt.timedelta(int(rng.integers(5, 1600)))
        remits, relapses, dies = (bool(rng.random() < p) for p in (0.9, 0.5, 0.5))
        dies = dies and death < end
        last = death if dies else end
        remits = remits and remission < last
        relapses = remits and relapses and relapse < last
        status = "relapse" if relapses else "death" if dies else "none"
        first = relapse if relapses else last
        yield {
            "diagnosis": diagnosis,
            "remission": remission if remits else "",
            "relapse": relapse if relapses else "",
            "death": death if dies else "",
            "last_contact": last,
            "arm": rng.choice(["control", "new", ""], p=[0.45, 0.45, 0.1]),
            "sex": rng.choice(["female", "male"]),
            "cns": rng.choice(["1", "2", "3", ""]),
            "age": round(float(rng.uniform(0, 11.9)), 1),
            "wbc": round(float(rng.uniform(5, 900)), 1),
            "efs_time": (first - diagnosis).days // 30,
            "efs_status": status,
        }


def write_page(of: Page, folder: Path) -> Path:
    """The files that a page shows in full."""
    for piece in of.blocks:
        if "file" in piece.remarks:
            path = folder / piece.remarks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(piece.text + "\n", encoding="utf-8")
    return folder


def in_two_groups(folder: Path) -> None:
    """The institutions of the lung study in two groups, for what is asked by groups of sites."""
    path = folder / "codebook.yaml"
    codebook = yaml.safe_load(path.read_text(encoding="utf-8"))
    names = [
        yaml.safe_load(node.read_text(encoding="utf-8"))["study_group"]
        for node in sorted((folder / "nodes").iterdir())
    ]
    groups = {"first ten": names[:10], "others": names[10:]}
    derived = {"from": "study_group", "label": "Institutions", "groups": groups}
    codebook["derived"] = {**codebook["derived"], "institutions": derived}
    path.write_text(yaml.safe_dump(codebook, sort_keys=False, allow_unicode=True), encoding="utf-8")


def released(release: str) -> Change:
    """Ask for exact or rounded results: in the plan, and in what every site allows.

    Of a plan with rounded results the analyses are left out that are refused then, with the displays that show nothing else.
    """

    def change(folder: Path) -> None:
        path = folder / "plan.yaml"
        plan = yaml.safe_load(path.read_text(encoding="utf-8"))
        plan["disclosure"] = {**plan.get("disclosure", {}), "release": release}
        path.write_text(yaml.safe_dump(plan, sort_keys=False, allow_unicode=True), encoding="utf-8")
        for node in (folder / "nodes").iterdir():
            read = yaml.safe_load(node.read_text(encoding="utf-8"))
            read["policy"] = {**read.get("policy", {}), "release": release}
            node.write_text(yaml.safe_dump(read, sort_keys=False), encoding="utf-8")
        if release == "rounded":
            refused = set(_refused(folder))
            left = [each for each in plan["analyses"] if each["id"] not in refused]
            displays = [each for each in plan.get("displays", []) if not _of(each) <= refused]
            plan |= {"analyses": left, "displays": displays}
            path.write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")

    return change


def _refused(folder: Path) -> Iterator[str]:
    """The analyses of a plan that cannot be computed on shares."""
    plan, codebook = read_plan(folder / "plan.yaml"), read_codebook(folder / "codebook.yaml")
    for spec in plan.analyses:
        if any(estimator_of(spec.kind).not_rounded(spec, Study(plan, codebook, ()))):
            yield spec.id


def _of(display: Mapping[str, Any]) -> set[str]:
    """The analyses that a display shows."""
    found = [panel.get("of", []) for panel in (display, *display.get("panels", []))]
    return {name for of in found for name in ([of] if isinstance(of, str) else of)}
