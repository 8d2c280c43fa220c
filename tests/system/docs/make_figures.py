"""Make the figures in docs/figures and the tables on the pages of the estimators, from public data that are kept here.

    python -m tests.system.docs.make_figures

The lung trial is that of `riskset demo`; the Stanford heart transplant programme and made competing risks are golden data.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from tests.system.docs.pages import DOCS, ROOT

from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_common.formats.strict_yaml import parse_yaml
from riskset_common.planning.read import plan_of
from riskset_common.study.codebook import Codebook
from riskset_embedded.engine import Parties, run_local
from riskset_embedded.local_run import read_nodes
from riskset_node.config import NodeConfig
from riskset_server.report.build import compose
from riskset_server.report.files import write_whole
from riskset_server.report.formats import ALWAYS, files_of

LUNG = ROOT / "deploy" / "studies" / "lung"
GOLDEN = ROOT / "tests" / "golden" / "data"
LUNG_PLAN = """
analyses:
  - {id: kaplan_meier, kind: kaplan_meier, endpoint: OS, by: sex, at: [365, 730], test: log_rank}
  - {id: cox, kind: cox, endpoint: OS, terms: [{factor: sex, reference: male}, {factor: ecog_3, reference: ECOG 0}, {number: age}],
     strata: [site]}
  - {id: univariate, kind: univariate, endpoint: OS, factors: [sex, ecog_3], at: [365], test: log_rank, strata: [site]}
  - {id: follow_up, kind: follow_up, endpoint: OS, range: true}
  - {id: baseline, kind: baseline, by: sex, rows: [age_65, ecog], test: chi_square}
  - {id: event_table, kind: event_table, endpoint: OS, by: sex}
  - {id: flow, kind: flow, steps: [enrolled, ecog_3, sex]}
  - {id: heterogeneity, kind: heterogeneity, endpoint: OS, terms: [{factor: sex, reference: male}], by: institutions}
displays:
  - {figure: kaplan_meier, of: kaplan_meier, until: 910, every: 182}
  - {figure: cox, of: cox}
  - {table: univariate, of: univariate}
  - {table: follow_up, of: follow_up}
  - {table: baseline, of: baseline}
  - {table: event_table, of: event_table}
  - {figure: flow, of: flow}
  - {figure: heterogeneity, of: heterogeneity}
"""
HEART = """
codebook: heart
version: 1
variables:
  futime: {kind: number, label: Survival time, unit: days, required: true}
  fustat: {kind: category, label: Status, levels: {"0": Alive, "1": Dead}, required: true}
  surgery: {kind: category, label: Bypass surgery before, levels: {"0": "No", "1": "Yes"}}
  wait_time: {kind: number, label: Transplantation, unit: days}
---
plan: heart
version: 1.0.0
codebook: heart@1
time: {unit: days}
conventions: r
endpoints:
  OS: {label: Overall survival, time: {variable: futime}, status: {variable: fustat, events: {death: "1"}}}
analyses:
  - {id: landmark, kind: landmark, endpoint: OS, at: 30, exposure: wait_time, horizons: [365], test: log_rank}
  - {id: cox_exposure, kind: cox, endpoint: OS, terms: [{exposure: wait_time}, {factor: surgery, reference: "0"}], strata: [site]}
displays:
  - {figure: landmark, of: landmark, until: 1200, every: 200}
  - {figure: cox_exposure, of: cox_exposure}
disclosure: {release: exact}
"""
CAUSES = """
codebook: causes
version: 1
variables:
  time: {kind: number, label: Time, unit: days, required: true}
  cr: {kind: category, label: First event, levels: {"0": Alive, "1": Relapse, "2": Death}, required: true}
  g: {kind: category, label: Group, levels: {A: Group A, B: Group B, C: Group C}}
---
plan: causes
version: 1.0.0
codebook: causes@1
time: {unit: days}
conventions: r
endpoints:
  EFS: {label: Event-free survival, time: {variable: time}, status: {variable: cr, events: {relapse: "1", death: "2"}}}
analyses:
  - {id: cumulative_incidence, kind: cumulative_incidence, endpoint: EFS, by: g, at: [24], test: gray, where: {g: [A, B]}}
  - {id: fine_gray, kind: fine_gray, endpoint: EFS, cause: relapse, terms: [{factor: g, reference: A}], strata: [site]}
displays:
  - {figure: cumulative_incidence, of: cumulative_incidence, until: 60, every: 12}
  - {figure: fine_gray, of: fine_gray}
