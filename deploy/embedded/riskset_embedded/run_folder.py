"""The folder of an unfinished local run, from which the same command continues.

The folder `NAME.run` stands beside the output folder `NAME`. It holds what was drawn at random, what each site must remember and what
the centre received: everything else follows from these and the files of the study. When the run is finished, states and messages move
into the output folder and the rest is deleted. Openings are exact sums: folder, states and messages are for their owner alone.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

from riskset_common.errors import InputError
from riskset_common.programs.secret_files import append, close_all, replace
from riskset_embedded.output_folder import remove_empty

_SECRETS = "secrets.json"
_STUDY = "study.json"


@dataclass(frozen=True)
class RunFolder:
    """A run under way. `continued` says whether it had been begun before."""

    path: Path
    continued: bool
    new_parents: tuple[Path, ...] = ()

    @property
    def transcript(self) -> Path:
        """Messages that the centre received and published."""
        return self.path / "transcript"

    @property
    def outboxes(self) -> Path:
        """The state of each site, with what left it."""
        return self.path / "outboxes"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the one process that works on this run, until the block ends.

        Raises
        ------
        InputError
            Where another one does: two would answer and open in one name.
        """
        with (self.path / "lock").open("a", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(
                    f"{self.path}: another process is at work on this run. Wait until it has ended, or choose another --out."
                ) from error
            yield

    def draw(self, purpose: str) -> bytes:
        """32 random bytes for a purpose: drawn once, and the same when the run continues."""
        path = self.path / _SECRETS
        drawn = json.loads(path.read_text(encoding="ascii")) if path.exists() else {}
        if purpose not in drawn:
            drawn[purpose] = token_bytes(32).hex()
            replace(path, json.dumps(drawn, indent=1).encode("ascii"))
        return bytes.fromhex(drawn[purpose])

    def finish(self, into: Path) -> None:
        """Move messages and states into the output folder, and delete what was drawn with the rest, and cuts of sites that were lost."""
        for cuts in self.outboxes.glob("*.cuts"):
            shutil.rmtree(cuts)
        for kept in (self.transcript, self.outboxes):
            close_all(kept)
            close_all(Path(shutil.move(kept, into / kept.name)))
        self.give_up()

    def give_up(self) -> None:
        """Delete the folder, and those that were made on the way to it and hold nothing: the run is over."""
        shutil.rmtree(self.path)
        remove_empty(self.new_parents)


def run_folder(out: Path, study: Mapping[str, object]) -> RunFolder:
    """The folder of a run that writes to `out`: the one that an earlier command left, or a new one.

    Parameters
    ----------
    study
        What must be the same for a run to continue: hashes of plan and codebook, the sites.

    Raises
    ------
    InputError
        If an unfinished run of something else is in the way, or nothing can be written.
    """
    path = out.with_name(f"{out.name}.run")
    description = json.dumps(study, sort_keys=True, indent=1)
    if path.exists():
        known = path / _STUDY
        if not known.exists() or known.read_text(encoding="utf-8") != description:
            raise InputError(
                f"{path}: a run of another plan, codebook or set of sites stopped here and is not finished. Continue it with the files it "
                f"was begun with, or delete {path.name} to let it go; its sites' numbers are not released then."
            )
        close_all(path)
        return RunFolder(path, continued=True)
    new_parents = tuple(folder for folder in path.parents if not folder.exists())
    try:
        path.mkdir(mode=0o700, parents=True)
        (path / "transcript").mkdir()
        (path / "outboxes").mkdir()
        append(path / "lock", b"")
        close_all(path)
        replace(path / _STUDY, description.encode("ascii"))
    except OSError as error:
        remove_empty(new_parents)
        raise InputError(
            f"--out {out}: cannot be written ({error.strerror}). Choose another folder."
        ) from error
    return RunFolder(path, continued=False, new_parents=new_parents)
