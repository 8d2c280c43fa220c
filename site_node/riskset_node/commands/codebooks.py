"""The study's codebook for the commands that look at the records: the one that is named, or the one beside node.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from riskset_common.study.codebook import Codebook

CodebookFile = Annotated[
    Path | None,
    typer.Option(
        "--codebook",
        help="The study's codebook; the codebook.yaml beside node.yaml when not given.",
        dir_okay=False,
        exists=True,
    ),
]


def codebook_for(given: Path | None, *folders: Path) -> Codebook:
    """The codebook that was named, or the first that lies in one of these folders; which one is then said."""
    from riskset_common.errors import InputError
    from riskset_common.study.codebook import read_codebook
    from riskset_node.enrolment.joining import CODEBOOK_FILE

    if given is not None:
        return read_codebook(given)
    beside = [folder / CODEBOOK_FILE for folder in folders]
    path = next((path for path in beside if path.exists()), None)
    if path is None:
        raise InputError(
            f"{beside[0]}: is not there. Ask the centre for the study's codebook and lay it there, or name it with --codebook."
        )
    typer.echo(f"codebook: {path}", err=True)
    return read_codebook(path)
