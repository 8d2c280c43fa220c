"""A site that joins a consortium, and its node's edge to the network: what crosses when something goes wrong."""

from __future__ import annotations

import datetime
import os
import stat
from pathlib import Path

import pytest
import yaml

from riskset_common.consortium.invitation import Enrolment, Invitation, read_file
from riskset_common.consortium.roster import Member, Roster
from riskset_common.consortium.roster_file import add_signature, read_roster, write_roster
from riskset_common.errors import (
    InputError,
    NodeConfigError,
    PolicyRefusal,
    RisksetError,
    SignatureRefusal,
)
from riskset_common.primitives.signing import Identity, public_from_text
from riskset_common.secure.sums.pooling import check_refused, make_close, make_offer
from riskset_common.study.codebook import read_codebook
from riskset_common.wire.messages import Close, Refused
from riskset_node.config import read_node
from riskset_node.connection.pauses import pause_after
from riskset_node.connection.status import lines_of
from riskset_node.cuts.making import write_cut
from riskset_node.enrolment import doctor
from riskset_node.enrolment.joining import join_folder, read_connection_key
from riskset_node.records.reading import read_records
from riskset_node.session.node import SiteNode
from riskset_node.session.service import opened, own_identity
from riskset_node.sources.csv import CsvSource
from riskset_node.sources.source import Examined
from riskset_server.centre.certificates import make_certificates

NOW = datetime.datetime(2018, 6, 1, 12, tzinfo=datetime.UTC)
CENTRE = Identity.from_random(b"c" * 32)
GOVERNANCE = Identity.from_random(b"g" * 32)
POISON = "patient 4711, born 1 April 2012"


def invitation(ca: bytes, address: str = "127.0.0.1:1") -> Invitation:
    return Invitation(
        site="NOPHO",
        study_group="NOPHO",
        address=address,
        ca=ca.decode(),
        key=CENTRE.public_text,
        token="t",
    )


def random(length: int) -> bytes:
    return b"s" * length


@pytest.fixture(scope="module")
def authority() -> bytes:
    return make_certificates(["127.0.0.1"], NOW)[0]


@pytest.fixture
def joined(tmp_path: Path, authority) -> Path:
    """The folder of a site that joined, has its records and the roster."""
    enrolment = join_folder(
        invitation(authority), tmp_path, governance=[GOVERNANCE.public_text], random=random
    )
    public = public_from_text(enrolment.signing_key)
    roster = Roster(
        version=1, members=(Member(site_id=4, name="NOPHO", study_group="NOPHO", public=public),)
    )
    lay_roster(roster, tmp_path)
    (tmp_path / "patients.csv").write_text("patient_id\n", encoding="utf-8")
    return tmp_path


def lay_roster(roster: Roster, folder: Path) -> None:
    """The roster as it comes to a site: signed by the consortium."""
    write_roster(roster, folder / "roster.yaml")
    add_signature(folder / "roster.yaml", GOVERNANCE)


def config_of(folder: Path):
    return read_node(folder / "node.yaml")


def test_the_keys_of_a_site_are_made_there_and_only_their_public_halves_go_back(joined):
    enrolment = (joined / "NOPHO.enrolment").read_text(encoding="utf-8")
    private = [
        (joined / name).read_text(encoding="utf-8") for name in ("site.key", "connection.key")
    ]

    assert all(
        stat.S_IMODE((joined / k).stat().st_mode) == 0o600 for k in ("site.key", "connection.key")
    )
    assert "PRIVATE" not in enrolment
    assert not any(key.splitlines()[1] in enrolment for key in private)


def test_the_fingerprint_that_is_read_out_covers_both_keys(joined):
    enrolment = read_file(Enrolment, joined / "NOPHO.enrolment")
    other_line = enrolment.model_copy(update={"connection_key": enrolment.connection_key + "\n"})
    other_key = enrolment.model_copy(update={"signing_key": CENTRE.public_text})

    assert 3 == len({each.fingerprint for each in (enrolment, other_line, other_key)})


def test_a_node_is_not_made_over_another(joined, authority):
    with pytest.raises(InputError, match="is there already"):
        join_folder(invitation(authority), joined, random=random)


