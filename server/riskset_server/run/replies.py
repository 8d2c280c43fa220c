"""Reading the sites' answers: the awaited message, a refusal, or the loss of a site that does not answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal, Refusal, RisksetError
from riskset_common.secure.sums.pooling import check_refused
from riskset_common.wire.frame import Message
from riskset_common.wire.messages import Refused, read_message

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
    """One or more sites said no. `codes` holds the kind of each one's reason; the reason itself stays at the site."""

    wire_code = "refused"

    def __init__(self, codes: Mapping[str, str]) -> None:
        self.codes = dict(codes)
        said = "\n".join(f"site {site}: refused ({code})" for site, code in sorted(codes.items()))
        super().__init__(f"{said}\nNothing was pooled. The site's own log holds its reason.")


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
        raise SitesRefused({name: refusal.wire_code for name, refusal in refused.items()})
    for name, message in read.items():
        if not isinstance(message, awaited):
            raise ProtocolRefusal(
                f"Site {name!r} sent a {type(message).__name__} where a {awaited.__name__} is awaited."
            )
    return [message for message in read.values() if isinstance(message, awaited)]
