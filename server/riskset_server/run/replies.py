"""Reading the sites' answers: the awaited message, a refusal, or the loss of a site that does not answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal, Refusal, RisksetError
from riskset_common.secure.sums.pooling import check_refused
from riskset_common.wire.frame import Message
from riskset_common.wire.messages import Advertisement, Refused, read_message

Awaited = TypeVar("Awaited", bound=Message)

Replies = Mapping[str, bytes]
"""What each site answered, by its name."""


class SitesLost(RisksetError):
    """Sites did not answer, and the run cannot go on without them. Nothing is lost but time: the run waits where it is.

    `instead` says what else can be done than to wait.
    """

    def __init__(
        self, round_number: int, missing: Sequence[str], needed: str, instead: str = ""
    ) -> None:
        self.missing = tuple(missing)
        kept = "What has arrived is kept, and nothing of it can be read alone."
        waits = f"round {round_number} waits for {', '.join(missing)}: {needed}."
        super().__init__(" ".join(filter(None, (waits, kept, instead))))


class SitesRefused(Refusal):
    """One or more sites said no. `codes` holds the kind of each one's reason; the reason itself stays at the site.

    `rounds` is how many rounds were opened before; None where it is not known here.
    """

    wire_code = "refused"

    def __init__(self, codes: Mapping[str, str], rounds: int | None = None) -> None:
        self.codes = dict(codes)
        said = [f"site {site}: refused ({code})" for site, code in sorted(codes.items())]
        todo = [
            f"{code}: {_WHAT_TO_DO[code]}"
            for code in sorted(set(codes.values()) & _WHAT_TO_DO.keys())
        ]
        end = (
            f"{_opened_before(rounds)}The site's own log and `riskset-node status` hold its reason."
        )
        super().__init__("\n".join([*said, *todo, end]))


_WHAT_TO_DO: Final[Mapping[str, str]] = {
    "approval": "the people of the site have not agreed to this plan and codebook. Send them both files and the hashes that "
    "`riskset plan check` prints; they write these under centre.plans.",
    "data": "the site's records do not answer what was asked, and its part in this run is over. Its data manager knows what to mend; "
    "then start a new run.",
    "policy": "the policy of the site does not allow it. Ask its people which key, and for what.",
    "signature": "the site has another roster. Send it roster.yaml and roster.yaml.sig.",
}
"""By noun, what the coordinator can do; the reason itself is known at the site alone."""


def _opened_before(rounds: int | None) -> str:
    if rounds is None:
        return ""
    if rounds == 0:
        return "No round was opened before. Nothing was pooled. "
    were = "1 round was" if rounds == 1 else f"{rounds} rounds were"
    return f"{were} opened before, and the centre has their sums; no further one was. "


def read_reply(roster: Roster, name: str, reply: bytes) -> Message:
    """Read one reply; that it is the site's own, its signature says later."""
    if not reply:
        raise ProtocolRefusal(
            f"Site {name!r} dropped the message without an answer: it does not bear the signature of the centre that this site joined. "
            "Compare the fingerprint of the centre's key with the one in its node.yaml (centre.key)."
        )
    try:
        message = read_message(reply)
    except RisksetError as error:
        raise ProtocolRefusal(
            f"Site {name!r} answered with something that is no message of riskset: {error} Nothing of it was pooled."
        ) from error
    number = getattr(message, "site_id", None)
    if number is not None and roster.name(number) != name:
        raise ProtocolRefusal(
            f"Site {name!r} answered in the name of {roster.name(number)!r}. Nothing of it was pooled; "
            "compare the keys of both (`riskset site list`)."
        )
    return message


def read_replies(
    sid: bytes, roster: Roster, replies: Replies, awaited: type[Awaited]
) -> list[Awaited]:
    """Read every reply as the awaited message, or raise with all sites that refused."""
    read = {name: read_reply(roster, name, reply) for name, reply in replies.items()}
    refused = {name: message for name, message in read.items() if isinstance(message, Refused)}
    for refusal in refused.values():
        check_refused(sid, roster, refusal)
    if refused:
        codes = {name: refusal.wire_code for name, refusal in refused.items()}
        raise SitesRefused(codes, 0 if issubclass(awaited, Advertisement) else None)
    for name, message in read.items():
        if not isinstance(message, awaited):
            raise ProtocolRefusal(
                f"Site {name!r} sent a {type(message).__name__} where a {awaited.__name__} is awaited."
            )
    return [message for message in read.values() if isinstance(message, awaited)]
