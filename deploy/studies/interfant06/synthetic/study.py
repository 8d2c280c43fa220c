"""The study's site files: one data file and one node.yaml for each of the 18 groups, and all records pooled for R."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.studies.interfant06.synthetic.dialects import (
    Dialect,
    Language,
    read_dialects,
    site_name,
)
from deploy.studies.interfant06.synthetic.errors import plant
from deploy.studies.interfant06.synthetic.files import age_as_read, local_record, write_file
from deploy.studies.interfant06.synthetic.parameters import Parameters
from deploy.studies.interfant06.synthetic.records import VARIABLES, Record, draw_records, whole

from riskset_node.sources.source import MISSING_TOKENS

STUDY = "interfant06"
SEED = 2006
"""The seed of the cohort that comes with riskset."""

ALLOWED = (
    "kaplan_meier",
    "log_rank",
    "cumulative_incidence",
    "gray",
    "cox",
    "baseline",
    "event_table",
    "flow",
    "follow_up",
    "univariate",
)
"""What the sites have agreed to be asked: the kinds of the study's plan, and no others."""


def write_study(folder: Path, parameters: Parameters, seed: int, *, errors: bool = False) -> None:
    """Write data/, nodes/ and pooled.csv into a folder.

    Parameters
    ----------
    errors
        Plant the errors of `errors.PLANTED` in the data files, for `riskset-node data check` to find. They are not in pooled.csv.
    """
    dialects = read_dialects()
    records = draw_records(parameters, seed)
    for name in ("data", "nodes"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    pooled: list[Record] = []
    for group, dialect in dialects.groups.items():
        language = dialects.language_of(group)
        own = records[group]
        pooled += [each | {"age": age_as_read(whole(each, "age_days"), dialect)} for each in own]
        local = [local_record(each, dialect, language) for each in own]
        if errors:
            local = plant(group, local, language)
        site = site_name(group)
        write_file(local, folder / "data" / f"{site}.{dialect.suffix}", dialect, language)
        (folder / "nodes" / f"{site}.yaml").write_text(
            node_yaml(group, dialect, language), encoding="utf-8"
        )
    _write_pooled(pooled, folder / "pooled.csv")


def node_yaml(group: str, dialect: Dialect, language: Language) -> str:
    """The node.yaml of a group, as its data manager would write it."""
    site = site_name(group)
    return "\n".join(
        [
            f"site: {site}",
            f"study_group: {group}",
            f"study: {STUDY}",
            "data:",
            f"  source: {{{', '.join(_source(site, dialect))}}}",
            f"  patient: {language.patient}",
            "  columns:",
            *(f"    {line}" for line in _columns(dialect, language)),
            "policy:",
            "  release: exact           # synthetic data; a node with patients' records says rounded",
            "  minimum_sites: 5",
            f"  estimators: [{', '.join(ALLOWED)}]",
            "",
        ]
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\t", "\\t") + '"'


def _source(site: str, dialect: Dialect) -> Iterator[str]:
    yield f"kind: {dialect.kind}"
    yield f"path: ../data/{site}.{dialect.suffix}"
    if dialect.delimiter != ",":
        yield f"delimiter: {_quoted(dialect.delimiter)}"
    if dialect.decimal != ".":
        yield f"decimal: {_quoted(dialect.decimal)}"
    if dialect.encoding != "utf-8":
        yield f"encoding: {dialect.encoding}"
    if dialect.dates not in {None, "%Y-%m-%d"}:
        yield f"dates: {_quoted(str(dialect.dates))}"
    if dialect.missing is not None and dialect.missing not in MISSING_TOKENS:
        yield f"missing: [{_quoted(dialect.missing)}]"


def _columns(dialect: Dialect, language: Language) -> Iterator[str]:
    for variable in VARIABLES:
        column, codes = language.column(variable), language.codes.get(variable)
        more = []
        if codes is not None:
            pairs = ", ".join(f"{_plain(code)}: {_plain(level)}" for level, code in codes.items())
            more.append(f"codes: {{{pairs}}}")
        unit = dialect.unit(variable)
        if unit is not None:
            more.append(f"unit: {unit}")
        yield (
            f"{variable}: {{{', '.join([f'from: {column}', *more])}}}"
            if more
            else f"{variable}: {column}"
        )


_AS_WORDS = {"yes", "no", "on", "off", "y", "n"}


def _plain(text: str) -> str:
    """A code as YAML reads it as text: quoted where it would be a sign, or a yes or no."""
    return text if text[0].isalnum() and text.lower() not in _AS_WORDS else _quoted(text)


def _write_pooled(records: Sequence[Record], path: Path) -> None:
    """All records in the codebook's words and units, days as ISO 8601, empty where missing."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["site", "study_group", "patient", *VARIABLES])
        for record in records:
            group, patient = str(record["study_group"]), f"{whole(record, 'number'):03d}"
            # The writer gives floats in full, days as ISO 8601 and None as nothing.
            writer.writerow(
                [site_name(group), group, patient, *(record[name] for name in VARIABLES)]
            )
