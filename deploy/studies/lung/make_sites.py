"""Split the public lung data into one file and one node.yaml for each institution, each in its own dialect.

    python make_sites.py ../../../tests/golden/data/lung.csv

Run once; its output is kept beside it. The dialects are what data managers meet: separators, decimal commas, encodings, local
column names, codes and units.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
Row = Mapping[str, str]


@dataclass(frozen=True)
class Dialect:
    """How one institution writes its file."""

    columns: Mapping[str, tuple[str, Callable[[str], str], str]]
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    missing: str = ""


def as_is(text: str) -> str:
    """The value as it stands."""
    return text


def coded(codes: Mapping[str, str]) -> Callable[[str], str]:
    """The value in a local code."""
    return codes.__getitem__


def decimal_comma(text: str) -> str:
    """A whole number as some spreadsheets write it."""
    return f"{text},0"


def in_months(text: str) -> str:
    """Years as months."""
    return str(int(text) * 12)


PLAIN = Dialect(
    columns={
        "patient": ("patient", as_is, ""),
        "time": ("time", as_is, "time"),
        "status": ("status", as_is, "status: {from: status, codes: {1: alive, 2: dead}}"),
        "age": ("age", as_is, "age"),
        "sex": ("sex", as_is, "sex: {from: sex, codes: {1: male, 2: female}}"),
        "ph_ecog": ("ph_ecog", as_is, "ecog: ph_ecog"),
        "ph_karno": ("ph_karno", as_is, "karnofsky: ph_karno"),
        "wt_loss": ("wt_loss", as_is, "weight_loss: wt_loss"),
    }
)

DUTCH = Dialect(
    columns={
        "patient": ("pat_nr", as_is, ""),
        "time": ("overleving_dgn", decimal_comma, "time: overleving_dgn"),
        "status": (
            "overleden",
            coded({"1": "N", "2": "J"}),
            "status: {from: overleden, codes: {J: dead, N: alive}}",
        ),
        "age": ("leeftijd_mnd", in_months, "age: {from: leeftijd_mnd, unit: months}"),
        "sex": (
            "geslacht",
            coded({"1": "M", "2": "V"}),
            "sex: {from: geslacht, codes: {M: male, V: female}}",
        ),
        "ph_ecog": ("ecog", as_is, "ecog: ecog"),
        "ph_karno": ("karnofsky", as_is, "karnofsky: karnofsky"),
        "wt_loss": ("gewichtsverlies", decimal_comma, "weight_loss: gewichtsverlies"),
    },
    delimiter=";",
    decimal=",",
    encoding="cp1252",
)

SPANISH = Dialect(
    columns={
        "patient": ("número", as_is, ""),
        "time": ("días", as_is, "time: días"),
        "status": (
            "situación",
            coded({"1": "vivo", "2": "muerto"}),
            "status: {from: situación, codes: {vivo: alive, muerto: dead}}",
        ),
        "age": ("edad", as_is, "age: edad"),
        "sex": (
            "sexo",
            coded({"1": "H", "2": "M"}),
            "sex: {from: sexo, codes: {H: male, M: female}}",
        ),
        "ph_ecog": (
            "ECOG",
            coded({"0": "I", "1": "II", "2": "III", "3": "IV"}),
            'ecog: {from: ECOG, codes: {I: 0, II: 1, III: 2, IV: 3}, missing: ["99"]}',
        ),
        "ph_karno": ("karnofsky", as_is, 'karnofsky: {from: karnofsky, missing: ["99"]}'),
        "wt_loss": ("pérdida", as_is, 'weight_loss: {from: pérdida, missing: ["99"]}'),
    },
    delimiter="\t",
    encoding="iso-8859-1",
    missing="99",
)

REGISTRY = Dialect(
    columns={
        "patient": ("ID", as_is, ""),
        "time": ("SURV_D", as_is, "time: SURV_D"),
        "status": (
            "VITAL",
            coded({"1": "0", "2": "1"}),
            "status: {from: VITAL, codes: {0: alive, 1: dead}}",
        ),
        "age": ("AGE", as_is, "age: AGE"),
        "sex": ("SEX", coded({"1": "male", "2": "female"}), "sex: SEX"),
        "ph_ecog": ("PS", as_is, "ecog: PS"),
        "ph_karno": ("KPS", as_is, "karnofsky: KPS"),
        "wt_loss": ("WTLOSS", as_is, "weight_loss: WTLOSS"),
    },
    delimiter="|",
    missing=".",
)

DIALECTS = (PLAIN, DUTCH, REGISTRY, SPANISH)


def main(pooled: Path) -> None:
    """Write data/*.csv and nodes/*.yaml beside this file."""
    with pooled.open(encoding="utf-8", newline="") as lines:
        rows = [
            {**row, "patient": str(index)}
            for index, row in enumerate(csv.DictReader(lines), 1)
            if row["inst"]
        ]
    for folder in ("data", "nodes"):
        (HERE / folder).mkdir(exist_ok=True)
    for index, institution in enumerate(sorted({int(row["inst"]) for row in rows})):
        site = f"inst-{institution:02d}"
        dialect = DIALECTS[index % len(DIALECTS)]
        write_data(
            HERE / "data" / f"{site}.csv",
            dialect,
            [row for row in rows if int(row["inst"]) == institution],
        )
        (HERE / "nodes" / f"{site}.yaml").write_text(node_yaml(site, dialect), encoding="utf-8")


def write_data(path: Path, dialect: Dialect, rows: list[Row]) -> None:
    """Write one institution's patients in its dialect."""
    with path.open("w", encoding=dialect.encoding, newline="") as lines:
        writer = csv.writer(lines, delimiter=dialect.delimiter, lineterminator="\n")
        writer.writerow([name for name, _, _ in dialect.columns.values()])
        for row in rows:
            writer.writerow(
                [
                    write(row[key]) if row[key] else dialect.missing
                    for key, (_, write, _) in dialect.columns.items()
                ]
            )


def node_yaml(site: str, dialect: Dialect) -> str:
    """The institution's node.yaml."""
    source = [f"kind: csv, path: ../data/{site}.csv"]
    if dialect.delimiter != ",":
        source.append(
            f"delimiter: {dialect.delimiter!r}" if dialect.delimiter != "\t" else 'delimiter: "\\t"'
        )
    if dialect.decimal != ".":
        source.append(f'decimal: "{dialect.decimal}"')
    if dialect.encoding != "utf-8":
        source.append(f"encoding: {dialect.encoding}")
    columns = [
        mapping if ": " in mapping else f"{mapping}: {mapping}"
        for _, _, mapping in dialect.columns.values()
        if mapping
    ]
    lines = [
        f"site: {site}",
        f"study_group: NCCTG {site[-2:]}",
        "study: ncctg-lung",
        "data:",
        f"  source: {{{', '.join(source)}}}",
        f"  patient: {dialect.columns['patient'][0]}",
        "  columns:",
        *(f"    {column}" for column in columns),
        "policy:",
        "  release: exact           # public data; a node with patients' records says rounded",
        "  minimum_sites: 5",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
