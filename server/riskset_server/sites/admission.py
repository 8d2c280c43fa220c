"""Joining and leaving: a site is invited, admitted after its fingerprint was compared by telephone, and can be revoked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from riskset_common.consortium.invitation import (
    Enrolment,
    Invitation,
    codebook_signature,
    made,
)
from riskset_common.errors import Refusal
from riskset_common.primitives.signing import Identity, is_read_out, public_from_text
from riskset_common.study.codebook import codebook_in
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
    codebook: str | None = None,
) -> Invitation:
    """Enter a site, and give the invitation to send.

    Parameters
    ----------
    codebook
        The text of the study's codebook.yaml, which is signed and sent along.

    Raises
    ------
    InputError
        Where one of the names is none, the codebook is none or too long, the centre's authority cannot be read, or the site is admitted
        already. Nothing is entered then.
    """
    token, identity = random(32).hex(), centre.identity()
    fields = {
        "site": name,
        "study_group": study_group,
        "address": centre.address,
        "ca": centre.authority(),
        "key": identity.public_text,
        "token": token,
    }
    invitation = made(Invitation, fields | _signed(codebook, identity))
    sites.invite(name, study_group, contact, token, now)
    return invitation


def _signed(codebook: str | None, centre: Identity) -> dict[str, str]:
    """The fields of a codebook in an invitation. Raises `InputError` if it is none."""
    if codebook is None:
        return {}
    codebook_in(codebook, "codebook")
    return {"codebook": codebook, "codebook_signature": codebook_signature(codebook, centre)}


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
    if not is_read_out(read_out, enrolment.fingerprint):
        # The right one is not told, because it would be copied where it should be heard.
        raise Refusal(
            f"site {enrolment.site}: the fingerprint that was read out is not that of the keys in the enrolment. Nothing was admitted. "
            "Call the site again, have all eight groups read out, and type them as you hear them. If it is refused again, the file was "
            "changed on its way: have it sent by another way."
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
