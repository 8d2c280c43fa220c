"""Site files as a database holds them: numbers as numbers, days as dates, and texts as they are; and node.yaml for them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from riskset_common.study.codebook import Codebook, DateVariable, NumberVariable, read_codebook
from riskset_node.config import NodeConfig, read_node
from riskset_node.sources import source_of
from riskset_node.sources.date_forms import date_form

Run = Callable[[str, Sequence[Sequence[object]]], object]
"""Runs a statement once for each row."""


def lay_site(node: Path, codebook: Codebook, run: Run, mark: str) -> str:
    """Make the table of one site; `mark` stands for a value in the database's words. Returns its name."""
    config = read_node(node)
    source, settings = source_of(config.data.source.kind), config.data.source
    kinds = _kinds(config, codebook)
    read = source.read(settings, tuple(kinds))
    columns = {name: _typed(read[name], kinds[name], config) for name in kinds}
    table = config.site.replace("-", "_")
    described = ", ".join(f'"{name}" {kind}' for name, (kind, _) in columns.items())
    run(f"create table {table} ({described})", [()])
    marks = ", ".join(mark for _ in columns)
    rows = list(zip(*(values for _, values in columns.values()), strict=True))
    # From the last to the first: a database keeps no order.
    run(f"insert into {table} values ({marks})", rows[::-1])
    return table


def node_of(node: Path, source: Mapping[str, object]) -> str:
    """node.yaml of the same site for a source of kind `sql`."""
    written = yaml.safe_load(node.read_text(encoding="utf-8"))
    signs = {"missing": written["data"]["source"].get("missing", ["", "NA", "."])}
    written["data"]["source"] = {"kind": "sql", **source, **signs}
    return yaml.safe_dump(written, allow_unicode=True, sort_keys=False)


def lay_study(study: Path, copy: Path, run: Run, mark: str, url: str) -> Sequence[str]:
    """Make the tables of all sites of a study, and its files in a copy, with `url` in a secret file. Returns the sites' names."""
    codebook = read_codebook(study / "codebook.yaml")
    (copy / "nodes").mkdir(parents=True)
    for name in ("plan.yaml", "codebook.yaml"):
        (copy / name).write_bytes((study / name).read_bytes())
    secret = copy / "nodes" / "url"
    secret.write_text(url, encoding="utf-8")
    secret.chmod(0o600)
    nodes = sorted((study / "nodes").glob("*.yaml"))
    for node in nodes:
        table = lay_site(node, codebook, run, mark)
        text = node_of(node, {"url": "file:url", "table": table})
        (copy / "nodes" / node.name).write_text(text, encoding="utf-8")
    return [node.stem for node in nodes]


def _kinds(config: NodeConfig, codebook: Codebook) -> dict[str, str]:
    kinds = {config.data.patient or "": "text"}
    for name, column in (config.data.columns or {}).items():
        variable = codebook.variables[name]
        number = isinstance(variable, NumberVariable)
        day = isinstance(variable, DateVariable)
        kinds[column.column] = "number" if number else "day" if day else "text"
    return kinds


def _typed(values: Sequence[object], kind: str, config: NodeConfig) -> tuple[str, list[Any]]:
    """Type of the column and its values."""
    settings = config.data.source
    nothing = {"", *settings.missing}
    held = [None if isinstance(value, str) and value in nothing else value for value in values]
    held = [None if value != value else value for value in held]  # noqa: PLR0124  # NaN is unlike itself
    if kind == "number":
        return _numbers(held, settings.decimal_sign)
    if kind == "day":
        forms = [date_form(form) for form in settings.dates]
        return "date", [_day(value, forms) for value in held]
    if all(isinstance(value, int | float | None) for value in held):
        return "integer", [None if value is None else int(value) for value in held]  # type: ignore[call-overload]  # a number
    return "text", [None if value is None else str(value) for value in values]


def _numbers(held: Sequence[object], sign: str) -> tuple[str, list[Any]]:
    if any(isinstance(value, str) for value in held):
        return "numeric(14,3)", [
            None if value is None else Decimal(str(value).replace(sign, ".")) for value in held
        ]
    return "double precision", [None if value is None else float(str(value)) for value in held]


def _day(value: object, forms: Sequence[Any]) -> object:
    if isinstance(value, str):
        (read,) = {written.day for form in forms if (written := form.read(value)) is not None}
        return read
    return value.date() if isinstance(value, datetime.datetime) else value
