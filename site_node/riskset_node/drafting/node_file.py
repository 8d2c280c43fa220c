"""The file node.yaml.draft: the draft of its section `data`, below what node.yaml says beside it."""

from __future__ import annotations

import os
from pathlib import Path

from riskset_common.errors import InputError, YamlError
from riskset_common.formats.strict_loader import YamlMapping
from riskset_common.formats.strict_yaml import parse_yaml, read_yaml
from riskset_common.programs.secret_files import write_closed
from riskset_common.study.codebook import Codebook
from riskset_node.config import OPEN
from riskset_node.drafting.writing import scalar

NODE_FILE = "node.yaml"
DRAFT_FILE = "node.yaml.draft"

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
    exchanged = _exchanged(text, data)
    if exchanged is None or not _is_exchanged(exchanged, read):
        raise InputError(
            f"{node}: its section data is not written as a line `data:` with lines further in, so it cannot be exchanged. "
            "Write it so, or draft into an empty folder with --in."
        )
    return exchanged


def _exchanged(text: str, data: str) -> str | None:
    """The text with another section `data`: its line and what stands further in. Comments below it belong to the next section."""
    lines = text.splitlines(keepends=True)
    start = next((place for place, line in enumerate(lines) if line.startswith("data:")), None)
    if start is None:
        return None
    end = start + 1
    for place, line in enumerate(lines[end:], end):
        if line.startswith((" ", "\t", "- ")) and line.strip():
            end = place + 1
        elif line.strip() and not line.startswith("#"):
            break
    return "".join([*lines[:start], data, *lines[end:]])


def _is_exchanged(text: str, before: YamlMapping) -> bool:
    """Whether a text is YAML that says what it said before, but for the section `data`."""
    try:
        read = parse_yaml(text, NODE_FILE)
    except YamlError:
        return False
    return _without_data(read) == _without_data(before)


def _without_data(read: YamlMapping) -> YamlMapping:
    return {key: value for key, value in read.items() if key != "data"}
