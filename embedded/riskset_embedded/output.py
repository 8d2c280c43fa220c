"""The folder that a local run leaves behind: complete, or not there.

Everything is written into a hidden neighbour and renamed at the end, so a run that fails leaves the folder as it was. A folder that
already holds something is not overwritten: it is moved aside first.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskset_common.canonical import canonical_json
from riskset_common.codebook import Codebook
from riskset_common.errors import InputError
from riskset_common.plan import Plan
from riskset_common.results import to_text


@dataclass
class OutputFolder:
    """A folder in the making. `moved_aside` is where an earlier run's folder went, if there was one."""

    path: Path
    moved_aside: Path | None = None

    def write(self, results: Mapping[str, Any], plan: Plan, codebook: Codebook) -> None:
        """Write results.json, the plan and codebook that they answer, and the report."""
        from riskset_server.report import build_report

        (self.path / "results.json").write_text(to_text(results), encoding="utf-8")
        (self.path / "plan.json").write_bytes(canonical_json(plan))
        (self.path / "codebook.json").write_bytes(canonical_json(codebook))
        build_report(results, plan, codebook, self.path)


@contextmanager
def output_folder(final: Path) -> Iterator[OutputFolder]:
    """A folder that appears at `final` when the block ends without an error, and not otherwise.

    Raises
    ------
    InputError
        Where nothing can be written there.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    except OSError as error:
        raise InputError(
            f"--out {final}: cannot be written ({error.strerror}). Choose another folder."
        ) from error
    if final.exists() and not final.is_dir():
        made.rmdir()
        raise InputError(f"--out {final}: there is a file of that name. Choose another folder.")
    made.chmod(0o755)
    folder = OutputFolder(made)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    if final.exists():
        folder.moved_aside = _move_aside(final)
    made.rename(final)
    folder.path = final


def _move_aside(final: Path) -> Path | None:
    """Move a folder that holds something to the first free `NAME.before-N`; an empty one is removed."""
    if not any(final.iterdir()):
        final.rmdir()
        return None
    number = 1
    while (aside := final.with_name(f"{final.name}.before-{number}")).exists():
        number += 1
    return final.rename(aside)
