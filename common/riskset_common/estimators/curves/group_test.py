"""The test between groups as a plan writes it: the family of the log-rank test, its weights, and the test for trend.

`log_rank` has equal weights; `{log_rank: {rho, gamma}}` the weights of Harrington and Fleming (1982); `gehan`, `tarone_ware`,
`peto` and `modified_peto` those that SAS calls WILCOXON, TARONE, PETO and MODPETO. `trend` is the log-rank test for trend, and
`{trend: gehan}` one with other weights. Weights of a stratified test are those of each stratum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from riskset_common.formats.strict_model import StrictModel
from riskset_common.survival.tests.log_rank import Weights
from riskset_common.survival.tests.weighing import Weighing, open_weights

NamedWeights = Literal["log_rank", "gehan", "tarone_ware", "peto", "modified_peto"]
Name = Literal[NamedWeights, "trend"]


class Powers(StrictModel):
    """Powers of S(t-) and of 1 - S(t-)."""

    rho: float = Field(default=0, ge=0)
    gamma: float = Field(default=0, ge=0)


class FlemingHarrington(StrictModel):
    """`{log_rank: {rho: 1, gamma: 0}}`."""

    log_rank: Powers


def _sort(written: Any) -> str:
    """By which of its forms a test is read, so that an error speaks of that form alone."""
    if isinstance(written, (Mapping, StrictModel)):
        keys = written if isinstance(written, Mapping) else type(written).model_fields
        return next((key for key in ("log_rank", "trend") if key in keys), "name")
    return "name"


Weighted = Annotated[
    Annotated[NamedWeights, Tag("name")] | Annotated[FlemingHarrington, Tag("log_rank")],
    Discriminator(_sort),
]


class Trend(StrictModel):
    """`{trend: gehan}`."""

    trend: Weighted


GroupTest = Annotated[
    Annotated[Name, Tag("name")]
    | Annotated[FlemingHarrington, Tag("log_rank")]
    | Annotated[Trend, Tag("trend")],
    Discriminator(_sort),
]


@dataclass(frozen=True)
class Comparison:
    """A test of the family.

    Attributes
    ----------
    name
        As results name it.
    weighing
        Of each event time of a stratum.
    is_trend
        Whether it tests for a trend over the groups' order.
    exponent
        The power of two by which a site scales the weights of its own sums, and the centre scales back: Gehan's grow with
        the number at risk, their squares beyond the range of the secure sum. A power of two costs no digit.
    """

    name: str
    weighing: Weighing
    is_trend: bool
    exponent: int

    @property
    def weights(self) -> Weights:
        """The weights on numbers that lie open."""
        return open_weights(self.weighing)


_NAMED: Mapping[str, Comparison] = {
    "log_rank": Comparison("log-rank", Weighing("log_rank"), False, 0),
    "gehan": Comparison("Gehan", Weighing("gehan"), False, -10),
    "tarone_ware": Comparison("Tarone-Ware", Weighing("tarone_ware"), False, 0),
    "peto": Comparison("Peto-Peto", Weighing("peto"), False, 0),
    "modified_peto": Comparison("modified Peto-Peto", Weighing("modified_peto"), False, 0),
}


def comparison(asked: GroupTest) -> Comparison:
    """The test that a plan asks for."""
    if isinstance(asked, Trend):
        of = comparison(asked.trend)
        return Comparison(f"{of.name} test for trend", of.weighing, True, of.exponent)
    if isinstance(asked, FlemingHarrington):
        rho, gamma = asked.log_rank.rho, asked.log_rank.gamma
        name = f"Fleming-Harrington (rho {rho:g}, gamma {gamma:g})"
        return Comparison(name, Weighing("fleming_harrington", rho, gamma), False, 0)
    if asked == "trend":
        return comparison(Trend(trend="log_rank"))
    return _NAMED[asked]