def test_a_file_that_is_no_invitation_is_refused(tmp_path):
    (tmp_path / "x.invite").write_text('{"invitation": 2}', encoding="utf-8")
    with pytest.raises(InputError, match="is no invitation of riskset"):
        read_file(Invitation, tmp_path / "x.invite")


def test_a_key_of_another_kind_is_no_connection_key():
    with pytest.raises(InputError, match="EC keys only"):
        read_connection_key(CENTRE.to_pem())
    with pytest.raises(InputError, match="no unencrypted private key"):
        read_connection_key(b"nonsense")


def test_of_a_fault_nothing_crosses_but_a_signed_noun(joined, monkeypatch):
    first, second = (make_close(CENTRE, bytes([k]) * 32).to_bytes() for k in range(2))
    with opened(config_of(joined), now=lambda: NOW, random=random) as answering:

        def fails(_: bytes) -> bytes:
            raise RuntimeError(POISON)

        monkeypatch.setattr(answering._node, "answer", fails)
        reply = answering.answer(first)
        again = answering.answer(first)
        other = answering.answer(second)
        roster = read_roster(joined / "roster.yaml").roster
        read = Refused.from_bytes(reply)
        check_refused(read.sid, roster, read)

        assert "failed" == read.wire_code
        assert POISON.encode() not in reply
        assert reply == again
        assert reply != other


@pytest.mark.parametrize(
    "message",
    [
        b"GET / HTTP/1.1",
        make_close(Identity.from_random(b"x" * 32), bytes(32)).to_bytes(),
        Close(sid=bytes(32)).to_bytes(),
    ],
    ids=["noise", "another centre's", "unsigned"],
)
def test_what_the_centre_did_not_sign_is_dropped(joined, message):
    with opened(config_of(joined), now=lambda: NOW, random=random) as answering:
        reply = answering.answer(message)
        written = answering._thread.submit(
            lambda: list(answering._node._state.outbox.entries())
        ).result()

    assert (b"", []) == (reply, written)


@pytest.mark.parametrize("is_idle", [True, False])
def test_what_a_session_took_goes_back_when_none_is_open(joined, monkeypatch, is_idle):
    given: list[int] = []
    monkeypatch.setattr("riskset_node.session.edge.give_back", lambda: given.append(len(given)))
    monkeypatch.setattr(SiteNode, "is_idle", property(lambda _: is_idle))
    with opened(config_of(joined), now=lambda: NOW, random=random) as answering:
        answering.answer(b"message")

    assert int(is_idle) == len(given)


def test_a_message_can_be_refused_unread(joined):
    with opened(config_of(joined), now=lambda: NOW, random=random) as answering:
        reply = answering.refuse(
            make_close(CENTRE, bytes(32)).to_bytes(), PolicyRefusal("not this app")
        )

    assert ("policy", 4) == (Refused.from_bytes(reply).wire_code, Refused.from_bytes(reply).site_id)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (f"  key: {CENTRE.public_text}", "centre.key: is not in node.yaml"),
        ("  path: roster.yaml", r"roster\.path"),
        ("state: ", "state: is not in node.yaml"),
    ],
)
def test_what_a_connected_node_needs_is_asked_for_by_its_name(joined, setting, said):
    file = joined / "node.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(setting)]
    file.write_text("\n".join(kept), encoding="utf-8")
    with (
        pytest.raises(NodeConfigError, match=said),
        opened(config_of(joined), now=lambda: NOW, random=random),
    ):
        pass


def test_a_connected_node_names_the_column_of_its_patients(joined):
    file = joined / "node.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("  patient: patient_id\n", ""), encoding="utf-8"
    )
    found = checks(joined)["records"]
    with (
        pytest.raises(
            NodeConfigError, match=r"data\.patient: is not in node\.yaml .* Write patient:"
        ),
        opened(config_of(joined), now=lambda: NOW, random=random),
    ):
        pass

    assert (False, True) == (found.passed, found.found.startswith("data.patient: is not in"))


