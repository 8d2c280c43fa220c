"""A signed plan: what it says is signed, not how it is laid out; and every change is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.least_study import CODEBOOK, PLAN

from riskset_common.errors import InputError, SignatureRefusal
from riskset_common.planning.read import read_plan
from riskset_common.primitives.signing import Identity
from riskset_common.study.codebook import Codebook, read_codebook
from riskset_common.study.plan import Plan
from riskset_server.plans.signed_plan import (
    PlanSignature,
    check_signature,
    sign_plan,
    signature_path,
)

CENTRE, STRANGER = Identity.from_random(b"c" * 32), Identity.from_random(b"s" * 32)


def plan_of(folder: Path, text: str = PLAN) -> Plan:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return read_plan(path)


def codebook_of(folder: Path, text: str = CODEBOOK) -> Codebook:
    path = folder / "codebook.yaml"
    path.write_text(text, encoding="utf-8")
    return read_codebook(path)


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """The signature of the plan in a folder."""
    path = signature_path(tmp_path / "plan.yaml")
    signature = sign_plan(plan_of(tmp_path), codebook_of(tmp_path), CENTRE)
    path.write_text(signature.model_dump_json(), encoding="utf-8")
    return path


def test_the_signature_lies_beside_the_plan() -> None:
    assert Path("study/plan.yaml.sig") == signature_path(Path("study/plan.yaml"))


def test_what_was_signed_is_accepted(signed: Path, tmp_path: Path) -> None:
    checked = check_signature(signed, plan_of(tmp_path), codebook_of(tmp_path))

    assert ("small-main", "1.0.0") == (checked.plan, checked.version)
    assert CENTRE.public_text == checked.public_key


def test_another_layout_keeps_the_signature(signed: Path, tmp_path: Path) -> None:
    lines = PLAN.strip().splitlines()
    turned = "\n".join(["# A remark.", *lines[2:], *lines[:2]])
    block = turned.replace(
        "- {id: os, kind: kaplan_meier, endpoint: OS}",
        '- endpoint: "OS"\n    kind: kaplan_meier\n    id: os',
    )
    quoted = CODEBOOK.replace("label: Time", "label: 'Time'")

    checked = check_signature(signed, plan_of(tmp_path, block), codebook_of(tmp_path, quoted))

    assert "small-main" == checked.plan


def test_the_order_of_levels_is_signed(signed: Path, tmp_path: Path) -> None:
    turned = CODEBOOK.replace("{alive: Alive, dead: Dead}", "{dead: Dead, alive: Alive}")
    with pytest.raises(SignatureRefusal, match="the codebook"):
        check_signature(signed, plan_of(tmp_path), codebook_of(tmp_path, turned))


@pytest.mark.parametrize(
    ("plan", "codebook", "named"),
    [
        (PLAN.replace("conventions: r", "conventions: sas"), CODEBOOK, r"sig: the plan \(signed"),
        (PLAN, CODEBOOK.replace("label: Time", "label: T"), r"sig: the codebook \(signed"),
        (
            PLAN.replace("1.0.0", "1.0.1"),
            CODEBOOK.replace("label: Time", "label: T"),
            r"the plan \(signed .*\) and the codebook \(signed .*\) changed after signing",
        ),
    ],
    ids=["plan", "codebook", "both"],
)
def test_what_changed_after_signing_is_named(
    signed: Path, tmp_path: Path, plan: str, codebook: str, named: str
) -> None:
    with pytest.raises(SignatureRefusal, match=named) as refused:
        check_signature(signed, plan_of(tmp_path, plan), codebook_of(tmp_path, codebook))

    assert "sign again with `riskset plan sign`" in str(refused.value)


def test_hashes_without_a_signature_that_fits_are_refused(signed: Path, tmp_path: Path) -> None:
    changed = plan_of(tmp_path, PLAN.replace("conventions: r", "conventions: sas"))
    forged = sign_plan(changed, codebook_of(tmp_path), STRANGER)
    mixed = forged.model_copy(update={"public_key": CENTRE.public_text})
    signed.write_text(mixed.model_dump_json(), encoding="utf-8")
    with pytest.raises(SignatureRefusal, match="does not fit its content and the key"):
        check_signature(signed, changed, codebook_of(tmp_path))


def test_the_key_of_the_run_must_be_the_key_that_signed(signed: Path, tmp_path: Path) -> None:
    plan, codebook = plan_of(tmp_path), codebook_of(tmp_path)

    assert CENTRE.public_text == check_signature(signed, plan, codebook, CENTRE).public_key
    with pytest.raises(SignatureRefusal, match=r"plan\.yaml\.sig: signed with the key"):
        check_signature(signed, plan, codebook, STRANGER)


@pytest.mark.parametrize(
    "text",
    ["", "no signature", "{}", '{"schema_version": 1, "plan": "small-main"}'],
    ids=["empty", "no JSON", "nothing", "half"],
)
def test_a_file_that_is_no_signature_is_named(signed: Path, tmp_path: Path, text: str) -> None:
    signed.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"plan\.yaml\.sig: not a plan signature"):
        check_signature(signed, plan_of(tmp_path), codebook_of(tmp_path))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("signature", "zz", "not a plan signature"), ("public_key", "abc", "public_key: This is not")],
)
def test_a_signature_with_a_broken_part_is_named(
    signed: Path, tmp_path: Path, field: str, value: str, said: str
) -> None:
    broken = PlanSignature.model_validate_json(signed.read_text(encoding="utf-8"))
    signed.write_text(broken.model_copy(update={field: value}).model_dump_json(), encoding="utf-8")
    with pytest.raises(InputError, match=f"plan.yaml.sig: {said}"):
        check_signature(signed, plan_of(tmp_path), codebook_of(tmp_path))


def test_a_folder_in_the_place_of_the_signature_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        check_signature(tmp_path, plan_of(tmp_path), codebook_of(tmp_path))
