"""The folder that a local run leaves behind: complete, or not there.

Everything is written into a hidden neighbour and renamed at the end, so a run that fails leaves the folder as it was. A folder that
holds an earlier run is not overwritten: it is moved aside first. Any other folder that holds something is left alone.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from riskset_common.errors import InputError
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.results.as_json import to_text
from riskset_common.results.whole_file import Results
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan

RESULTS = "results.json"
"""The file by which the folder of a finished run is known."""


@dataclass
class OutputFolder:
    """A folder in the making. `moved_aside` is where an earlier run's folder went, if there was one."""

    path: Path
    moved_aside: Path | None = None


def write_folder(folder: Path, results: Results, plan: Plan, codebook: Codebook) -> None:
    """Write the folder of a run from its results alone: results.json, the plan and codebook that they answer, and the report.

    The report is report.html with its figures and tables; to draw them takes longer than most runs. Nothing is written of how the
    run went on: its log, its transcript and the sites' states come from the run itself.

    Parameters
    ----------
    folder
        A folder that exists; what it holds under these names is written over.
    """
    from riskset_server.report import build_report

    (folder / RESULTS).write_text(to_text(results), encoding="utf-8")
    (folder / "plan.json").write_bytes(canonical_json(plan))
    (folder / "codebook.json").write_bytes(canonical_json(codebook))
    build_report(results, plan, codebook, folder)


@contextmanager
def output_folder(final: Path) -> Iterator[OutputFolder]:
    """A folder that appears at `final` when the block ends without an error, and not otherwise.

    Raises
    ------
    InputError
        Where nothing can be written there, or where something else than an earlier run would have to give way.
    """
    place = final.resolve()  # a link stays, and what it leads to is written
    _check_place(final, place)
    new_parents = [folder for folder in place.parents if not folder.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    except OSError as error:
        remove_empty(new_parents)
        raise InputError(
            f"--out {final}: cannot be written ({error.strerror}). Choose another folder."
        ) from error
    folder = OutputFolder(made)
    try:
        yield folder
        made.chmod(0o755)
        folder.moved_aside = _put_in_place(made, place)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        remove_empty(new_parents)
        raise
    folder.path = final


def _check_place(final: Path, place: Path) -> None:
    """Only an earlier run, or nothing, may give way to a run."""
    if Path.cwd().is_relative_to(place):
        raise InputError(
            f"--out {final}: you are inside of that folder. Choose a new folder, such as {Path.cwd() / 'out'}."
        )
    if place.exists() and not place.is_dir():
        raise InputError(f"--out {final}: there is a file of that name. Choose another folder.")
    if place.exists() and any(place.iterdir()) and not (place / RESULTS).exists():
        raise InputError(
            f"--out {final}: the folder holds something else than an earlier run (no {RESULTS}). Choose another folder."
        )


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove the folders that were made on the way, innermost first, where nothing else has come into them."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _put_in_place(made: Path, place: Path) -> Path | None:
    """Rename `made` to `place`; what was there goes to where this returns, and comes back if that fails."""
    moved_aside = None
    try:
        moved_aside = _move_aside(place) if place.exists() else None
        made.rename(place)
    except OSError as error:
        if moved_aside is not None:
            moved_aside.rename(place)
        raise InputError(
            f"--out {place}: cannot be written ({error.strerror}). Choose another folder."
        ) from error
    return moved_aside


def _move_aside(place: Path) -> Path | None:
    """Move a folder that holds something to the first free `NAME.before-N`; an empty one is removed."""
    if not any(place.iterdir()):
        place.rmdir()
        return None
    number = 1
    while (aside := place.with_name(f"{place.name}.before-{number}")).exists():
        number += 1
    return place.rename(aside)
