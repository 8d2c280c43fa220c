"""One site's records as the codebook names them, before a plan asks for anything; and how a cut keeps them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pydantic import TypeAdapter, ValidationError

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.formats.canonical_json import sha256_hex
from riskset_common.programs.command_line import version_of
from riskset_common.study.codebook import Codebook
from riskset_common.study.patients import Patients
from riskset_node.config import NodeConfig
from riskset_node.records.findings import Finding, LocalIds
from riskset_node.sources.cut_file import Cut, CutHeader, Held

_FINDINGS = TypeAdapter(tuple[Finding, ...])


@dataclass(frozen=True)
class SiteRecords:
    """One site's records as the codebook names them, before a plan asks for anything.

    Attributes
    ----------
    patients
        Every variable of the codebook, coded; no derived variables, no endpoints.
    local_ids
        What the site calls its patients.
    findings
        What is wrong with the file; errors among them make the records unusable.
    read, not_read
        Names of the file's columns that were read, and of those that were not.
    by_name
        Variables that node.yaml does not list, and that were read from the column of their name.
    not_held
        Variables that node.yaml does not list, and for which there is no column of their name.
    """

    patients: Patients
    local_ids: LocalIds
    findings: tuple[Finding, ...]
    read: tuple[str, ...]
    not_read: tuple[str, ...]
    by_name: tuple[str, ...]
    not_held: tuple[str, ...]

    def held(self, name: str, absent: Collection[str]) -> Held:
        """Whether a variable's column was read; `absent` are those that node.yaml says the site does not hold."""
        if name in absent:
            return "absent"
        return "not held" if name in self.not_held else "read"


def cut_of(
    records: SiteRecords, config: NodeConfig, codebook: Codebook, now: datetime, name: str
) -> Cut:
    """These records as a cut keeps them, with ids and findings."""
    names = records.local_ids.names
    return Cut(
        CutHeader(
            name=name,
            site=config.site,
            codebook=codebook.reference,
            codebook_hash=sha256_hex(codebook),
            made_at=now.isoformat(timespec="seconds"),
            release=version_of("riskset-node"),
            patient=config.data.patient,
            local_ids=None if names is None else tuple(map(str, names)),
            variables=tuple(
                (name, records.held(name, config.data.absent)) for name in codebook.variables
            ),
            findings=tuple(_FINDINGS.dump_python(records.findings, mode="json")),
            n=records.patients.n,
            digest="",
            sections=(),
        ),
        records.patients,
        records.local_ids.in_file,
    )


def check_own(header: CutHeader, config: NodeConfig, place: str) -> None:
    """Raise `NodeConfigError` if a cut is of another site, or takes the patients' ids from another column, than node.yaml says."""
    if header.site != config.site:
        raise NodeConfigError(
            f"{place}: holds the patients of site {header.site!r}, and node.yaml is of site {config.site!r}. Use the cut of this site."
        )
    if config.data.patient != header.patient:
        raise NodeConfigError(
            f"{place}: takes the patients' ids from the column {header.patient!r}, and data.patient is {config.data.patient!r}. "
            f"Write patient: {header.patient}."
        )


def records_in(
    cut: Cut, codebook: Codebook, place: str, needed: Collection[str] = ()
) -> SiteRecords:
    """The records that a cut keeps; what was found when it was made is told again.

    Raises
    ------
    NodeConfigError
        If the cut is of another codebook, or lacks a variable that is `needed` (a plan reads it).
    DataError
        If its findings are of another release.
    """
    header = cut.header
    problems = list(_problems(header, codebook, needed))
    if problems:
        raise NodeConfigError("\n".join(f"{place}: {line}" for line in problems))
    names = None if header.local_ids is None else np.array(header.local_ids, dtype=np.object_)
    return SiteRecords(
        patients=cut.patients,
        local_ids=LocalIds(names, cut.rows),
        findings=_findings(header, place),
        read=header.columns,
        not_read=(),
        by_name=(),
        not_held=tuple(name for name, held in header.variables if held == "not held"),
    )


def _problems(header: CutHeader, codebook: Codebook, needed: Collection[str]) -> Iterator[str]:
    own = sha256_hex(codebook)
    if header.codebook_hash != own:
        yield (
            f"was made with the codebook {header.codebook} (SHA-256 {header.codebook_hash[:16]}...), and this one is {codebook.reference} "
            f"({own[:16]}...). Make a new cut with this codebook."
        )
        return
    held = dict(header.variables)
    for name in needed:
        if held.get(name) == "not held":
            yield (
                f"has no values of {name} ({codebook.label(name)}), because there was no column for it when the cut was made. "
                "Make a new cut from a node.yaml that names its column, or that says under data.absent why there is none."
            )


def _findings(header: CutHeader, place: str) -> tuple[Finding, ...]:
    try:
        return _FINDINGS.validate_python(header.findings)
    except ValidationError:
        raise DataError(
            f"{place}: was made by riskset-node {header.release}, whose findings this release does not know. "
            "Make the cut again with this release."
        ) from None
