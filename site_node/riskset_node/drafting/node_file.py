"""The file node.yaml.draft: the draft of its section `data`, below what node.yaml says beside it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from riskset_common.errors import InputError
from riskset_common.formats.strict_yaml import read_yaml
from riskset_common.programs.secret_files import write_closed
from riskset_common.study.codebook import Codebook
from riskset_node.config import OPEN
from riskset_node.drafting.writing import scalar

NODE_FILE = "node.yaml"
DRAFT_FILE = "node.yaml.draft"

_DATA = re.compile(r"^data:.*\n?(?:(?:[ \t#-].*)?\n)*(?:[ \t#-].*)?", re.MULTILINE)
"""The section `data` of a file in block style: its line, and what stands further in, comments and empty lines."""

_HEAD = f"""\
# A draft of {NODE_FILE}. Read each line: what is proposed may be wrong, and says why it was proposed.
# Where "{OPEN}" stands, somebody of the site has to decide. Then name this file {NODE_FILE}, and run riskset-node data check {NODE_FILE}.
"""


def place_of(file: Path, folder: Path) -> str:
    """The path of the patients' file as node.yaml writes it: from its folder if the file is in there, else in full."""
    whole, home = file.resolve(), folder.resolve()
    return whole.relative_to(home).as_posix() if whole.is_relative_to(home) else str(whole)


def write_draft(data: str, folder: Path, codebook: Codebook, *, again: bool) -> Path:
    """Write node.yaml.draft into a folder.

    Parameters
    ----------
    again
        Whether a draft that is there may be written over.

    Raises
    ------
    InputError
        If a draft is there, or the folder cannot be written to.
    """
    path = folder / DRAFT_FILE
    if os.path.lexists(path) and not again:
        raise InputError(
            f"{path}: is there already, and is not written over. Move it away, or draft with --again to replace it."
        )
    text = _HEAD + _beside(folder / NODE_FILE, codebook, data)
    try:
        write_closed(path, text.encode("utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}). Choose another folder with --in."
        ) from error
    return path


def _beside(node: Path, codebook: Codebook, data: str) -> str:
    """The whole text: node.yaml with its section `data` exchanged, or the few lines that are needed where there is none."""
    if not node.exists():
        return (
            f'site: "{OPEN}"  # the name of this site, as in its invitation\nstudy_group: "{OPEN}"\n'
            f"study: {scalar(codebook.codebook)}\n{data}"
        )
    read = read_yaml(node)
    text = node.read_text(encoding="utf-8-sig")
    if "data" not in read:
        return f"{text.rstrip()}\n{data}"
    found = _DATA.search(text)
    if found is None:
        raise InputError(
            f"{node}: its section data is not written as a line `data:` with lines further in, so it cannot be exchanged. "
            "Write it so, or draft into an empty folder with --in."
        )
    after = text[found.end() :].strip("\n")
    return text[: found.start()] + data + (f"{after}\n" if after else "")
