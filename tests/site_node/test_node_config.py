"""node.yaml: what it may say, and what is said where it says too much or too little."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from riskset_common.errors import NodeConfigError
from riskset_node.columns import ColumnMap
from riskset_node.config import read_node
from riskset_node.finding_kinds import FindingKind
from riskset_node.sources import SOURCES
from riskset_node.sources.source import FileSettings

CSV = "source: {kind: csv, path: patients.csv}"


def test_the_shortest_node_names_site_group_and_file(site):
    config = site.node(CSV)

    assert ("dcog", "NOPHO") == (config.site, config.study_group)
    assert site.path / "patients.csv" == config.data.source.path


def test_everything_that_a_hospital_may_write_is_read(site):
    key = base64.b64encode(bytes(range(32))).decode()
    config = read_node(
        site.write(
            "node.yaml",
            f"""
            site: dcog
            study_group: DCOG
            study: interfant-06
            centre:
              address: centre.interfant.example:443
              ca: keys/ca.pem
              proxy: http://proxy.umc.example:3128
              key: {key}
            identity: {{key: /etc/riskset/node.key, connection: node.pem}}
            data:
              source: {{kind: csv, path: /data/interfant06.csv, delimiter: ";", decimal: ",", encoding: cp1252, missing: ["", 999]}}
              patient: pat_nr
              columns:
                date_diagnosis: dat_diag
                sex: {{from: geslacht, codes: {{1: male, 2: female}}, missing: [9]}}
                age: {{from: leeftijd_dgn, unit: days}}
              absent: {{date_smn: not recorded before 2010}}
              accept: [unmapped_code]
            policy:
              minimum_patients: 12
              expires: 2028-12-31
            state: state
            """,
        )
    )

    assert bytes(range(32)) == config.centre_key
    assert site.path / "keys/ca.pem" == config.centre.ca
    assert isinstance(config.data.source, FileSettings)
    assert Path("/data/interfant06.csv") == config.data.source.path
    assert site.path / "state" == config.state
    assert ("", "999") == config.data.source.missing
    assert config.data.columns is not None
    assert {"1": "male", "2": "female"} == config.data.columns["sex"].codes
    assert ColumnMap.model_validate({"from": "dat_diag"}) == config.data.columns["date_diagnosis"]
    assert (FindingKind.UNMAPPED_CODE,) == config.data.accept
    assert 12 == config.policy.minimum_patients


def test_settings_of_a_long_running_node_are_named_as_without_effect_in_a_local_run(site):
    more = """
        centre: {address: "centre.example:443", key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}
        policy: {minimum_cell: 7}
        state: state
        """

    assert ("centre.address", "state") == site.node(CSV, more).without_effect_in_a_local_run


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("policy: {approval: each_plan}", "policy.approval: not enforced in this release"),
        (
            "policy: {approvers: {needed: 2, roles: [dm]}}",
            "policy.approvers: not enforced in this release",
        ),
        ("policy: {reruns: {same_plan: 3}}", "policy.reruns: not enforced in this release"),
        ("audit: {path: audit}", "audit: not enforced in this release"),
        ("log: {format: json}", "log: not enforced in this release"),
        ('metrics: {listen: "127.0.0.1:9464"}', "metrics: not enforced in this release"),
        (
            "identity: {key: node.key, certificate: node.pem}",
            "identity.certificate: is a setting no longer",
        ),
    ],
)
def test_a_setting_that_nothing_acts_on_is_refused_with_what_to_do(site, more, said):
    with pytest.raises(NodeConfigError, match=re.escape(said)) as refused:
        site.node(CSV, more)

    assert "Remove the key" in str(refused.value)


def test_what_is_not_written_is_not_named_as_without_effect(site):
    assert () == site.node(CSV).without_effect_in_a_local_run


@pytest.mark.parametrize(
    ("records", "more", "said"),
    [
        (f"{CSV}\npatent: pat", "", "data.patent: unknown key. Did you mean 'patient'?"),
        (
            'source: {kind: csv, path: p.csv, delimitr: ";"}',
            "",
            "delimitr: unknown key. Did you mean 'delimiter'?",
        ),
        (
            "source: {kind: csv, path: p.csv, delimiter: tab}",
            "",
            "must be one character, or the word whitespace, but is 'tab'. A tab is written \"\\t\", in double quotes.",
        ),
        ("source: {kind: csv, path: p.csv, encoding: latin-12}", "", "'latin-12' is no encoding"),
        ("source: {kind: csv, path: p.csv, encoding: hex}", "", "'hex' is no encoding"),
        (
            'source: {kind: csv, path: p.csv, decimal: ";"}',
            "",
            "';' may not stand here. Write '.' or ','.",
        ),
        (
            'source: {kind: csv, path: p.csv, dates: "%Y-%m"}',
            "",
            "'%Y-%m' has month and year, and no day",
        ),
        ('source: {kind: csv, path: p.csv, dates: "%Q"}', "", "'%Q' is no form of dates"),
        (
            "source: {kind: access, path: p.mdb}",
            "",
            f"Known: {', '.join(sorted(source.kind for source in SOURCES))}.",
        ),
        ("patient: pat", "", "data.source: this key is required and missing."),
        (
            f"{CSV}\ncolumns: {{age: {{from: age, unit: days, factor: 2}}}}",
            "",
            "give unit (its conversion is known by definition) or factor, not both.",
        ),
        (
            f"{CSV}\ncolumns: {{sex: {{from: sex, codes: {{1: male}}, missing: [1]}}}}",
            "",
            "1 stands both in codes and in missing.",
        ),
        (
            f"{CSV}\ncolumns: {{age: age}}\nabsent: {{age: lost}}",
            "",
            "age stands both in columns and in absent.",
        ),
        (
            f"{CSV}\naccept: [reversed_dates]",
            "",
            "reversed_dates cannot be accepted, because no reading of such a row is right.",
        ),
        (
            f"{CSV}\naccept: [unmaped_code]",
            "",
            "'unmaped_code' is no kind of finding. Did you mean 'unmapped_code'?",
        ),
        (CSV, "centre: {key: not-base64}", "centre.key: not base64"),
        (CSV, "centre: {key: AAAA}", "an Ed25519 public key has 32 bytes, this has 3."),
        (CSV, "policy: {minimum_cel: 3}", "minimum_cel: unknown key. Did you mean 'minimum_cell'?"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(site, records, more, said):
    with pytest.raises(NodeConfigError) as refused:
        site.node(records, more)

    assert said in str(refused.value)


def test_every_mistake_is_told_at_once(site):
    with pytest.raises(NodeConfigError) as refused:
        site.node(f"{CSV}\npatent: pat", "policy: {minimum_cell: 0}")

    assert 2 == len(str(refused.value).splitlines())