def test_a_signing_key_that_is_none_is_told_with_its_site_and_file(joined):
    (joined / "site.key").write_text("no key", encoding="ascii")

    with pytest.raises(
        NodeConfigError, match=r"site NOPHO: identity\.key .*site\.key: The identity"
    ):
        own_identity(config_of(joined))


def test_a_roster_with_another_key_of_this_site_is_refused(joined):
    roster = read_roster(joined / "roster.yaml").roster
    other = roster.members[0].model_copy(update={"public": CENTRE.public})
    lay_roster(Roster(version=2, members=(other,)), joined)
    with (
        pytest.raises(NodeConfigError, match="holds another public key"),
        opened(config_of(joined), now=lambda: NOW, random=random),
    ):
        pass


def test_a_roster_that_the_consortium_did_not_sign_is_refused(joined):
    (joined / "roster.yaml.sig").unlink()
    with (
        pytest.raises(SignatureRefusal, match="is signed by 0 of the 1 governance keys"),
        opened(config_of(joined), now=lambda: NOW, random=random),
    ):
        pass


def test_a_site_without_pinned_keys_cannot_be_connected(tmp_path, authority):
    join_folder(invitation(authority), tmp_path, random=random)
    (tmp_path / "patients.csv").write_text("patient_id\n", encoding="utf-8")
    with (
        pytest.raises(NodeConfigError, match=r"needs centre\.key and roster"),
        opened(config_of(tmp_path), now=lambda: NOW, random=random),
    ):
        pass


def test_the_node_asks_often_after_work_and_seldom_when_idle():
    pauses = [pause_after(0, now) for now in (0, 1, 4, 20, 1000)]

    assert [0.05, 0.15, 0.6, 2.0, 2.0] == pytest.approx(pauses)


def checks(folder: Path) -> dict[str, doctor.Check]:
    codebook = doctor.codebook_beside(folder / "node.yaml")
    found = doctor.examine(
        config_of(folder), now=NOW, codebook=codebook, admission=lambda: "admitted", runs=False
    )
    return {check.what: check for check in found}


def test_the_doctor_passes_what_is_in_order_and_says_what_to_ask_it_for(joined):
    found = checks(joined)

    assert {"centre", "clock"} == {name for name, check in found.items() if not check.passed}
    assert "please allow outbound TCP 1 to 127.0.0.1" in found["centre"].found
    assert "this site is number 4" in found["roster"].found


def test_the_doctor_finds_a_key_that_others_can_read(joined):
    (joined / "connection.key").chmod(0o644)

    assert f"chmod 600 {joined / 'connection.key'}" in checks(joined)["keys"].found


def test_the_doctor_finds_that_no_plan_is_named(joined):
    node = joined / "node.yaml"
    empty = checks(joined)["plans"]
    node.write_text(node.read_text(encoding="utf-8").replace("  plans: []\n", ""), encoding="utf-8")
    missing = checks(joined)["plans"]

    assert (True, "none is pinned yet, so every offer is refused") == (empty.passed, empty.found)
    assert (False, True) == (missing.passed, "plan: SHA-256" in missing.found)


def test_the_doctor_finds_records_that_are_not_there(joined):
    (joined / "patients.csv").unlink()

    assert "data.source.path" in checks(joined)["records"].found


def test_the_doctor_finds_a_column_that_is_not_there(joined):
    (joined / "patients.csv").write_text("patient_id,sex\nP-1,male\n", encoding="utf-8")
    node = joined / "node.yaml"
    settings = yaml.safe_load(node.read_text(encoding="utf-8"))
    settings["data"]["columns"] = {"sex": "sexe"}
    node.write_text(yaml.safe_dump(settings), encoding="utf-8")
    found = checks(joined)["records"]

    assert not found.passed
    assert "there is no column 'sexe'. Did you mean 'sex'?" in found.found


CODEBOOK = """
codebook: infants
version: 1
variables:
  diagnosed: {kind: date, label: Date of diagnosis, required: true}
  sex: {kind: category, label: Sex, levels: {male: Male, female: Female}}
"""


