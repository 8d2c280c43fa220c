"""A plan that is handed in with its codebook: both are read from their files and checked before any site is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from riskset_common.errors import PlanError
from riskset_common.planning.check import check_plan
from riskset_common.planning.read import read_plan
from riskset_common.primitives.signing import Identity
from riskset_common.study.codebook import Codebook, read_codebook
from riskset_common.study.plan import Plan
from riskset_common.study.study import Site, Study
from riskset_server.kinds.placing import placed
from riskset_server.plans.signed_plan import check_signature, signature_path


@dataclass(frozen=True)
class Submitted:
    """A plan and its codebook that passed every check."""

    plan: Plan
    codebook: Codebook


def drafted(plan: Path, codebook: Path, *, sites: Sequence[Site] = ()) -> Submitted:
    """Read a plan that is not signed yet: it fits its codebook, and its displays can be made.

    Parameters
    ----------
    sites
        The sites that will be asked, where they are known.

    Raises
    ------
    YamlError, PlanError, CodebookError
        With every problem of the first step that finds one.
    """
    read, words = read_plan(plan), read_codebook(codebook)
    check_plan(Study(read, words, tuple(sites)), str(plan))
    try:
        placed(read)  # a display that cannot be made is an error now, not when the run is finished
    except PlanError as error:
        raise PlanError("\n".join(f"{plan}: {line}" for line in str(error).splitlines())) from error
    return Submitted(read, words)


def submitted(
    plan: Path, codebook: Path, *, sites: Sequence[Site] = (), key: Identity | None = None
) -> Submitted:
    """Read a plan that is to be run. If a signature lies beside it (plan.yaml.sig), both files still say what was signed.

    Parameters
    ----------
    sites
        The sites that will be asked, if they are known.
    key
        Who must have signed; anyone if None.

    Raises
    ------
    YamlError, PlanError, CodebookError
        As `drafted` does.
    SignatureRefusal
        If one of the two changed after it was signed, or another key signed.
    """
    submission = drafted(plan, codebook, sites=sites)
    if signature_path(plan).exists():
        check_signature(signature_path(plan), submission.plan, submission.codebook, key)
    return submission
