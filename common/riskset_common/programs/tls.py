"""TLS to a centre: one authority is believed, and none of those that the machine believes otherwise."""

from __future__ import annotations

import ssl

from riskset_common.errors import InputError


def trusting(ca: bytes) -> ssl.SSLContext:
    """TLS 1.2 or newer that believes this authority (PEM) and no other, and checks the name in the certificate.

    Raises
    ------
    InputError
        If `ca` holds no certificate in PEM form.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=ca.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise InputError(
            "centre.ca: the file is no certificate in PEM form. Copy it from the invitation again."
        ) from error
    return context
