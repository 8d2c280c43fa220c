"""The base of all questions to a Cox model: how they travel, and what each must answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.estimator import Request, Shape, State, Summary
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.results.regression import CoxResult
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study

NOT_ASKED: Final[Mapping[str, object]] = {
    "beta": [],
    "clusters": False,
    "count_steps": None,
    "exponent": None,
    "mains": [],
    "n_steps": None,
    "times": False,
    "waits": False,
}
"""Every key of a question as it travels, with the value that it has in a question which has no use of it."""


class AskCox(State):
    """A question to a Cox model. It travels with the keys of all others, each as in `NOT_ASKED`."""

    needs_events: ClassVar[bool] = True
    """Whether the model's coefficients must have events enough before a site answers."""

    @model_validator(mode="before")
    @classmethod
    def _own_keys(cls, travelled: object) -> object:
        if not isinstance(travelled, dict):
            return travelled
        own = cls.model_fields
        return {
            key: value
            for key, value in travelled.items()
            if key in own or not _is_not_asked(key, value)
        }

    @model_serializer(mode="wrap")
    def _all_keys(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {**NOT_ASKED, **write(self)}

    def require_grounds(self, request: CoxRequest) -> None:
        """Raise `ProtocolRefusal` unless the question follows from sums that this site checked. Run by a site."""
        del request

    @abstractmethod
    def shapes(self, spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
        """Names, rings and shapes of the answer. Raises `ProtocolRefusal` if the model is not asked this. Run by both sides."""

    @abstractmethod
    def summarise(self, patients: Patients, request: CoxRequest) -> Summary:
        """Answer for one site's patients. Run by a site."""

    @abstractmethod
    def after(self, request: CoxRequest, pooled: Summary) -> CoxRequest | CoxResult:
        """Another question, or the fitted model. Run by the centre on the sum over all sites."""


CoxRequest = Request[CoxSpec, AskCox]
"""A request of a Cox model, whichever question it is."""


def _is_not_asked(key: str, value: object) -> bool:
    unused = NOT_ASKED.get(key, ...)
    return type(value) is type(unused) and value == unused


def refuse_unless_blind(spec: CoxSpec, study: Study, *, on_shares: bool) -> None:
    """Raise `ProtocolRefusal` if a model is asked what one computed on shares is asked, or the other way round."""
    blind = spec.crosses_sites(study.sites)
    if blind != on_shares:
        raise ProtocolRefusal(
            f"Analysis {spec.id} {'has no site among its strata and is computed' if blind else 'is stratified by site and not computed'} "
            "on shares; the round asks for it otherwise. The centre must run this release."
        )


def refuse_unless_tested(spec: CoxSpec, *, is_asked: bool) -> None:
    """Raise `ProtocolRefusal` unless the plan asks for what a test of proportional hazards needs."""
    if not is_asked:
        raise ProtocolRefusal(
            f"The round asks a test of proportional hazards of analysis {spec.id}, whose `ph_test` has no need of it. "
            "The centre must run this release."
        )
