"""The set-up of a session: who takes part with which key, checked by every party for itself, and the labels that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.binding import (
    SessionKey,
    advertisement_statement,
    round_label,
    setup_hash,
)
from riskset_common.secure.roster import Roster
from riskset_common.secure.sections import schema_hash
from riskset_common.signing import verify
from riskset_common.wire import Advertisement, Keys, RoundRequest


@dataclass(frozen=True, slots=True)
class Setup:
    """The frozen set of sites of one session. All its rounds are answered by exactly these.

    Attributes
    ----------
    sid
        The session, 32 bytes.
    keys
        The sites' session keys in the order of their numbers.
    committee, threshold, degree
        The rule of recovery (none in profile S), and the number of peers with which a site masks.
    """

    sid: bytes
    keys: tuple[SessionKey, ...]
    committee: tuple[int, ...]
    threshold: int
    degree: int

    @property
    def participants(self) -> tuple[int, ...]:
        """Site numbers in order."""
        return tuple(key.site_id for key in self.keys)

    @property
    def hash(self) -> bytes:
        """SETUP_HASH, 32 bytes."""
        return setup_hash(self.sid, self.keys, self.committee, self.threshold, self.degree)


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


def check_keys(sid: bytes, roster: Roster, keys: Keys) -> Setup:
    """Raise unless every key belongs to one site of the roster; else the set-up. Run by every party for itself."""
    if keys.sid != sid:
        raise ProtocolRefusal(
            "The keys belong to another session than the one that this site joined. Start a new session."
        )
    _each_site_once(roster, keys.advertisements)
    for advertisement in keys.advertisements:
        check_advertisement(sid, roster, advertisement)
    _is_strict(keys)
    entries = tuple(session_key(advertisement) for advertisement in keys.advertisements)
    return Setup(sid, entries, keys.committee, keys.threshold, keys.degree)


def label_of(setup: Setup, request: RoundRequest) -> bytes:
    """The label of a round, or a refusal where session or participants differ from the frozen ones. Run by every party."""
    if request.sid != setup.sid:
        raise ProtocolRefusal(
            "The round belongs to another session than the one whose keys this party holds."
        )
    if request.participants != setup.participants:
        raise ProtocolRefusal(
            f"Round {request.round} asks for the sum over {len(request.participants)} sites in place of the "
            f"{len(setup.participants)} of the session. The set is frozen: the difference of two sums is one site's numbers."
        )
    return round_label(
        setup.hash,
        request.round,
        request.attempt,
        request.questions,
        request.participants,
        schema_hash(request.sections),
    )


def _each_site_once(roster: Roster, advertisements: Sequence[Advertisement]) -> None:
    numbers = [advertisement.site_id for advertisement in advertisements]
    for number in numbers:
        if numbers.count(number) > 1:
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


def _is_strict(keys: Keys) -> None:
    """Profile S: no committee, nobody recovers anything, every site masks with every other."""
    if keys.committee or keys.threshold:
        raise ProtocolRefusal(
            "The keys name a committee that could open reports; this session is strict and has none."
        )
    if keys.degree != len(keys.advertisements) - 1:
        raise ProtocolRefusal(
            f"Each site would mask with {keys.degree} peers in place of all {len(keys.advertisements) - 1} others; "
            "a strict session uses all."
        )
