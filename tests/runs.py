"""Finished runs and whatever else is dear to make: made once, shared by all workers, and kept until anything that it follows from changes.

Each is a folder `.cache/runs/KEY`; KEY is the hash of the files that it is made from, of the product's code and of its locked
dependencies. Only to be read: a test that changes such a folder copies it first.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from riskset_common.results.as_json import to_text
from riskset_embedded.demos.lung import study_folder
from riskset_embedded.local_run import read_nodes, run_files, run_for_results
from riskset_embedded.output_folder import RESULTS
from riskset_node.sources.source import FileSettings

ROOT = Path(__file__).parents[1]
KEPT = ROOT / ".cache" / "runs"
PRODUCT = (
    "common/riskset_common",
    "site_node/riskset_node",
    "server/riskset_server",
    "deploy/embedded/riskset_embedded",
    "deploy/constraints/runtime.txt",
)
NOT_USED_FOR = 24 * 3600.0
"""Seconds after which a folder that no test has asked for is removed."""

Change = Callable[[Path], object]
"""Changes the files of a study, in the folder that it is given."""


@cache
def hash_of_product() -> str:
    """Of every file that the product is made of, and of the Python that runs it."""
    return hash_of(sys.version, *(ROOT / name for name in PRODUCT))


def hash_of(*parts: Path | str) -> str:
    """Of texts, and of files and folders by their names and contents."""
    hashed = hashlib.sha256()
    for part in parts:
        for name, content in _named(part):
            hashed.update(f"{len(name)} {len(content)} {name}".encode())
            hashed.update(content)
    return hashed.hexdigest()


def _named(part: Path | str) -> Iterator[tuple[str, bytes]]:
    if isinstance(part, str):
        yield "", part.encode()
    elif part.is_file():
        yield part.name, part.read_bytes()
    else:
        for path in sorted(part.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(part)), path.read_bytes()


def made_once(what: str, made_from: Iterable[Path | str], make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills, made only where nobody has made it from the same before.

    Parameters
    ----------
    what
        A word for it, part of the key.
    made_from
        Texts, files and folders on which it depends besides the product.
    make
        Fills the empty folder that it is given; where it raises, nothing is kept.
    """
    folder = KEPT / hash_of(what, hash_of_product(), *made_from)[:32]
    with _alone(folder):
        if not folder.exists():
            _remove_what_nobody_uses()
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            with tempfile.TemporaryDirectory() as place:
                made = Path(place) / "made"
                made.mkdir()
                make(made)
                shutil.copytree(made, unfinished)
            unfinished.rename(folder)
        folder.touch()
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else makes this folder until the block ends."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_what_nobody_uses() -> None:
    oldest = time.time() - NOT_USED_FOR
    for path in KEPT.iterdir():
        if path.stat().st_mtime < oldest:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def finished_run(study: str | Path, *changes: Change, lose: Sequence[str] = ()) -> Path:
    """The folder of a finished run with its report, as `riskset run local` leaves it.

    Parameters
    ----------
    study
        A study that comes with riskset, by its name, or a folder with plan.yaml, codebook.yaml, nodes/ and data/.
    changes
        What is changed in a copy of the study before it is run.
    lose
        As in `run_files`.
    """
    with _changed(study, changes) as files:
        return _run_once(*files, lose)


def finished_results(study: str | Path, *changes: Change, lose: Sequence[str] = ()) -> Path:
    """The results.json of such a run. No report is made: to draw one takes longer than most runs."""
    with _changed(study, changes) as files:

        def make(out: Path) -> None:
            results = run_for_results(*files, lose=lose)
            (out / RESULTS).write_text(to_text(results), encoding="utf-8")

        what = f"results without {' '.join(lose)}"
        return made_once(what, _made_from(*files), make) / RESULTS


def results_of(study: str | Path, *changes: Change) -> Any:
    """What that results.json holds."""
    return json.loads(finished_results(study, *changes).read_text(encoding="utf-8"))


def copied_run(
    plan: Path,
    codebook: Path,
    nodes: Path,
    out: Path,
    *,
    lose: Sequence[str] = (),
    quiet: bool = True,
) -> Path:
    """In the place of `run_files`, where a test is about what is done with a finished run: a copy of the one that was made before."""
    shutil.copytree(_run_once(plan, codebook, nodes, lose), out, dirs_exist_ok=True)
    return out


def _run_once(plan: Path, codebook: Path, nodes: Path, lose: Sequence[str]) -> Path:
    files = plan, codebook, nodes
    return made_once(
        f"run without {' '.join(lose)}",
        _made_from(*files),
        lambda out: run_files(*files, out, lose=lose, quiet=True),
    )


def _made_from(plan: Path, codebook: Path, nodes: Path) -> tuple[Path | str, ...]:
    """Also the files of the sites, wherever they lie."""
    sources = (config.data.source for config in read_nodes(nodes))
    data = (source.path for source in sources if isinstance(source, FileSettings))
    return (plan.read_text(encoding="utf-8"), codebook, nodes, *data)


@contextmanager
def _changed(study: str | Path, changes: Sequence[Change]) -> Iterator[tuple[Path, Path, Path]]:
    """Plan, codebook and nodes of a study; of a changed copy where something is changed."""
    folder = study_folder(study) if isinstance(study, str) else study
    if not changes:
        yield _files(folder)
        return
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "study"
        shutil.copytree(folder, copy)
        for change in changes:
            change(copy)
        yield _files(copy)


def _files(study: Path) -> tuple[Path, Path, Path]:
    return study / "plan.yaml", study / "codebook.yaml", study / "nodes"


def plan_with(**keys: Any) -> Change:
    """Give keys of the plan other values; None takes one away."""

    def change(folder: Path) -> None:
        path = folder / "plan.yaml"
        plan = yaml.safe_load(path.read_text(encoding="utf-8")) | keys
        kept = {key: value for key, value in plan.items() if value is not None}
        path.write_text(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True), encoding="utf-8")

    return change


def policies_with(**policy: Any) -> Change:
    """Give keys of every node's policy other values."""

    def change(folder: Path) -> None:
        for path in (folder / "nodes").iterdir():
            node = yaml.safe_load(path.read_text(encoding="utf-8"))
            node["policy"] = node.get("policy", {}) | policy
            path.write_text(yaml.safe_dump(node, sort_keys=False), encoding="utf-8")

    return change
