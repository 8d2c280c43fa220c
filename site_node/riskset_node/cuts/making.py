"""Make a cut of a site's own: everything that node.yaml maps, as it is now, for every plan with this codebook."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from riskset_common.errors import InputError, NodeConfigError
from riskset_common.formats.names import SITE
from riskset_common.programs.secret_files import closed_folder, replace
from riskset_common.study.codebook import Codebook
from riskset_node.config import NodeConfig
from riskset_node.records.site_records import SiteRecords, cut_of
from riskset_node.sources.cut import CutSettings
from riskset_node.sources.cut_file import to_bytes

ENDING: Final = ".cut"


@dataclass(frozen=True)
class MadeCut:
    """A cut that was written.

    Attributes
    ----------
    sha256
        Of the file, 64 hexadecimal digits; it also stands in the file beside it that ends in `.sha256`.
    """

    path: Path
    sha256: str
    patient: str
    records: SiteRecords


def check_can_be_cut(config: NodeConfig, name: str, folder: Path) -> Path:
    """The file of a cut of that name, before anything is read.

    Raises
    ------
    InputError
        If the name is none, or there is such a cut already.
    NodeConfigError
        If node.yaml names no ids of the patients, or a cut as its source.
    """
    if not SITE.admits(name):
        raise InputError(
            f"--name: {name!r} is no name of a cut: {SITE.holds}. Write such as {SITE.proposal(name) or '2017-12-31'}."
        )
    if isinstance(config.data.source, CutSettings):
        raise NodeConfigError(
            f"data.source: {config.data.source.path} is a cut. A cut is made from the records; give the node.yaml that names these."
        )
    if config.data.patient is None:
        raise NodeConfigError(
            "data.patient: is not in node.yaml. A cut is compared with later ones by the patients' ids; name the column that holds them."
        )
    path = folder / f"{name}{ENDING}"
    for each in (path, _beside(path)):
        if each.exists():
            raise InputError(
                f"{each}: is there already, and a cut is never changed. Choose another --name, or move it away."
            )
    return path


def write_cut(
    path: Path, records: SiteRecords, config: NodeConfig, codebook: Codebook, now: datetime
) -> MadeCut:
    """Write the records that were checked into a new file for its owner alone, and its SHA-256 beside it.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    content = to_bytes(cut_of(records, config, codebook, now, path.name.removesuffix(ENDING)))
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        if not path.parent.is_dir():
            closed_folder(path.parent)
        replace(_beside(path), f"{sha256}  {path.name}\n".encode())
        replace(path, content)
    except OSError as error:
        raise InputError(
            f"{path}: the cut cannot be written ({error.strerror}). Choose another --out."
        ) from error
    return MadeCut(path, sha256, config.data.patient or "", records)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")
