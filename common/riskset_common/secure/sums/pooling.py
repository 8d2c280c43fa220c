"""The centre's side of a secure sum: offer a plan, collect keys, ask a round, and add up reports that are noise one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.ring import decode_counts, decode_reals
from riskset_common.primitives.signing import Identity, verify
from riskset_common.secure.sums.contributors import check_header, dropped_pairs, header_of
from riskset_common.secure.sums.opening import unmasked_sum
from riskset_common.secure.sums.recovery import deposits_length, recover_seeds
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.setup import Setup, check_keys, label_of
from riskset_common.secure.sums.statements import (
    agreement_hash,
    refusal_statement,
    session_id,
)
from riskset_common.wire.messages import (
    Advertisement,
    Close,
    Keys,
    Offer,
    Opening,
    Refused,
    Report,
    ReportHeader,
    RoundRequest,
    UnmaskAnswer,
    masked_body,
    words_of,
)
from riskset_common.wire.sections import Numbers, Section, split, vector_length


@dataclass(frozen=True, slots=True)
class Checked:
    """A report that a site of the set signed for the request of the round, and what it signed, in hashes."""

    report: Report
    header: ReportHeader


@dataclass(frozen=True, slots=True)
class Pooled:
    """What one round opens, and all it opens: the sum over its contributors.

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

    def arrays(self) -> dict[tuple[str, str], Numbers]:
        """The pooled arrays by analysis and name."""
        return split(self.sections, self.counts, self.reals)

    def by_analysis(self) -> dict[str, dict[str, Numbers]]:
        """The pooled arrays of each analysis by name."""
        found: dict[str, dict[str, Numbers]] = {}
        for (analysis, array), values in self.arrays().items():
            found.setdefault(analysis, {})[array] = values
        return found


def make_offer(
    identity: Identity,
    nonce: bytes,
    roster: Roster,
    plan_json: bytes,
    codebook_json: bytes,
    run: int,
) -> tuple[bytes, Offer]:
    """The session (SID) and the signed offer for it. Run by the centre.

    Parameters
    ----------
    nonce
        32 bytes from the operating system's random source, new for every session.
    plan_json, codebook_json
        Canonical JSON of the approved plan and of its codebook.
    run
        The centre's number of the run.
    """
    plan_hash = agreement_hash(plan_json, codebook_json)
    sid = session_id(plan_hash, roster.hash, nonce)
    offer = Offer(
        nonce=nonce,
        run=run,
        roster=roster,
        centre=identity.public,
        plan_length=len(plan_json),
        codebook_length=len(codebook_json),
        body=plan_json + codebook_json,
    )
    return sid, offer.signed_by(identity)


def collect_keys(
    identity: Identity,
    sid: bytes,
    roster: Roster,
    advertisements: Iterable[Advertisement],
    rule: Rule,
) -> tuple[Setup, Keys]:
    """List the sites that joined, in the order of their numbers. Run by the centre, once for each session."""
    ordered = tuple(sorted(advertisements, key=lambda advertisement: advertisement.site_id))
    if not ordered:
        raise ProtocolRefusal("No site joined the session, so there is nothing to add up.")
    terms = rule.terms({advertisement.site_id for advertisement in ordered})
    keys = Keys(
        sid=sid,
        advertisements=ordered,
        committee=terms.committee,
        threshold=terms.threshold,
        degree=terms.degree,
    )
    return check_keys(sid, roster, keys, rule), keys.signed_by(identity)


def make_request(
    identity: Identity,
    setup: Setup,
    frozen: tuple[int, ...] | None,
    round_number: int,
    after: bytes,
    sections: Sequence[Section],
    questions: bytes,
) -> RoundRequest:
    """Ask all sites of the set, or all that joined while none is fixed. Run by the centre; a lost report is asked for in the same words.

    Parameters
    ----------
    frozen
        The set of sites that the first opening fixed.
    after
        The label of the round before; `NO_ROUND` for the first.
    """
    request = RoundRequest(
        sid=setup.sid,
        round=round_number,
        attempt=0,
        participants=setup.participants if frozen is None else frozen,
        profile="recoverable" if frozen is None else "strict",
        after=after,
        sections=tuple(sections),
        questions_length=len(questions),
        body=questions,
    )
    return request.signed_by(identity)


def check_report(
    setup: Setup,
    frozen: tuple[int, ...] | None,
    roster: Roster,
    request: RoundRequest,
    report: Report,
) -> Checked:
    """Raise unless a site of the set answered exactly this request. Run by the centre when a report arrives."""
    return _checked_answer(setup, roster, request, report, label_of(setup, frozen, request))


def _checked_answer(
    setup: Setup, roster: Roster, request: RoundRequest, report: Report, label: bytes
) -> Checked:
    name = roster.name(report.site_id)
    if report.site_id not in request.participants:
        raise ProtocolRefusal(
            f"Site {name!r} sent a report, but it is not one of the sites that were asked."
        )
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
    _require_deposits(setup, request, report, name)
    header = header_of(report)
    check_header(roster, label, header, request.round)
    return Checked(report, header)


