"""A site's reply, read: it is a message, and it speaks in this site's name."""

from __future__ import annotations

from riskset_common.errors import ProtocolRefusal, RisksetError
from riskset_common.frame import Message
from riskset_common.secure.roster import Roster
from riskset_common.wire import read_message


def read_reply(roster: Roster, name: str, reply: bytes) -> Message:
    """Read the reply of site `name`; that it is the site's own, its signature says later.

    Raises
    ------
    ProtocolRefusal
        With the site's name, where it is no message, or names another site.
    """
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
