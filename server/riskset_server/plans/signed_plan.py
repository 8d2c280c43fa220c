"""A signed plan: plan.yaml and codebook.yaml as they were when the centre signed them, and the proof that they still are."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from riskset_common.errors import InputError, SignatureRefusal
from riskset_common.formats.canonical_json import canonical_json, sha256_hex
from riskset_common.formats.strict_model import StrictModel
from riskset_common.primitives.signing import Identity, fingerprint, public_from_text, verify
from riskset_common.secure.sums.statements import agreement_hash
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan

PREFIX = b"riskset/plan/1/"


class PlanSignature(StrictModel):
    """The content of plan.yaml.sig."""

    schema_version: Literal[1] = 1
    plan: str
    version: str
    plan_sha256: str
    codebook_sha256: str
    public_key: str
    signature: str


def signature_path(plan_path: Path) -> Path:
    """Where the signature of a plan lies: beside it."""
    return plan_path.with_name(plan_path.name + ".sig")


def _statement(plan: Plan, codebook: Codebook) -> bytes:
    return PREFIX + agreement_hash(canonical_json(plan), canonical_json(codebook))


def sign_plan(plan: Plan, codebook: Codebook, identity: Identity) -> PlanSignature:
    """Sign what plan and codebook say (their canonical JSON), not how the YAML is laid out."""
    return PlanSignature(
        plan=plan.plan,
        version=plan.version,
        plan_sha256=sha256_hex(plan),
        codebook_sha256=sha256_hex(codebook),
        public_key=identity.public_text,
        signature=identity.sign(_statement(plan, codebook)).hex(),
    )


def check_signature(
    path: Path, plan: Plan, codebook: Codebook, centre: Identity | None = None
) -> PlanSignature:
    """Read the signature at `path` and raise unless plan and codebook still say what was signed.

    Parameters
    ----------
    centre
        Who must have signed; anyone when None, since a signature then only shows that nothing changed after it.

    Raises
    ------
    SignatureRefusal
        Naming which of the two changed, or that another key signed.
    InputError
        Where the file is no signature.
    """
    try:
        signed = PlanSignature.model_validate_json(path.read_text(encoding="utf-8"))
        signature = bytes.fromhex(signed.signature)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValidationError, ValueError) as error:
        raise InputError(
            f"{path}: not a plan signature. Make it with `riskset plan sign`."
        ) from error
    changed = [
        f"the {what} (signed {then[:16]}, found {now[:16]})"
        for what, then, now in (
            ("plan", signed.plan_sha256, sha256_hex(plan)),
            ("codebook", signed.codebook_sha256, sha256_hex(codebook)),
        )
        if then != now
    ]
    if changed:
        raise SignatureRefusal(
            f"{path}: {' and '.join(changed)} changed after signing. Restore what was signed, or raise the version, "
            "have it approved and sign again with `riskset plan sign`."
        )
    public = _public_key(signed, path)
    verify(public, signature, _statement(plan, codebook), f"the plan in {path.name}")
    if centre is not None and centre.public != public:
        raise SignatureRefusal(
            f"{path}: signed with the key {fingerprint(public)}, and the run uses the centre's key "
            f"{fingerprint(centre.public)}. Sign the plan with the key of the run, or run it with the key that signed."
        )
    return signed


def _public_key(signed: PlanSignature, path: Path) -> bytes:
    try:
        return public_from_text(signed.public_key)
    except InputError as error:
        raise InputError(f"{path}: public_key: {error}") from error
