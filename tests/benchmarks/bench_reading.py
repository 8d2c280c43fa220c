"""What reading and checking patient records costs beside a bare pass of Python's csv module over the same files.

Run it with ``python -m tests.benchmarks.bench_reading``. The delimited files of Interfant-06, each in its site's own dialect, are made
longer until they hold 1,000,000 rows together, every row a patient of its own; then each is read and checked as `data check` does.
"""

from __future__ import annotations

import csv
import datetime
import io
import tempfile
from functools import partial
from pathlib import Path

from tests.benchmarks.machine import describe, peak_megabytes, timed

from riskset_common.study.codebook import read_codebook
from riskset_node.config import NodeConfig, read_node
from riskset_node.records.reading import read_records
from riskset_node.sources.csv import CsvSettings

STUDY = Path("deploy/studies/interfant06")
ROWS = 1_000_000
TODAY = datetime.date(2026, 1, 1)


def longer(config: NodeConfig, settings: CsvSettings, rows: int, folder: Path) -> NodeConfig:
    """The same node.yaml over a file with so many rows: the patients of its own file again and again, with new ids."""
    text = settings.path.read_text(encoding=settings.encoding)
    header, *patients = list(csv.reader(io.StringIO(text), delimiter=settings.delimiter))
    place = header.index(config.data.patient or "")
    path = folder / settings.path.name
    with path.open("w", encoding=settings.encoding, newline="") as file:
        writer = csv.writer(file, delimiter=settings.delimiter)
        writer.writerow(header)
        for number in range(rows):
            row = list(patients[number % len(patients)])
            row[place] = f"P{number}"
            writer.writerow(row)
    source = settings.model_copy(update={"path": path})
    return config.model_copy(update={"data": config.data.model_copy(update={"source": source})})


def bare(config: NodeConfig) -> int:
    """Every field of the file as a text, and no more."""
    settings = config.data.source
    assert isinstance(settings, CsvSettings)
    with settings.path.open(encoding=settings.encoding, newline="") as file:
        return len(list(csv.reader(file, delimiter=settings.delimiter)))


def main() -> None:
    """Print seconds, rows a second, and the ratio."""
    print(describe("numpy"))
    codebook = read_codebook(STUDY / "codebook.yaml")
    configs = [read_node(path) for path in sorted((STUDY / "nodes").glob("*.yaml"))]
    delimited = [
        (config, config.data.source)
        for config in configs
        if isinstance(config.data.source, CsvSettings)
    ]
    share = -(-ROWS // len(delimited))
    checked = passed = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for config, settings in delimited:
            long = longer(config, settings, share, Path(folder))
            passed += timed(partial(bare, long))[0]
            seconds, records = timed(partial(read_records, long, codebook, TODAY))
            errors = [str(found) for found in records.findings]
            if errors:
                raise SystemExit(f"{config.site}: {errors[0]}")
            checked += seconds
    rows = share * len(delimited)
    print(f"{rows:,} rows in {len(delimited)} files of 27 columns")
    print(f"bare csv module {passed:6.2f} s")
    print(
        f"read and checked {checked:5.2f} s, {rows / checked:,.0f} rows/s, {peak_megabytes():,.0f} MB at most"
    )
    print(f"ratio {checked / passed:.2f}")


if __name__ == "__main__":
    main()
