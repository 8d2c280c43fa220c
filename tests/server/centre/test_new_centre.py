"""A new centre: what it listens on, who may read its keys, and what its certificate is good for."""

from __future__ import annotations

import stat

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from tests.server.conftest import NOW, Bytes

from riskset_common.errors import InputError
from riskset_server.centre.config import read_centre
from riskset_server.centre.new_centre import new_centre


def test_only_the_owner_may_read_the_keys_of_a_centre(centre):
    folder = centre.config.key.parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")}

    assert {"centre.key": 0o600, "server.key": 0o600} == modes
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    assert 0o600 == stat.S_IMODE(centre.config.flower.secret.stat().st_mode)


@pytest.mark.parametrize("host", ["centre.example", "localhost"])
def test_the_certificate_is_good_for_the_centres_name_under_its_own_authority(tmp_path, host):
    made = new_centre(
        tmp_path / "c", sites="0.0.0.0:8443", inside="127.0.0.1:8000", stream=None,
        address="centre.example:443", now=NOW, random=Bytes(),
    )  # fmt: skip
    authority = x509.load_pem_x509_certificate(made.tls.ca.read_bytes())
    certificate = x509.load_pem_x509_certificate(made.tls.certificate.read_bytes())
    verifier = (
        PolicyBuilder()
        .store(Store([authority]))
        .time(NOW)
        .build_server_verifier(x509.DNSName(host))
    )

    assert 2 == len(verifier.verify(certificate, []))


def test_a_centre_is_not_made_over_another(centre):
    with pytest.raises(InputError, match="holds a centre already"):
        new_centre(
            centre.config.key.parent, sites="127.0.0.1:1", inside="127.0.0.1:2", stream=None,
            now=NOW, random=Bytes(),
        )  # fmt: skip


def test_the_inside_port_must_be_of_this_machine_alone(centre):
    file = centre.config.key.parent / "centre.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("inside: 127.0.0.1", "inside: 0.0.0.0"), encoding="utf-8")
    with pytest.raises(InputError, match="own programs are on this machine"):
        read_centre(file)


def test_an_unknown_setting_is_named(centre):
    file = centre.config.key.parent / "centre.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "adress: x\n", encoding="utf-8")
    with pytest.raises(InputError, match="Did you mean 'address'"):
        read_centre(file)
