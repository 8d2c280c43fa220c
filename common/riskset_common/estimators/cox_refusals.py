"""Rounds of a Cox model that no site answers, because the plan gives no reason for them."""

from __future__ import annotations

from collections.abc import Sequence

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.cox_spec import CoxSpec
from riskset_common.study import Study

_ADVICE = "The centre must run this release."


def refuse_unless_blind(spec: CoxSpec, study: Study, *, is_asked: bool) -> None:
    """Raise unless a blind model is asked as one, and any other as another."""
    blind = spec.is_blind(study)
    if is_asked != blind:
        raise ProtocolRefusal(
            f"Analysis {spec.id} {'has no site among its strata and is computed' if blind else 'is stratified by site and not computed'} "
            f"on shares; the round asks for it otherwise. {_ADVICE}"
        )


def refuse_unless_robust(spec: CoxSpec) -> None:
    """Raise unless the plan has variances clustered by site."""
    if spec.robust is None:
        raise ProtocolRefusal(
            f"The round asks the products of the sites' scores for analysis {spec.id}, whose plan has no `robust`. {_ADVICE}"
        )


def refuse_unless_tested(spec: CoxSpec, *, is_asked: bool) -> None:
    """Raise unless the test of proportional hazards needs what the round asks."""
    if not is_asked:
        raise ProtocolRefusal(
            f"The round asks a test of proportional hazards of analysis {spec.id}, whose `ph_test` has no need of it. {_ADVICE}"
        )


def refuse_unless_columns(p: int, exponent: Sequence[int], beta: Sequence[float]) -> None:
    """Raise unless there is one scale and one coefficient for each column."""
    if not p == len(exponent) == len(beta):
        raise ProtocolRefusal(
            f"The round asks a model of {p} columns at {len(beta)} coefficients with {len(exponent)} scales. {_ADVICE}"
        )
