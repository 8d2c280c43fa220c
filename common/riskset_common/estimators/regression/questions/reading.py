"""Reading a question to a Cox model as it travelled."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Discriminator, Tag, TypeAdapter

from riskset_common.estimators.regression.questions.clusters import AskClusters
from riskset_common.estimators.regression.questions.deaths import AskDeaths, Waiting
from riskset_common.estimators.regression.questions.likelihood import AskLikelihood
from riskset_common.estimators.regression.questions.surveying import AskSurvey
from riskset_common.estimators.regression.questions.times import AskTimes


def _name_of(travelled: object) -> str | None:
    """The name of a question's class, from the keys that it has a use of."""
    if not isinstance(travelled, dict):
        return type(travelled).__name__
    if travelled.get("waits"):
        return Waiting.__name__
    if travelled.get("n_steps") is not None:
        return AskDeaths.__name__
    if travelled.get("exponent") is None:
        return AskSurvey.__name__
    if travelled.get("clusters"):
        return AskClusters.__name__
    return AskTimes.__name__ if travelled.get("times") else AskLikelihood.__name__


CoxQuestion = Annotated[
    Annotated[AskSurvey, Tag(AskSurvey.__name__)]
    | Annotated[AskLikelihood, Tag(AskLikelihood.__name__)]
    | Annotated[AskClusters, Tag(AskClusters.__name__)]
    | Annotated[AskTimes, Tag(AskTimes.__name__)]
    | Annotated[AskDeaths, Tag(AskDeaths.__name__)]
    | Annotated[Waiting, Tag(Waiting.__name__)],
    Discriminator(_name_of),
]
"""Any question to a Cox model; a question has no key that names its class."""

COX_QUESTION: Final[
    TypeAdapter[AskSurvey | AskLikelihood | AskClusters | AskTimes | AskDeaths | Waiting]
] = TypeAdapter(CoxQuestion)
"""Reads a question as it travelled."""