def _require_deposits(setup: Setup, request: RoundRequest, report: Report, name: str) -> None:
    """A recoverable report holds as many deposits and commitments as there are members and pairs; a strict one holds none."""
    awaited = (0, 0)
    if request.profile == "recoverable":
        pairs = len(setup.graph.neighbours(report.site_id))
        awaited = deposits_length(setup, report.site_id), 1 + pairs
    if (report.deposits_length, len(report.commitments)) != awaited:
        raise ProtocolRefusal(
            f"The report of site {name!r} holds {report.deposits_length} bytes of deposits and {len(report.commitments)} commitments; "
            f"a {request.profile} round {request.round} takes {awaited[0]} and {awaited[1]}."
        )


def check_refused(sid: bytes, roster: Roster, refused: Refused) -> None:
    """Raise unless a site of the roster said this no, in this session. Run by the centre."""
    member = roster.member(refused.site_id)
    if refused.sid != sid:
        raise ProtocolRefusal(
            f"Site {member.name!r} refuses something in another session than this one."
        )
    statement = refusal_statement(refused.sid, refused.site_id, refused.round, refused.wire_code)
    verify(member.public, refused.signature, statement, f"the refusal of site {member.name!r}")


def open_checked(
    identity: Identity,
    setup: Setup,
    frozen: tuple[int, ...] | None,
    roster: Roster,
    request: RoundRequest,
    checked: Mapping[int, Checked],
    answers: Iterable[UnmaskAnswer] = (),
) -> Opening:
    """Add up a round, of reports that were checked for this request one by one, and publish how. Run by the centre.

    A strict round needs a report from every site of the set; with one missing there is no sum, ever. A recoverable one needs
    n_min reports and the answers of t committee members. `checked` is what `check_report` gave, by the site's number.
    """
    by_site = {number: each.report for number, each in sorted(checked.items())}
    label = label_of(setup, frozen, request)
    seeds: tuple[bytes, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    if request.profile == "recoverable":
        pairs = dropped_pairs(setup, tuple(by_site))
        seeds = recover_seeds(setup, roster, label, by_site, answers)
    else:
        _require_all(request, roster, by_site)
    lengths = vector_length(request.sections, "counts"), vector_length(request.sections, "reals")
    vectors = [each.masked for each in by_site.values()]
    own, rest = seeds[: len(seeds) - len(pairs)], seeds[len(seeds) - len(pairs) :]
    total = unmasked_sum(vectors, lengths, own, pairs, rest)
    opening = Opening(
        sid=setup.sid,
        round=request.round,
        label=label,
        contributors=tuple(checked[number].header for number in by_site),
        commitments=tuple(each.commitments for each in by_site.values()),
        seeds=seeds,
        counts_length=lengths[0],
        reals_length=lengths[1],
        body=b"".join([masked_body(*total), *vectors]),
    )
    return opening.signed_by(identity)


def pooled_of(request: RoundRequest, opening: Opening) -> Pooled:
    """The numbers that a round opened. Run by the centre, and by whoever reads a transcript."""
    return pooled_by(request.sections, opening)


def pooled_by(sections: tuple[Section, ...], opening: Opening) -> Pooled:
    """The numbers that an opening holds by a schema. Run by a site, which knows the schema that it answered by."""
    counts, reals = words_of(opening.vectors[0], opening.counts_length)
    return Pooled(
        label=opening.label,
        participants=tuple(header.site_id for header in opening.contributors),
        sections=sections,
        counts=decode_counts(counts),
        reals=decode_reals(reals),
    )


def make_close(identity: Identity, sid: bytes) -> Close:
    """Tell the sites that a session is over. Run by the centre, after the last round or when it gives up."""
    return Close(sid=sid).signed_by(identity)


def checked_by_site(
    setup: Setup,
    frozen: tuple[int, ...] | None,
    roster: Roster,
    request: RoundRequest,
    reports: Iterable[Report],
) -> dict[int, Checked]:
    """Reports by the site's number, each checked and there once. Run by the centre."""
    checked: dict[int, Checked] = {}
    label = label_of(setup, frozen, request)
    for report in reports:
        each = _checked_answer(setup, roster, request, report, label)
        if report.site_id in checked:
            raise ProtocolRefusal(
                f"Site {roster.name(report.site_id)!r} is in the sum twice. Each site is added once."
            )
        checked[report.site_id] = each
    return checked


def _require_all(request: RoundRequest, roster: Roster, by_site: Mapping[int, Report]) -> None:
    missing = [roster.name(number) for number in request.participants if number not in by_site]
    if missing:
        raise ProtocolRefusal(
            f"Round {request.round} waits for {len(missing)} of {len(request.participants)} sites: {', '.join(missing)}. "
            "Their masks are in every other report, so there is no sum without them. Ask them again with the same request."
        )
