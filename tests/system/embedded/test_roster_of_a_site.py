"""A site believes the roster that its pinned governance keys signed, and never an older one than it has seen."""

from __future__ import annotations

import pytest
import yaml
from tests.system.embedded.lost_sites import six_sites
from typer.testing import CliRunner

from riskset_common.errors import NodeConfigError, ProtocolRefusal, SignatureRefusal
from riskset_common.primitives.signing import Identity
from riskset_node.config import PinnedRoster
from riskset_node.session.trust import trust_of
from riskset_node.state.node_state import NodeState
from riskset_server.commands.riskset import app

HOLDERS = [Identity.from_random(bytes([number]) * 32) for number in (7, 8)]
SITE = Identity.from_random(b"s" * 32)
CENTRE = Identity.from_random(b"c" * 32)


@pytest.fixture
def roster_file(tmp_path):
    path = tmp_path / "roster.yaml"
    member = {
        "site_id": 1,
        "name": "inst-01",
        "study_group": "NCCTG 01",
        "public": SITE.public_text,
    }
    path.write_text(yaml.safe_dump({"roster": 2, "sites": [member]}), encoding="utf-8")
    for number, holder in enumerate(HOLDERS):
        (tmp_path / f"holder-{number}.pem").write_bytes(holder.to_pem())
    return path


def node(roster_file):
    config = six_sites().nodes[0]
    pinned = PinnedRoster(
        path=roster_file, governance=tuple(holder.public_text for holder in HOLDERS), needed=2
    )
    centre = config.centre.model_copy(update={"key": CENTRE.public_text})
    return config.model_copy(update={"roster": pinned, "centre": centre})


def test_a_site_believes_a_roster_when_enough_keys_signed_it(roster_file):
    run = CliRunner()
    for number in range(2):
        with pytest.raises(SignatureRefusal, match=f"is signed by {number} of the 2"):
            trust_of(node(roster_file))
        key = roster_file.with_name(f"holder-{number}.pem")
        signed = run.invoke(app, ["roster", "sign", str(roster_file), "--key", str(key)])

        assert 0 == signed.exit_code
    keys = [part for holder in HOLDERS for part in ("--governance", holder.public_text)]
    checked = run.invoke(app, ["roster", "check", str(roster_file), *keys, "--needed", "2"])

    assert (2, "inst-01") == (
        trust_of(node(roster_file)).roster.version,
        trust_of(node(roster_file)).roster.members[0].name,
    )
    assert CENTRE.public == trust_of(node(roster_file)).centre
    assert checked.output.startswith("1\tinst-01\tNCCTG 01\t")


def test_a_site_without_pinned_keys_believes_no_roster():
    with pytest.raises(NodeConfigError, match=r"needs centre\.key and roster"):
        trust_of(six_sites().nodes[0])


def test_an_older_roster_than_one_seen_is_refused(tmp_path):
    state = NodeState(tmp_path / "node.sqlite")
    state.require_roster(3)
    state.require_roster(3)
    with pytest.raises(ProtocolRefusal, match="has already seen version 3"):
        state.require_roster(2)
    state.close()
