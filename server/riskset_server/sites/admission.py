"""Joining and leaving: a site is invited, admitted after its fingerprint was compared by telephone, and can be revoked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from riskset_common.consortium.invitation import Enrolment, Invitation
from riskset_common.errors import Refusal
from riskset_common.primitives.signing import public_from_text
from riskset_server.centre.config import CentreConfig
from riskset_server.sites.nodes import Registry, bring_in_line
from riskset_server.store import Sites


def invite(
    centre: CentreConfig,
    sites: Sites,
    name: str,
    study_group: str,
    contact: str,
    *,
    now: datetime,
    random: Callable[[int], bytes],
) -> Invitation:
    """Enter a site, and give the invitation to send."""
    token = random(32).hex()
    sites.invite(name, study_group, contact, token, now)
    return Invitation(
        site=name,
        study_group=study_group,
        address=centre.address,
        ca=centre.tls.ca.read_text(encoding="ascii"),
        key=centre.identity().public_text,
        token=token,
    )


def admit(
    sites: Sites, registry: Registry | None, enrolment: Enrolment, read_out: str, now: datetime
) -> None:
    """Admit a site whose person on the telephone read out the fingerprint of its keys.

    Parameters
    ----------
    registry
        The SuperLink; None where it is registered when the SuperLink next starts.
    read_out
        The digits as they were heard.

    Raises
    ------
    Refusal
        Where they are not the fingerprint of the keys in the file.
    """
    if _digits(read_out) != _digits(enrolment.fingerprint):
        raise Refusal(
            f"site {enrolment.site}: the keys in the enrolment have the fingerprint {enrolment.fingerprint}, another one was read out. "
            "The file was changed on its way: have it sent again by another way. Nothing was admitted."
        )
    sites.check_token(enrolment.site, enrolment.token)
    key = enrolment.connection_key.encode()
    if registry is not None:
        # Before the store is told: a key that was registered and revoked once is not admitted again.
        registry.register(key, enrolment.site)
    sites.admit(enrolment.site, public_from_text(enrolment.signing_key), key, now)


def revoke(sites: Sites, registry: Registry, name: str, now: datetime) -> None:
    """Let a site connect no longer; its node is refused from its next call on."""
    sites.revoke(name, now)
    bring_in_line(registry, sites)


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))
