"""Whether the centre admits this site: asked through the connection of its node, which may be running meanwhile."""

from __future__ import annotations

import httpx

from riskset_common.errors import RisksetError
from riskset_node.connection.fleet import Connection, FleetLink
from riskset_node.connection.https import in_words
from riskset_node.connection.standing import number_file

_NOT_ADMITTED = (
    "the centre does not admit this site: its connection key was revoked, or is not registered yet. Ask the centre what "
    "`riskset site list` says. A revoked site joins anew, with a new invitation and new keys."
)


def admission(connection: Connection) -> str:
    """What the centre says of this site's connection key.

    Raises
    ------
    RisksetError
        If it does not admit it, or cannot be asked.
    """
    said: list[str] = []
    link = FleetLink(connection, said.append, lambda _: True)
    try:
        file = number_file(connection.state)
        if file.exists():
            number = int(file.read_text(encoding="ascii"))
            if link.is_known_as(number):
                return f"the centre knows this site as node {number}"
        # No node has connected from here yet, or the site was admitted anew: ask by connecting, and give the lease back.
        link.open()
    except SystemExit:  # what `wait` says to a link that would try again
        raise RisksetError(_refused(said)) from None
    except httpx.TransportError as error:
        raise RisksetError(
            f"not checked: the centre was not reached, {in_words(error)}."
        ) from error
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise RisksetError(
            f"not checked, because the centre answers {status}. Try again in a minute."
        ) from error
    finally:
        link.close()
    return "the centre admits this site's connection key"


def _refused(said: list[str]) -> str:
    last = said[-1] if said else ""
    if "to admit this site" in last:
        return _NOT_ADMITTED
    return f"not checked: {last.removeprefix('waiting for ').partition('; again')[0]}."
