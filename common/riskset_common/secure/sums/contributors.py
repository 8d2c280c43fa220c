"""The sites whose reports are in a sum, and what must hold of them before anybody helps to open it or believes it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.signing import verify
from riskset_common.secure.sums.setup import Setup
from riskset_common.secure.sums.statements import commitments_hash, report_statement
from riskset_common.wire.messages import Report, ReportHeader


def header_of(report: Report) -> ReportHeader:
    """What the site signed, in hashes."""
    return ReportHeader(
        site_id=report.site_id,
        masked=sha256(report.masked).digest(),
        deposits=sha256(report.deposits).digest(),
        commitments=commitments_hash(report.commitments),
        signature=report.signature,
    )


def check_header(roster: Roster, label: bytes, header: ReportHeader, round_number: int) -> None:
    """Raise unless the site signed this report for the round of this label. Run by every party."""
    member = roster.member(header.site_id)
    statement = report_statement(
        label, header.site_id, header.masked, header.deposits, header.commitments
    )
    what = f"the report of site {member.name!r} in round {round_number}"
    verify(member.public, header.signature, statement, what)


def check_contributors(
    setup: Setup,
    frozen: tuple[int, ...] | None,
    headers: Sequence[ReportHeader],
    *,
    minimum_sites: int,
) -> tuple[int, ...]:
    """U2, or a refusal where a round must not be opened over these sites. Run by every party; signatures are checked apart.

    Once the set is frozen it is U2. Before, U2 is any part of U1 that has n_min sites and, in a sparse graph, company for each.
    """
    numbers = tuple(header.site_id for header in headers)
    if list(numbers) != sorted(set(numbers)):
        raise ProtocolRefusal(
            "The contributors to a sum must stand in the order of their numbers, each once."
        )
    if not set(numbers) <= set(setup.participants):
        raise ProtocolRefusal(
            "A contributor to the sum is no site of this session. Only reports that were asked for are added."
        )
    if frozen is not None and numbers != frozen:
        raise ProtocolRefusal(
            f"A sum over {len(numbers)} sites was announced after the set of {len(frozen)} was fixed. "
            "The difference of two sums is one site's numbers, so there is one set for a session."
        )
    if len(numbers) < minimum_sites:
        raise ProtocolRefusal(
            f"The sum would hold {len(numbers)} sites; at least {minimum_sites} must be in it. Wait for more reports."
        )
    setup.graph.require_company(numbers)
    return numbers


def dropped_pairs(setup: Setup, contributors: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The pairs (j, i) of a contributor j and a peer i that dropped out, in order: their masks are left in the sum."""
    present = frozenset(contributors)
    if present == frozenset(setup.participants):
        return ()
    return tuple(
        (j, i) for j in contributors for i in setup.graph.neighbours(j) if i not in present
    )
