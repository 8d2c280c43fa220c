"""The centre's side of an opening: hand on the deposits, put the seeds together from shares, and name whose shares are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, islice

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.shamir import SHARE_BYTES, combine, weights
from riskset_common.primitives.signing import Identity, verify
from riskset_common.secure.sums.contributors import dropped_pairs, header_of
from riskset_common.secure.sums.deposits import SEALED_BYTES
from riskset_common.secure.sums.opening import check_seeds
from riskset_common.secure.sums.setup import Setup
from riskset_common.secure.sums.statements import unmask_statement
from riskset_common.wire.messages import Report, RoundRequest, UnmaskAnswer, UnmaskRequest

_SUBSETS_TRIED = 10_000
"""Committees' subsets that are tried to find out whose shares are wrong; enough for every subset of 13 out of 18."""


def unmask_requests(
    identity: Identity, setup: Setup, request: RoundRequest, reports: Mapping[int, Report]
) -> dict[int, UnmaskRequest]:
    """What each committee member among the contributors is asked (UREQ). Run by the centre, once for a round.

    Parameters
    ----------
    reports
        By site, each checked.
    """
    contributors = tuple(sorted(reports))
    headers = tuple(header_of(reports[j]) for j in contributors)
    wanted: dict[int, list[int]] = {j: [0] for j in contributors}
    for j, i in dropped_pairs(setup, contributors):
        wanted[j].append(1 + setup.graph.neighbours(j).index(i))
    asked = {}
    for member in setup.terms.committee:
        if member not in reports:
            continue
        pieces = b"".join(
            _piece(setup, reports[j], member, index)
            for j in contributors
            if j != member
            for index in wanted[j]
        )
        asked[member] = UnmaskRequest(
            sid=setup.sid,
            round=request.round,
            label=reports[member].label,
            contributors=headers,
            envelopes_length=len(pieces),
            body=pieces,
        ).signed_by(identity)
    return asked


def deposits_length(setup: Setup, site_id: int) -> int:
    """Bytes that a site deposits in a recoverable round: one piece a secret and member other than itself."""
    secrets = 1 + len(setup.graph.neighbours(site_id))
    members = sum(member != site_id for member in setup.terms.committee)
    return SEALED_BYTES * secrets * members


def recover_seeds(
    setup: Setup,
    roster: Roster,
    label: bytes,
    reports: Mapping[int, Report],
    answers: Iterable[UnmaskAnswer],
) -> tuple[bytes, ...]:
    """Self seeds of the contributors in order, then seeds of their dropped pairs. Run by the centre with at least t answers.

    Raises
    ------
    ProtocolRefusal
        With fewer answers, or where shares are wrong: naming the members whose shares they are, if the others suffice to tell.
    """
    contributors = tuple(sorted(reports))
    held: dict[int, list[bytes]] = {}
    for answer in answers:
        held[answer.site_id] = _checked_shares(setup, roster, label, contributors, answer)
    threshold = setup.terms.threshold
    if len(held) < threshold:
        raise ProtocolRefusal(
            f"{len(held)} of the committee answered; {threshold} must, before the sum can be opened. Ask the others, or wait for them."
        )
    commitments = [reports[j].commitments for j in contributors]
    seeds = tuple(_all_seeds(sorted(held)[:threshold], held))
    if check_seeds(setup, label, contributors, commitments, seeds):
        raise _wrong_shares(setup, roster, label, contributors, commitments, held)
    return seeds


def _wrong_shares(
    setup: Setup,
    roster: Roster,
    label: bytes,
    contributors: tuple[int, ...],
    commitments: Sequence[Sequence[bytes]],
    held: Mapping[int, Sequence[bytes]],
) -> ProtocolRefusal:
    """Whose shares are wrong, where some t members give the seeds to which the sites committed themselves."""
    members = sorted(held)
    for chosen in islice(combinations(members, setup.terms.threshold), 1, _SUBSETS_TRIED):
        if check_seeds(setup, label, contributors, commitments, _all_seeds(chosen, held)):
            continue
        names = ", ".join(repr(roster.name(q)) for q in _off_the_line(chosen, members, held))
        return ProtocolRefusal(
            f"Shares of committee member {names} are wrong: the others agree with what the sites committed to. "
            "Pool again without the member's answer, and have the site explain itself."
        )
    return ProtocolRefusal(
        f"The shares of {len(members)} members do not give the seeds to which the sites committed themselves. A member sent wrong shares, "
        "or a site sealed wrong ones; with more answers it can be told who. Ask the other members."
    )


def _off_the_line(
    good: Sequence[int], members: Sequence[int], held: Mapping[int, Sequence[bytes]]
) -> list[int]:
    """Members whose answer, put in place of a good one's, gives other seeds than the good ones give."""
    expected = _all_seeds(good, held)
    replaced = {member: [*good[1:], member] for member in members if member not in good}
    return [member for member, mix in replaced.items() if _all_seeds(mix, held) != expected]


def _all_seeds(members: Sequence[int], held: Mapping[int, Sequence[bytes]]) -> list[bytes]:
    weight = weights(members)
    return [
        combine(weight, {member: held[member][k] for member in members})
        for k in range(len(held[members[0]]))
    ]


def _checked_shares(
    setup: Setup,
    roster: Roster,
    label: bytes,
    contributors: tuple[int, ...],
    answer: UnmaskAnswer,
) -> list[bytes]:
    name = roster.name(answer.site_id)
    if answer.site_id not in setup.terms.committee or answer.label != label:
        raise ProtocolRefusal(
            f"The shares of site {name!r} are not of this round, or the site is not on its committee."
        )
    awaited = len(contributors) + len(dropped_pairs(setup, contributors))
    if len(answer.body) != SHARE_BYTES * awaited:
        raise ProtocolRefusal(
            f"Site {name!r} sent {len(answer.body) // SHARE_BYTES} shares where {awaited} were asked for."
        )
    statement = unmask_statement(label, answer.site_id, contributors, answer.body)
    verify(
        roster.member(answer.site_id).public,
        answer.signature,
        statement,
        f"the shares of site {name!r}",
    )
    return [
        answer.body[start : start + SHARE_BYTES]
        for start in range(0, len(answer.body), SHARE_BYTES)
    ]


def _piece(setup: Setup, report: Report, member: int, index: int) -> bytes:
    """One piece of a member's deposit within a report."""
    others = [each for each in setup.terms.committee if each != report.site_id]
    secrets = 1 + len(setup.graph.neighbours(report.site_id))
    start = SEALED_BYTES * (others.index(member) * secrets + index)
    return report.deposits[start : start + SEALED_BYTES]
