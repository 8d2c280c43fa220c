from __future__ import annotations

import ssl
from datetime import UTC, datetime

import pytest

from riskset_common.errors import InputError
from riskset_common.programs.tls import trusting
from riskset_server.centre.certificates import make_certificates


def test_one_authority_is_believed_and_names_are_checked() -> None:
    authority, _ = make_certificates(["centre.example"], datetime(2026, 1, 1, tzinfo=UTC))
    context = trusting(authority)

    assert 1 == len(context.get_ca_certs())
    assert ssl.CERT_REQUIRED == context.verify_mode
    assert context.check_hostname


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\xff\xfe"])
def test_an_authority_that_is_no_certificate_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="no certificate in PEM form"):
        trusting(content)
