"""The set-up of a session: who takes part with which key, checked by every party for itself, and the labels that follow from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.signing import verify
from riskset_common.primitives.strict_fields import Profile
from riskset_common.secure.sums.neighbours import Graph
from riskset_common.secure.sums.rule import Rule, Terms
from riskset_common.secure.sums.statements import (
    SessionKey,
    advertisement_statement,
    round_label,
    setup_hash,
)
from riskset_common.wire.messages import Advertisement, Keys, RoundRequest
from riskset_common.wire.sections import schema_hash


@dataclass(frozen=True)
class Setup:
    """The sites of one session, their keys, and who may open what.

    Attributes
    ----------
    sid
        The session, 32 bytes.
    keys
        The sites' session keys in the order of their numbers.
    terms
        The rule of recovery for these sites.
    """

    sid: bytes
    keys: tuple[SessionKey, ...]
    terms: Terms

    @cached_property
    def participants(self) -> tuple[int, ...]:
        """Site numbers in order."""
        return tuple(key.site_id for key in self.keys)

    @cached_property
    def hash(self) -> bytes:
        """SETUP_HASH, 32 bytes."""
        terms = self.terms
        return setup_hash(self.sid, self.keys, terms.committee, terms.threshold, terms.degree)

    @cached_property
    def graph(self) -> Graph:
        """The pairs that share masks."""
        return Graph(self.participants, self.terms.degree, self.hash)

    def initial_set(self) -> tuple[int, ...] | None:
        """The frozen set of a strict session: all who joined. Otherwise None, until the first opening fixes it."""
        return self.participants if self.terms.profile == "strict" else None


def session_key(advertisement: Advertisement) -> SessionKey:
    """What an advertisement adds to the set-up."""
    return SessionKey(advertisement.site_id, advertisement.ephemeral, advertisement.snapshot)


def check_advertisement(sid: bytes, roster: Roster, advertisement: Advertisement) -> None:
    """Raise unless a site of the roster made this advertisement for this session. Run by every party."""
    member = roster.member(advertisement.site_id)
    if advertisement.sid != sid:
        raise ProtocolRefusal(
            f"Site {member.name!r} joins another session than this one: it was offered another plan, codebook, roster or nonce. "
            "Compare the four with the site before anything is asked."
        )
    statement = advertisement_statement(sid, roster.hash, session_key(advertisement))
    verify(
        member.public,
        advertisement.signature,
        statement,
        f"the session key of site {member.name!r}",
    )


def check_keys(sid: bytes, roster: Roster, keys: Keys, rule: Rule) -> Setup:
    """Raise unless every key belongs to one site of the roster and the rule is the plan's; else the set-up. Run by every party."""
    if keys.sid != sid:
        raise ProtocolRefusal(
            "The keys belong to another session than the one that this site joined. Start a new session."
        )
    _each_site_once(roster, keys.advertisements)
    for advertisement in keys.advertisements:
        check_advertisement(sid, roster, advertisement)
    entries = tuple(session_key(advertisement) for advertisement in keys.advertisements)
    if len(entries) < rule.minimum_sites:
        raise ProtocolRefusal(
            f"The session has {len(entries)} sites; its plan allows sums over {rule.minimum_sites} or more only."
        )
    terms = rule.terms({entry.site_id for entry in entries})
    _follows_the_rule(keys, terms)
    return Setup(sid, entries, terms)


def label_of(setup: Setup, frozen: tuple[int, ...] | None, request: RoundRequest) -> bytes:
    """The label of a round, or a refusal where its session, sites or profile are not what they must be now. Run by every party.

    Parameters
    ----------
    frozen
        The set of sites that the first opening fixed; None before that, in a recoverable session.
    """
    if request.sid != setup.sid:
        raise ProtocolRefusal(
            "The round belongs to another session than the one whose keys this party holds."
        )
    profile: Profile = "recoverable" if frozen is None else "strict"
    expected = setup.participants if frozen is None else frozen
    if request.participants != expected:
        raise ProtocolRefusal(
            f"Round {request.round} asks for the sum over {len(request.participants)} sites in place of the "
            f"{len(expected)} of the session. The set is frozen: the difference of two sums is one site's numbers."
        )
    if request.profile != profile:
        raise ProtocolRefusal(
            f"Round {request.round} is to be {request.profile}; it must be {profile}, because the set of sites is "
            f"{'not yet' if frozen is None else 'already'} fixed."
        )
    return round_label(
        setup.hash,
        request.round,
        request.attempt,
        request.questions,
        request.participants,
        schema_hash(request.sections),
        request.profile,
    )


def _each_site_once(roster: Roster, advertisements: Sequence[Advertisement]) -> None:
    numbers = [advertisement.site_id for advertisement in advertisements]
    for number, times in Counter(numbers).items():
        if times > 1:
            raise ProtocolRefusal(
                f"Site {roster.name(number)!r} stands in the list of keys twice. One site has one key in a session."
            )
    if numbers != sorted(numbers):
        raise ProtocolRefusal(
            "The list of keys is not in the order of the site numbers, so its hash would not be the same for all."
        )
    if len({advertisement.ephemeral for advertisement in advertisements}) != len(advertisements):
        raise ProtocolRefusal(
            "Two sites of the session have the same session key. One party may be posing as two; find out which."
        )


def _follows_the_rule(keys: Keys, terms: Terms) -> None:
    """The centre repeats the rule, so that a site that runs another release notices; what holds is what the site worked out."""
    for what, stated, expected in (
        ("committee", keys.committee, terms.committee),
        ("threshold", keys.threshold, terms.threshold),
        ("degree", keys.degree, terms.degree),
    ):
        if stated != expected:
            raise ProtocolRefusal(
                f"The {what} of the session is {stated}; by the plan's rule it is {expected} for {len(keys.advertisements)} sites. "
                "Whoever may open a round is the plan's to say, not the centre's."
            )