def with_records(folder: Path, rows: str, more: str = "") -> None:
    (folder / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    (folder / "patients.csv").write_text(f"pat,diagnosed,sex\n{rows}", encoding="utf-8")
    node = folder / "node.yaml"
    text = node.read_text(encoding="utf-8").replace("patient: patient_id", "patient: pat")
    node.write_text(text + more, encoding="utf-8")


def test_the_doctor_checks_the_records_against_the_codebook_and_tells_counts_only(joined):
    with_records(joined, "P-4711,2010-01-01,male\nP-4712,2010-02-30,Xanthippe\n")
    bad = checks(joined)["records"]
    (joined / "patients.csv").write_text("pat,diagnosed,sex\nP-4711,2010-01-01,male\n", "utf-8")
    good = checks(joined)["records"]

    assert not bad.passed
    assert "2 patients, 2 errors and 0 warnings of the check" in bad.found
    assert "riskset-node data check node.yaml" in bad.found
    assert not any(value in bad.found for value in ("P-47", "Xanthippe", "2010"))
    assert good.passed
    assert "1 patients, 0 errors and 0 warnings" in good.found


def test_the_doctor_checks_a_cut_that_lacks_what_the_site_does_not_hold(joined):
    with_records(joined, "P-4711,2010-01-01,male\n", "  absent: {sex: not recorded}\n")
    config, words = config_of(joined), read_codebook(joined / "codebook.yaml")
    records = read_records(config, words, NOW.date())
    write_cut(joined / "first.cut", records, config, words, NOW)
    settings = yaml.safe_load((joined / "node.yaml").read_text(encoding="utf-8"))
    settings["data"] = {"source": {"kind": "cut", "path": "first.cut"}, "patient": "pat"}
    (joined / "node.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (joined / "patients.csv").unlink()
    found = checks(joined)["records"]

    assert found.passed, found.found
    assert "first.cut can be read: 2 columns; 'first', made on 2018-06-01" in found.found
    assert "1 patients, 0 errors and 0 warnings" in found.found


def test_the_doctor_tells_no_value_of_records_that_stop_the_check(joined):
    with_records(joined, "P-4711,2010-01-01,male\n")
    node = joined / "node.yaml"
    text = node.read_text(encoding="utf-8")
    node.write_text(
        text.replace("kind: csv\n", "kind: csv\n    where: {sex: female}\n"), encoding="utf-8"
    )
    found = checks(joined)["records"]

    assert not found.passed
    assert "cannot be checked against the codebook" in found.found
    assert "male" not in found.found


def test_the_doctor_says_which_column_node_yaml_must_name(joined):
    with_records(joined, "P-4711,2010-01-01,male\n", "  columns: {diagnosed: pat, sexe: sex}\n")

    assert "data.columns.sexe: no variable of the codebook" in checks(joined)["records"].found


def test_without_a_codebook_the_doctor_says_what_to_ask_for(joined):
    found = checks(joined)["codebook"]

    assert (True, True) == (found.passed, found.warns)
    assert "Ask the centre for it" in found.found


def test_the_doctor_says_when_the_file_was_written_and_passes_a_warning_on(joined, monkeypatch):
    os.utime(joined / "patients.csv", (0, 0))
    before = checks(joined)["records"]
    monkeypatch.setattr(
        CsvSource, "examined", lambda *_: iter([Examined("may be lost", warns=True)])
    )
    after = checks(joined)["records"]

    assert (True, True) == (before.passed, before.found.endswith("; written on 1970-01-01"))
    assert (True, True, "may be lost") == (after.passed, after.warns, after.found)


def test_the_doctor_finds_a_site_that_is_not_admitted(joined):
    def revoked() -> str:
        raise RisksetError("the centre does not admit this site")

    found = doctor.examine(config_of(joined), now=NOW, codebook=None, admission=revoked, runs=False)

    assert ["the centre does not admit this site"] == [
        check.found for check in found if check.what == "admission" and not check.passed
    ]


@pytest.mark.parametrize(
    ("expires", "passed", "said"),
    [
        ("2018-05-31", False, "policy.expires: the policy held until 2018-05-31"),
        ("2018-06-01", True, "holds until 2018-06-01"),
    ],
)
def test_the_doctor_finds_a_policy_that_expired(joined, expires, passed, said):
    config = config_of(joined)
    policy = config.policy.model_copy(update={"expires": datetime.date.fromisoformat(expires)})
    found = doctor.examine(
        config.model_copy(update={"policy": policy}),
        now=NOW,
        codebook=None,
        admission=lambda: "",
        runs=False,
    )
    (check,) = [check for check in found if check.what == "policy"]

    assert (passed, True) == (check.passed, said in check.found)


def test_the_doctor_finds_a_roster_older_than_the_centres_until_the_new_one_is_there(joined):
    first = read_roster(joined / "roster.yaml").roster
    newer = Roster(version=2, members=first.members)
    with opened(config_of(joined), now=lambda: NOW, random=random) as answering:
        offer = make_offer(CENTRE, b"n" * 32, newer, b"{}", b"{}", 7)[1]
        reply = answering.answer(offer.to_bytes())
    told = lines_of(joined / "state", NOW)
    before = checks(joined)["roster"]
    lay_roster(newer, joined)
    after = checks(joined)["roster"]
    words = "the centre's roster is version 2, here 1"

    assert "signature" == Refused.from_bytes(reply).wire_code
    assert any(words in line and "get roster.yaml" in line.lower() for line in told)
    assert (False, True) == (before.passed, after.passed)
    assert f"{words}: get roster.yaml and roster.yaml.sig from the centre" in before.found


def test_the_version_of_a_roster_that_the_centre_did_not_sign_is_not_believed(joined):
    first = read_roster(joined / "roster.yaml").roster
    newer = Roster(version=99, members=first.members)
    with opened(config_of(joined), now=lambda: NOW, random=random) as answering:
        offer = make_offer(CENTRE, b"n" * 32, newer, b"{}", b"{}", 7)[1]
        answering.answer(offer.model_copy(update={"signature": bytes(64)}).to_bytes())

    assert checks(joined)["roster"].passed


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("node.yaml", "policy: {minimum_cel: 9}", "the node that runs does not use it"),
        ("node.yaml", "study: other", "acts only after a restart of the node"),
        ("roster.yaml", "# newer", ": roster.yaml."),
    ],
)
def test_the_doctor_finds_what_a_running_node_did_not_take_up(joined, name, changed, said):
    file, config = joined / name, config_of(joined)
    node = joined / "node.yaml"
    with opened(config, now=lambda: NOW, random=random, node_yaml=node) as answering:
        written = file.read_text(encoding="utf-8")
        file.write_text(f"{written}\n{changed}\n", encoding="utf-8")
        answering.renew()
    found = [
        {
            each.what: each
            for each in doctor.examine(config, now=NOW, codebook=None, admission=str, runs=runs)
        }["settings"]
        for runs in (True, False)
    ]

    assert [False, True] == [each.passed for each in found]
    assert said in found[0].found


@pytest.mark.parametrize(
    ("seconds", "passed"), [(0, True), (5, True), (-299, True), (8, False), (-310, False)]
)
def test_the_doctor_says_when_the_clock_is_wrong(joined, seconds, passed):
    health = doctor._Health(config_of(joined), NOW)
    health._date = NOW - datetime.timedelta(seconds=seconds)
    if passed:
        assert health.clock().endswith("s from the centre's")
    else:
        with pytest.raises(RisksetError, match="Let it be set by NTP"):
            health.clock()


def test_a_setting_of_the_connection_has_no_effect_in_a_local_run(joined):
    named = config_of(joined).without_effect_in_a_local_run

    assert {"centre.address", "centre.ca", "roster", "identity.connection", "state"} <= set(named)
    assert "centre.key" not in named


@pytest.mark.parametrize("address", ["centre.example", "https://centre.example:443", "x:0", ":443"])
def test_an_address_is_a_host_and_a_port(joined, address):
    file = joined / "node.yaml"
    text = file.read_text(encoding="utf-8").replace("127.0.0.1:1\n", f"'{address}'\n")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NodeConfigError, match="is not host:port"):
        config_of(joined)
