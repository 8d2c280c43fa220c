"""Infants at diagnosis: characteristics whose counts are those of `margins`, dealt at random within them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from deploy.studies.interfant06.synthetic import margins
from deploy.studies.interfant06.synthetic.drawing import deal, pick

from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray

UNKNOWN = -1
N = sum(margins.SIZES)
AGE_WEIGHT = np.array([1.0, 0.5, -0.5, -1.3])
"""How much likelier, on the log scale, a rearranged infant of each band of age is CD10 negative; chosen."""


@dataclass(frozen=True, eq=False)
class Infants:
    """One entry an infant in all arrays, shape (n,); codes count from 0, and -1 is not known.

    Attributes
    ----------
    group, region
        Study group in the order of `margins.GROUPS`; 0 original, 1 other.
    risk
        0 low, 1 medium, 2 high.
    kmt2a, partner
        0 germline, 1 rearranged; position in `margins.PARTNERS`, -1 unless rearranged.
    age_band, age_days
        Position in `margins.AGE_DAYS`; days.
    wbc_band, wbc
        Position in `margins.WBC_RANGE`; 1e9/L.
    response, blasts
        0 good, 1 poor; blasts per microlitre of blood after the prephase, NaN where not known.
    lineage, cd10
        0 B, 1 T, 2 biphenotypic; 0 positive, 1 negative, of B-lineage only.
    cns
        0 not involved, 1 involved.
    """

    group: IntArray
    region: IntArray
    risk: IntArray
    kmt2a: IntArray
    partner: IntArray
    age_band: IntArray
    age_days: IntArray
    wbc_band: IntArray
    wbc: FloatArray
    response: IntArray
    blasts: FloatArray
    lineage: IntArray
    cd10: IntArray
    female: BoolArray
    cns: IntArray


def draw_infants(rng: np.random.Generator) -> Infants:
    """Draw the 651 infants of Interfant-06."""
    risk, region, kmt2a = _risk_and_region(rng)
    age_band = _age(rng, risk, kmt2a)
    wbc_band, response = _cells_and_response(rng, risk, kmt2a, age_band)
    partner = np.full(N, UNKNOWN, dtype=np.int64)
    for band, counts in enumerate(margins.PARTNER_BY_AGE):
        partner += 1 + deal(rng, (kmt2a == 1) & (age_band == band), counts)
    lineage = _lineage(rng, risk, kmt2a, response)
    low, high = np.array(margins.WBC_RANGE)[wbc_band].T
    first, last = np.array(margins.AGE_DAYS)[age_band].T
    blasts = np.where(response == 1, _between(rng, 1000, 90_000), _between(rng, 1, 950))
    female = np.zeros(N, dtype=np.bool_)
    for among, number in zip((kmt2a == 0, kmt2a != 0), margins.FEMALE.values(), strict=True):
        female |= pick(rng, among, number)
    evaluable = pick(rng, np.ones(N, dtype=np.bool_), margins.CNS_EVALUABLE)
    involved = pick(rng, evaluable, margins.CNS_INVOLVED, 0.7 * (kmt2a == 1))
    return Infants(
        group=_groups(rng, region),
        region=region,
        risk=risk,
        kmt2a=kmt2a,
        partner=partner,
        age_band=age_band,
        age_days=first + np.floor(rng.random(N) * (last - first + 1)).astype(np.int64),
        wbc_band=wbc_band,
        wbc=np.floor(low * (high / low) ** rng.random(N) * 10) / 10,
        response=response,
        blasts=np.where(response == UNKNOWN, np.nan, np.floor(blasts)),
        lineage=lineage,
        cd10=_cd10(rng, kmt2a, lineage, response, AGE_WEIGHT[age_band] + 0.5 * (partner == 0)),
        female=female,
        cns=np.where(evaluable, involved.astype(np.int64), UNKNOWN),
    )


def _between(rng: np.random.Generator, low: float, high: float) -> FloatArray:
    """Evenly on the scale of the logarithm."""
    value: FloatArray = low * (high / low) ** rng.random(N)
    return value


def _risk_and_region(rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray]:
    cells = [(risk, region) for region in (0, 1) for risk in range(3)]
    counts = [count for row in margins.RISK_BY_REGION for count in row]
    cell = deal(rng, np.ones(N, dtype=np.bool_), counts)
    risk, region = np.array(cells)[cell].T
    kmt2a = np.where(risk == margins.LR, 0, 1)
    for where, number in enumerate(margins.UNKNOWN_BY_REGION):
        kmt2a[pick(rng, (risk == margins.MR) & (region == where), number)] = UNKNOWN
    return risk, region, kmt2a


def _kinds(risk: IntArray, kmt2a: IntArray) -> dict[str, BoolArray]:
    known = kmt2a != UNKNOWN
    return {
        **{name: known & (risk == code) for code, name in enumerate(margins.RISKS)},
        "unknown": ~known,
    }


def _age(rng: np.random.Generator, risk: IntArray, kmt2a: IntArray) -> IntArray:
    band = np.full(N, -1, dtype=np.int64)
    for name, among in _kinds(risk, kmt2a).items():
        band += 1 + deal(rng, among, margins.AGE[name])
    return band


def _cells_and_response(
    rng: np.random.Generator, risk: IntArray, kmt2a: IntArray, age_band: IntArray
) -> tuple[IntArray, IntArray]:
    kinds = _kinds(risk, kmt2a)
    medium = kinds.pop("MR")
    kinds["MR under 6 months"] = medium & (age_band < 2)
    kinds["MR from 6 months"] = medium & (age_band >= 2)
    wbc, response = np.zeros(N, dtype=np.int64), np.zeros(N, dtype=np.int64)
    for name, among in kinds.items():
        cell = deal(rng, among, margins.WBC_AND_RESPONSE[name])
        response += np.where(among, np.array([0, 1, UNKNOWN, 0, 1, UNKNOWN])[cell], 0)
        wbc += 2 * (among & (cell < 3))
        # Of high-risk infants below 300e9/L all respond poorly; elsewhere the counts are dealt over all responses.
        wbc += pick(rng, among & (cell >= 3), margins.WBC_100[name])
    return wbc, response


def _lineage(
    rng: np.random.Generator, risk: IntArray, kmt2a: IntArray, response: IntArray
) -> IntArray:
    lineage = np.zeros(N, dtype=np.int64)
    for name, among in _kinds(risk, kmt2a).items():
        t, biphenotypic = margins.LINEAGE[name]
        chosen = pick(rng, among & (response != UNKNOWN), t + biphenotypic)
        lineage += np.where(pick(rng, chosen, biphenotypic), 2, chosen)
    return lineage


def _cd10(
    rng: np.random.Generator,
    kmt2a: IntArray,
    lineage: IntArray,
    response: IntArray,
    score: FloatArray,
) -> IntArray:
    cd10 = np.where(lineage == 0, 0, UNKNOWN)
    for status, name in ((0, "LR"), (1, "rearranged"), (UNKNOWN, "unknown")):
        negative, missing, both = margins.CD10[name]
        among = (kmt2a == status) & (lineage == 0)
        lacking = response == UNKNOWN
        cd10[pick(rng, among & lacking, both)] = UNKNOWN
        cd10[pick(rng, among & ~lacking, missing - both)] = UNKNOWN
        cd10[pick(rng, among & (cd10 == 0), negative, score)] = 1
    return cd10


def _groups(rng: np.random.Generator, region: IntArray) -> IntArray:
    border = margins.ORIGINAL_GROUPS
    original = deal(rng, region == 0, margins.SIZES[:border])
    other = deal(rng, region == 1, margins.SIZES[border:])
    return np.where(region == 0, original, border + other)