disclosure: {release: exact}
"""


def files_made() -> dict[str, bytes]:
    """Every figure and table by its name: `kaplan_meier.svg`, `baseline.csv`."""
    with tempfile.TemporaryDirectory() as place:
        studies = (
            _lung(),
            _written(HEART, "stanford_heart", Path(place) / "heart"),
            _written(CAUSES, "edge_cr", Path(place) / "causes"),
        )
        return {name: content for study in studies for name, content in _report(*study)}


def _lung() -> tuple[Mapping[str, Any], Mapping[str, Any], Path]:
    """The lung trial with the analyses of these pages, its institutions in two groups."""
    codebook: dict[Any, Any] = dict(
        parse_yaml((LUNG / "codebook.yaml").read_text(encoding="utf-8"), "codebook")
    )
    numbers = [int(path.stem.removeprefix("inst-")) for path in sorted(LUNG.glob("nodes/*.yaml"))]
    groups = {
        "first ten": [f"NCCTG {number:02d}" for number in numbers[:10]],
        "others": [f"NCCTG {number:02d}" for number in numbers[10:]],
    }
    derived = {"from": "study_group", "label": "Institutions", "groups": groups}
    codebook["derived"] = {**codebook["derived"], "institutions": derived}
    plan: dict[Any, Any] = dict(
        parse_yaml((LUNG / "plan.yaml").read_text(encoding="utf-8"), "plan")
    )
    return codebook, {**plan, **parse_yaml(LUNG_PLAN, "plan")}, LUNG / "nodes"


def _written(
    text: str, data: str, folder: Path
) -> tuple[Mapping[str, Any], Mapping[str, Any], Path]:
    """A study of golden data, which are parted into one file and one node.yaml a site."""
    codebook, plan = (dict[Any, Any](parse_yaml(part, data)) for part in text.split("---\n"))
    with (GOLDEN / f"{data}.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    (folder / "nodes").mkdir(parents=True)
    for site in sorted({row["site"] for row in rows}):
        own = [row for row in rows if row["site"] == site]
        with (folder / f"{site}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(codebook["variables"]), extrasaction="ignore")
            table.writeheader()
            table.writerows(own)
        node = {"site": site, "study_group": site, "policy": {"release": "exact"}}
        node["data"] = {"source": {"kind": "csv", "path": f"../{site}.csv"}}
        (folder / "nodes" / f"{site}.yaml").write_text(json.dumps(node), encoding="utf-8")
    return codebook, plan, folder / "nodes"


def _report(
    codebook: Mapping[str, Any], plan: Mapping[str, Any], nodes: Path
) -> Iterator[tuple[str, bytes]]:
    """Run the plan, and give the files of its displays."""
    words, read = Codebook.model_validate(codebook), plan_of(plan, "plan")
    sites = [_allowing_every_kind(site) for site in read_nodes(nodes)]
    results = run_local(read, words, Parties(sites))
    for block in compose(results, read, words).blocks:
        for path, content in files_of(block, ALWAYS):
            yield path.name, content


def _allowing_every_kind(site: NodeConfig) -> NodeConfig:
    names = dict.fromkeys((*site.policy.estimators, *(each.kind for each in ESTIMATORS)))
    policy = site.policy.model_copy(update={"estimators": tuple(names)})
    return site.model_copy(update={"policy": policy})


def markdown(table: bytes) -> str:
    """A table of a report as one of a page, its notes as lines below it."""
    rows = list(csv.reader(io.StringIO(table.decode("utf-8"))))
    cells = [row for row in rows if any(row[1:]) or not row[0].startswith(("NOTE", "Abbrev", "["))]
    head, *body = ([re.sub(r"^ +", "\N{EM SPACE}", cell) for cell in row] for row in cells)
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_table(page: str, name: str, table: bytes) -> str:
    """A page with its table below the remark that names it made anew."""
    mark = re.compile(rf"(?<=<!-- shown: {name} -->\n)(\|.*\n)*")
    return mark.sub(lambda _: markdown(table) + "\n", page)


def main() -> None:
    """Write the figures, and the tables into the pages."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    for name, content in files_made().items():
        stem, _, kind = name.partition(".")
        if kind == "svg":
            write_whole(DOCS / "figures" / name, content)
            continue
        page = DOCS / "estimators" / f"{stem}.md"
        text = with_table(page.read_text(encoding="utf-8"), stem, content)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
