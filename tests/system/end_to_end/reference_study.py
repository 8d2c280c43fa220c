"""Turn a reference data set and what was asked of R into a study: codebook, plan, site files, node.yaml.

A split by a column makes each of its values a site. A model without strata is asked of one site that holds everyone, which is
then stratified by a site that is the same for all.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = [
    folder
    for folder in (ROOT / "tests" / "golden", ROOT.parent / "shared" / "reference")
    if folder.is_dir()
]
ALLOWED = [
    "kaplan_meier",
    "log_rank",
    "cumulative_incidence",
    "gray",
    "cox",
    "fine_gray",
    "baseline",
    "event_table",
    "follow_up",
    "landmark",
]
ONE_SITE = "one site"
ANYHOW = "site_adv or site"
"""The hardest split there is; patients whose site is not known make one more."""
BLIND = "four sites"
"""A split for models whose risk sets reach across sites: three sites, and one with a single patient."""
CURVE_INTERVALS = {"log": "log", "log-log": "loglog", "plain": "plain"}

Analysis = Mapping[str, Any]


def data_sets() -> dict[str, Path]:
    """Reference data sets by name, and the folder that holds each; those of the project first."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted((folder / "ref").glob("*.json")):
            if (folder / "data" / f"{path.stem}.csv").exists():
                found.setdefault(path.stem, folder)
    return found


