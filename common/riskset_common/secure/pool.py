"""The centre's side of a secure sum: offer a plan, collect keys, ask a round, and add up reports that are noise one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.binding import (
    agreement_hash,
    offer_statement,
    refusal_statement,
    report_statement,
    session_id,
)
from riskset_common.secure.ring import WORD, add_counts, add_reals, decode_counts, decode_reals
from riskset_common.secure.roster import Roster
from riskset_common.secure.sections import Section, split, vector_length
from riskset_common.secure.setup import Setup, check_keys, label_of
from riskset_common.signing import Identity, verify
from riskset_common.wire import Advertisement, Keys, Offer, Refused, Report, RoundRequest


@dataclass(frozen=True, slots=True)
class Pooled:
    """What one round opens, and all it opens: the sum over the frozen set of sites.

    Attributes
    ----------
    label
        The round's label, 32 bytes.
    participants
        The sites in the sum.
    sections
        The schema by which the vectors are laid out.
    counts
        int64, shape (n_counts,).
    reals
        float64, shape (n_reals,): the doubles nearest to the exact sums.
    """

    label: bytes
    participants: tuple[int, ...]
    sections: tuple[Section, ...]
    counts: NDArray[np.int64]
    reals: NDArray[np.float64]

    def arrays(self) -> dict[tuple[str, str], NDArray[Any]]:
        """The pooled arrays by analysis and name."""
        return split(self.sections, self.counts, self.reals)


def make_offer(
    identity: Identity, nonce: bytes, roster: Roster, plan_json: bytes, codebook_json: bytes
) -> tuple[bytes, Offer]:
    """The session (SID) and the signed offer for it. Run by the centre.

    Parameters
    ----------
    nonce
        32 bytes from the operating system's random source, new for every session.
    plan_json, codebook_json
        Canonical JSON of the approved plan and of its codebook.
    """
    plan_hash = agreement_hash(plan_json, codebook_json)
    sid = session_id(plan_hash, roster.hash, nonce)
    offer = Offer(
        nonce=nonce,
        roster=roster,
        centre=identity.public,
        signature=identity.sign(offer_statement(sid)),
        plan_length=len(plan_json),
        codebook_length=len(codebook_json),
        body=plan_json + codebook_json,
    )
    return sid, offer


def collect_keys(
    sid: bytes, roster: Roster, advertisements: Iterable[Advertisement]
) -> tuple[Setup, Keys]:
    """Freeze the set of sites that joined, in the order of their numbers. Run by the centre, once for each session."""
    ordered = tuple(sorted(advertisements, key=lambda advertisement: advertisement.site_id))
    if not ordered:
        raise ProtocolRefusal("No site joined the session, so there is nothing to add up.")
    keys = Keys(sid=sid, advertisements=ordered, committee=(), threshold=0, degree=len(ordered) - 1)
    return check_keys(sid, roster, keys), keys


def make_request(
    setup: Setup, round_number: int, sections: Sequence[Section], questions: bytes
) -> RoundRequest:
    """Ask all sites of the frozen set. Run by the centre; a lost report is asked for with the same request again."""
    return RoundRequest(
        sid=setup.sid,
        round=round_number,
        attempt=0,
        participants=setup.participants,
        sections=tuple(sections),
        questions_length=len(questions),
        body=questions,
    )


def check_report(setup: Setup, roster: Roster, request: RoundRequest, report: Report) -> None:
    """Raise unless a site of the set answered exactly this request. Run by the centre when a report arrives."""
    name = roster.name(report.site_id)
    if report.site_id not in setup.participants:
        raise ProtocolRefusal(
            f"Site {name!r} sent a report, but its key is not part of this session."
        )
    label = label_of(setup, request)
    if report.label != label:
        raise ProtocolRefusal(
            f"Site {name!r} answered another question than round {request.round} of this session, or holds other keys. "
            "Its masks would not cancel. Send it the same keys and the same request as the others."
        )
    asked = vector_length(request.sections, "counts"), vector_length(request.sections, "reals")
    if (report.counts_length, report.reals_length) != asked:
        raise ProtocolRefusal(
            f"The report of site {name!r} holds {report.counts_length} counts and {report.reals_length} reals; "
            f"round {request.round} asks for {asked[0]} and {asked[1]}."
        )
    statement = report_statement(label, report.site_id, report.body)
    what = f"the report of site {name!r} in round {request.round}"
    verify(roster.member(report.site_id).public, report.signature, statement, what)


def check_refused(sid: bytes, roster: Roster, refused: Refused) -> None:
    """Raise unless a site of the roster said this no, in this session. Run by the centre."""
    member = roster.member(refused.site_id)
    if refused.sid != sid:
        raise ProtocolRefusal(
            f"Site {member.name!r} refuses something in another session than this one."
        )
    statement = refusal_statement(refused.sid, refused.site_id, refused.round, refused.wire_code)
    verify(member.public, refused.signature, statement, f"the refusal of site {member.name!r}")


def pool_reports(
    setup: Setup, roster: Roster, request: RoundRequest, reports: Iterable[Report]
) -> Pooled:
    """Add up one report from every site of the frozen set. Run by the centre; with one missing there is no sum, ever."""
    by_site: dict[int, Report] = {}
    for report in reports:
        check_report(setup, roster, request, report)
        if report.site_id in by_site:
            raise ProtocolRefusal(
                f"Site {roster.name(report.site_id)!r} is in the sum twice. Each site is added once."
            )
        by_site[report.site_id] = report
    _require_all(setup, roster, request, by_site)
    counts = np.zeros(vector_length(request.sections, "counts"), WORD)
    reals = np.zeros((2, vector_length(request.sections, "reals")), WORD)
    for report in by_site.values():
        add_counts(counts, report.counts)
        add_reals(reals, report.reals)
    return Pooled(
        label=label_of(setup, request),
        participants=setup.participants,
        sections=request.sections,
        counts=decode_counts(counts),
        reals=decode_reals(reals),
    )


def _require_all(
    setup: Setup, roster: Roster, request: RoundRequest, by_site: Mapping[int, Report]
) -> None:
    missing = [roster.name(number) for number in setup.participants if number not in by_site]
    if missing:
        raise ProtocolRefusal(
            f"Round {request.round} waits for {len(missing)} of {len(setup.participants)} sites: {', '.join(missing)}. "
            "Their masks are in every other report, so there is no sum without them. Ask them again with the same request."
        )