@cache
def rows_of(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a data set as text."""
    with (data_sets()[name] / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines))


@cache
def analyses_of(name: str) -> tuple[Analysis, ...]:
    """What was asked of R, and its answers."""
    text = (data_sets()[name] / "ref" / f"{name}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text)["analyses"])


KINDS = {"km", "reverse_km", "logrank", "cox", "table", "cif", "fine_gray", "landmark_counts"}


def why_not(analysis: Analysis) -> str | None:
    """Why riskset is not asked this; None where it is."""
    spec, kind = analysis["spec"], analysis["kind"]
    if kind not in KINDS:
        return f"{kind} is no estimator of this release"
    if spec.get("weights") is not None or spec.get("cluster") is not None:
        return "weights and robust variances are no part of this release"
    if kind == "fine_gray" and spec["cengroup"] is not None:
        return "the censoring distribution is of all patients or of each stratum"
    if kind == "cox" and spec["ties"] == "exact":
        return "exact ties are not offered"
    if (
        kind == "logrank"
        and spec["response"]["start"] is None
        and "r_error" in analysis["result"]["rho_0"]
    ):
        return "R itself stopped"
    if analysis["result"].get("error"):
        return "R itself stopped"
    if any(condition["op"] != "==" for condition in spec.get("subset") or ()):
        return "a plan's conditions name levels only"
    if kind == "cox" and any(len(term.get("of", ())) > 2 for term in spec["terms"]):
        return "interactions are pairs"
    return None


def splits_of(analysis: Analysis) -> tuple[str, ...]:
    """The ways to split the patients when this is asked: Cox models blind as well."""
    return (split_of(analysis), *((BLIND,) if analysis["kind"] == "cox" else ()))


def split_of(analysis: Analysis) -> str:
    """The column whose values are the sites when this is asked."""
    spec, kind = analysis["spec"], analysis["kind"]
    strata = spec.get("strata") or ()
    strata = [strata] if isinstance(strata, str) else list(strata)
    if kind in {"cox", "fine_gray"}:
        return strata[0] if len(strata) == 1 else ONE_SITE
    if kind in {"logrank", "cif"} and strata == ["site"]:
        return "site"
    return ANYHOW


def landmark_of(analysis: Analysis) -> tuple[float, str] | None:
    """The landmark and the column of the time of exposure, where an analysis is one of patients at a landmark."""
    spec = analysis["spec"]
    if analysis["kind"] == "landmark_counts":
        return spec["landmark"], spec["exposure_time"]
    found = re.match(r"landmark (\S+): .* = \((\S+) <= ", spec.get("note") or "")
    return (float(found[1]), found[2]) if found else None


def level(text: str) -> str:
    """How a value of a category is named: whole numbers by their digits."""
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number == int(number) else text


def names(value: str | Sequence[str] | None) -> list[str]:
    """One name or several as a list."""
    return [] if value is None else [value] if isinstance(value, str) else list(value)


@dataclass
class Study:
    """A study in the making: what its analyses use decides its codebook."""

    data: str
    conventions: str
    categories: dict[str, list[str]] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    endpoints: dict[str, Any] = field(default_factory=dict)
    analyses: list[dict[str, Any]] = field(default_factory=list)
    asked: dict[str, Analysis] = field(default_factory=dict)

    def category(self, column: str, levels: Iterable[str] = ()) -> str:
        """Use a column as a category; its levels in the order given, then as they sort."""
        found = {level(row[column]) for row in rows_of(self.data) if row[column] != ""}
        given = [level(str(each)) for each in levels]
        known = self.categories.setdefault(f"c_{column}", [])
        rest = sorted(
            found - set(given),
            key=lambda text: (0, float(text), "") if _is_number(text) else (1, 0.0, text),
        )
        if not known:
            known += [*given, *rest]
        return f"c_{column}"

    def number(self, column: str) -> str:
        """Use a column as a number."""
        self.numbers.add(column)
        return f"n_{column}"

    def endpoint(self, response: Mapping[str, Any]) -> str:
        """The endpoint of a response of R."""
        status, values = response["event"]["col"], names_of_values(response["event"]["values"])
        key = "_".join([response["time"], status, *values, response["start"] or ""]).replace(
            ".", "_"
        )
        endpoint: dict[str, Any] = {
            "label": key,
            "time": {"variable": self.number(response["time"])},
            "status": {"variable": self.category(status), "events": {"event": values}},
        }
        if response["start"] is not None:
            endpoint["entry"] = {"variable": self.number(response["start"])}
        self.endpoints[key] = endpoint
        return key

    def competing_endpoint(self, spec: Mapping[str, Any]) -> str:
        """The endpoint of competing events: each cause is named by its value."""
        causes = names_of_values(spec["causes"])
        key = "_".join([spec["time"], spec["event"], "causes"]).replace(".", "_")
        self.endpoints[key] = {
            "label": key,
            "time": {"variable": self.number(spec["time"])},
            "status": {
                "variable": self.category(spec["event"]),
                "events": {f"cause_{cause}": [cause] for cause in causes},
            },
        }
        return key

    def ask(self, analysis: Analysis, **keys: Any) -> str:
        """Add an analysis to the plan."""
        spec = analysis["spec"]
        where = {
            self.category(each["col"]): [level(str(each["value"]))]
            for each in spec.get("subset") or ()
        }
        name = f"a{len(self.analyses)}"
        self.analyses.append({"id": name, **({"where": where} if where else {}), **keys})
        self.asked[name] = analysis
        return name


def names_of_values(values: Any) -> list[str]:
    """Values of a status column as levels."""
    return [level(str(value)) for value in (values if isinstance(values, list) else [values])]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def grid_step(data: str, columns: Iterable[str]) -> str:
    """The coarsest decimal step of which all times of these columns are multiples."""
    times = [
        Decimal(row[column]) for column in columns for row in rows_of(data) if row[column] != ""
    ]
    for step in ("1", "0.5", "0.1", "0.05", "0.01", "0.005", "0.001", "0.0001"):
        if all(time % Decimal(step) == 0 for time in times):
            return step
    raise AssertionError(f"no step fits the times of {data}")


def write(study: Study, split: str, folder: Path) -> None:
    """Write codebook.yaml, plan.yaml, nodes/ and data/ of a study, split into sites by a column."""
    time_columns = sorted(
        {
            endpoint[part]["variable"][2:]
            for endpoint in study.endpoints.values()
            for part in ("time", "entry")
            if part in endpoint
        }
    )
    step = float(grid_step(study.data, time_columns)) if time_columns else 1.0
    variables: dict[str, Any] = {
        name: {"kind": "category", "label": name, "levels": {each: each for each in levels}}
        for name, levels in study.categories.items()
    }
    variables |= {
        f"n_{column}": {"kind": "number", "label": column} | _range(study.data, column, split)
        for column in sorted(study.numbers)
    }
    _dump(folder / "codebook.yaml", {"codebook": study.data, "version": 1, "variables": variables})
    plan = {
        "plan": study.data,
        "version": "1.0.0",
        "codebook": f"{study.data}@1",
        "time": {"unit": "days", "grid_days": step},
        "conventions": study.conventions,
        "endpoints": study.endpoints,
        "analyses": study.analyses,
        "disclosure": {"release": "exact"},
    }
    _dump(folder / "plan.yaml", plan)
    _write_sites(study, split, folder)


def _range(data: str, column: str, split: str) -> dict[str, Any]:
    """The range of a number, which a blind model needs."""
    if split != BLIND:
        return {}
    values = [float(row[column]) for row in rows_of(data) if row[column] != ""]
    return {"range": [min(values), max(values)]}


def _write_sites(study: Study, split: str, folder: Path) -> None:
    columns = [*(name[2:] for name in study.categories), *study.numbers]
    used = list(dict.fromkeys(columns))
    by_site: dict[str, list[dict[str, str]]] = {}
    for index, row in enumerate(rows_of(study.data)):
        value = _site(row, split, index)
        if value != "":
            by_site.setdefault(value, []).append(row)
    for index, (value, rows) in enumerate(sorted(by_site.items())):
        site = f"site-{index:03d}"
        with _new(folder / "data" / f"{site}.csv").open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, used, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        mapping = {
            name: name[2:]
            for name in (*study.categories, *(f"n_{column}" for column in study.numbers))
        }
        node = {
            "site": site,
            "study_group": f"group {value}",
            "data": {"source": {"kind": "csv", "path": f"../data/{site}.csv"}, "columns": mapping},
            "policy": {"release": "exact", "estimators": ALLOWED},
        }
        _dump(folder / "nodes" / f"{site}.yaml", node)


def _site(row: Mapping[str, str], split: str, index: int) -> str:
    if split == BLIND:
        return f"{index * index % 7 % 3}" if index else "alone"
    if split == ONE_SITE:
        return "everyone"
    if split == ANYHOW:
        return row.get("site_adv") or row.get("site") or "not known"
    return row[split]


def _new(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _dump(path: Path, content: Mapping[str, Any]) -> None:
    _new(path).write_text(
        yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
