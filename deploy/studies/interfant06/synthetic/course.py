"""The course of each infant by a multi-state model: induction, remission, transplantation, relapse, second malignancy, death.

States and transitions, with times in years:

    diagnosis -> death in induction | resistance -> death | complete remission (CR)
    CR -> relapse | death in CR | second malignancy | transplantation (SCT), at a planned time after CR
    SCT -> relapse | death in CR | second malignancy, on a clock that starts again
    relapse -> death; second malignancy -> death

Hazards are piecewise constant; covariates act as ratios. Who fails in induction, who is randomised to what and how many are
transplanted are fixed counts (`margins`); all times, and who has which event after CR, are random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from deploy.studies.interfant06.synthetic import margins
from deploy.studies.interfant06.synthetic.drawing import pick, waiting_time
from deploy.studies.interfant06.synthetic.infants import UNKNOWN, Infants, N
from deploy.studies.interfant06.synthetic.parameters import Parameters

from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray

NEVER = np.inf
RELAPSE_STARTS = (0.0, 0.5, 1.0, 1.5, 3.0)
SCT_STARTS = (0.0, 0.5, 1.0, 2.0)
SCT_RELAPSE_SHAPE = np.array([1.0, 0.7, 0.25, 0.04])
TOXIC_STARTS, TOXIC_SHAPE = (0.0, 0.5, 1.5), np.array([1.0, 0.15, 0.005])
DEATH_IN_CR_STARTS, DEATH_IN_CR_SHAPE = (0.0, 0.5, 1.5, 2.5), np.array([1.0, 0.7, 0.2, 0.02])
SMN_STARTS, SMN_SHAPE = (0.0, 0.5), np.array([0.3, 1.0])
DEATH_STARTS = (0.0, 0.5, 1.0, 2.0, 4.0)
DEATH_SHAPE = np.array([1.0, 0.8, 0.4, 0.1, 0.02])
"""How hazards fall with time is chosen, except for that of relapse in remission: the figures say how many, not when."""
SMN_AFTER_SCT = 4.0
DEATH_AFTER_SMN = 0.25
SCT_MEDIAN, SCT_SPREAD = 0.38, 0.2
MRD_MEASURED = 0.6


@dataclass(frozen=True, eq=False)
class Course:
    """What came of each infant, before follow-up ends anything; years since diagnosis, infinite where it never comes, shape (n,).

    Attributes
    ----------
    remission, resistance, randomised, transplanted, relapse, smn, death
        Times.
    randomisation
        0 event before, 1 recruited after closure, 2 eligible and not randomised, 3 randomised; -1 low risk.
    arm, arm_received
        0 IB, 1 ADE+MAE, -1 not randomised.
    mrd
        0 low, 1 high, -1 not measured.
    """

    remission: FloatArray
    resistance: FloatArray
    randomised: FloatArray
    transplanted: FloatArray
    relapse: FloatArray
    smn: FloatArray
    death: FloatArray
    randomisation: IntArray
    arm: IntArray
    arm_received: IntArray
    mrd: IntArray


@dataclass(frozen=True, eq=False)
class _Induction:
    died: BoolArray
    resistant: BoolArray

    @property
    def remission(self) -> BoolArray:
        return ~self.died & ~self.resistant


def draw_course(
    rng: np.random.Generator, infants: Infants, diagnosis: FloatArray, p: Parameters
) -> Course:
    """Draw the course of all infants; `diagnosis` in calendar years, shape (n,)."""
    score = _relapse_score(infants, p)
    induction = _induction(rng, infants, p.induction_failure * score)
    randomisation, arm = _randomisation(rng, infants, induction, diagnosis)
    received = np.where(pick(rng, arm == 1, margins.CHANGED_TREATMENT), 0, arm)
    to_remission = np.where(induction.remission, (36 + 24 * rng.random(N)) / 365.25, NEVER)
    planned = SCT_MEDIAN * np.exp(SCT_SPREAD * _normal(rng))
    first = _until_sct(rng, infants, arm, score, p)
    waiting = induction.remission & (first.min(axis=0) > planned)
    mrd, transplanted = _transplantation(rng, infants, waiting, diagnosis, score)
    later = diagnosis + to_remission + planned >= 2012
    after = planned + _after_sct(rng, arm, mrd, later, _sct_score(score, infants), p)
    times = np.where(transplanted, after, first)
    times = np.where(induction.remission & (times == times.min(axis=0)), times, NEVER)
    relapse, dead_in_cr, smn = np.maximum(times, 30 / 365.25) + np.where(
        induction.remission, to_remission, 0
    )
    death = np.minimum(dead_in_cr, _after_relapse(rng, infants, arm, relapse, p))
    death = np.minimum(death, smn + 0.05 - np.log(rng.random(N)) / DEATH_AFTER_SMN)
    resistance, dead_without_cr = _without_remission(rng, induction)
    death = np.minimum(death, dead_without_cr)
    return Course(
        remission=to_remission,
        resistance=resistance,
        randomised=np.where(arm >= 0, to_remission + 14 * rng.random(N) / 365.25, NEVER),
        transplanted=np.where(transplanted, to_remission + planned, NEVER),
        relapse=relapse,
        smn=smn,
        death=death,
        randomisation=randomisation,
        arm=arm,
        arm_received=received,
        mrd=mrd,
    )


def _without_remission(
    rng: np.random.Generator, induction: _Induction
) -> tuple[FloatArray, FloatArray]:
    """Years to resistance and to death of those who do not reach remission, shape (n,) each."""
    resistance = np.where(induction.resistant, (33 + 14 * rng.random(N)) / 365.25, NEVER)
    lethal = pick(rng, induction.resistant, margins.RESISTANT_DIED)
    death = np.where(lethal, resistance + 0.02 - 0.4 * np.log(rng.random(N)), NEVER)
    return resistance, np.where(induction.died, (2 + 31 * rng.random(N)) / 365.25, death)


def _normal(rng: np.random.Generator) -> FloatArray:
    """Normal numbers by Box and Muller's transformation, so that only uniform numbers are drawn. Shape (n,)."""
    radius = np.sqrt(-2 * np.log(rng.random(N)))
    value: FloatArray = radius * np.cos(2 * np.pi * rng.random(N))
    return value


def _relapse_score(infants: Infants, p: Parameters) -> FloatArray:
    """Sum of the log hazard ratios of the characteristics at diagnosis, shape (n,)."""
    rearranged = np.where(infants.partner < 2, p.t411_t1119, p.t911_other)
    unknown = infants.kmt2a == UNKNOWN
    score = np.where(infants.kmt2a == 0, 0.0, np.where(unknown, p.t911_other, rearranged))
    score += np.array([p.age_0_3, p.age_3_6, 0.0, p.age_9_12])[infants.age_band]
    score += np.array([0.0, p.wbc_100_300, p.wbc_300])[infants.wbc_band]
    score += p.poor_response * (infants.response == 1) + p.cd10_negative * (infants.cd10 == 1)
    score += np.array([0.0, p.t_lineage, p.biphenotypic])[infants.lineage]
    score += p.female * infants.female + p.high_risk * (infants.risk == margins.HR)
    score += infants.region * np.array([p.other_lr, p.other_mr, p.other_hr])[infants.risk]
    return score


def _induction(rng: np.random.Generator, infants: Infants, score: FloatArray) -> _Induction:
    died, resistant = np.zeros(N, dtype=np.bool_), np.zeros(N, dtype=np.bool_)
    for region in (0, 1):
        for risk in range(3):
            cell = (infants.region == region) & (infants.risk == risk)
            died |= pick(rng, cell, margins.INDUCTION_DEATHS[region][risk], score)
            resistant |= pick(rng, cell & ~died, margins.RESISTANT[region][risk], score)
    return _Induction(died, resistant)


def _randomisation(
    rng: np.random.Generator, infants: Infants, induction: _Induction, diagnosis: FloatArray
) -> tuple[IntArray, IntArray]:
    """Who was randomised, and to which arm.

    Within a risk group the last to be diagnosed came after closure; of the others a fixed number is randomised at random.
    """
    randomisation = np.where(infants.risk == margins.LR, UNKNOWN, 0)
    arm = np.full(N, UNKNOWN, dtype=np.int64)
    for name, closed in margins.CLOSED.items():
        fit = induction.remission & (infants.risk == margins.RISKS.index(name))
        order = np.argsort(np.where(fit, -diagnosis, np.inf), kind="stable")
        late = np.zeros(N, dtype=np.bool_)
        late[order[:closed]] = True
        randomised = pick(rng, fit & ~late, sum(margins.RANDOMISED[name]))
        randomisation[fit] = 2
        randomisation[late] = 1
        randomisation[randomised] = 3
        arm = np.maximum(arm, _blocks(rng, randomised, infants.group, margins.RANDOMISED[name]))
    return randomisation, arm


def _blocks(
    rng: np.random.Generator, randomised: BoolArray, group: IntArray, numbers: tuple[int, int]
) -> IntArray:
    """Arms in permuted blocks of two within each study group, then changed at random until their totals are as published."""
    arm = np.full(randomised.size, UNKNOWN, dtype=np.int64)
    key = rng.random(randomised.size)
    coin = rng.random(randomised.size) < 0.5
    for each in range(len(margins.SIZES)):
        rows = np.flatnonzero(randomised & (group == each))
        rows = rows[np.argsort(key[rows])]
        first = coin[rows[::2]]
        arm[rows[::2]] = first
        arm[rows[1::2]] = ~first[: rows[1::2].size]
    excess = int((arm == 1).sum()) - numbers[0]
    change = pick(rng, arm == (1 if excess > 0 else 0), abs(excess))
    return np.where(change, 1 - arm, arm)


def _until_sct(
    rng: np.random.Generator, infants: Infants, arm: IntArray, score: FloatArray, p: Parameters
) -> FloatArray:
    """Years from remission to relapse, death and second malignancy without transplantation, shape (3, n)."""
    base = np.array(
        [
            p.log_relapse_0,
            p.log_relapse_6m,
            p.log_relapse_1y,
            p.log_relapse_18m,
            p.log_relapse_3y,
        ]
    )
    mr = (p.ade_mae_mr_first_year,) * 2 + (p.ade_mae_mr_later,) * 3
    hr = (p.ade_mae_hr_first_year,) * 2 + (p.ade_mae_hr_later,) * 3
    effect = np.array([np.zeros(5), mr, hr])[infants.risk] * (arm == 1)[:, None]
    relapse = waiting_time(rng.random(N), RELAPSE_STARTS, np.exp(base + score[:, None] + effect))
    log_death = p.log_death_in_cr + p.death_in_cr_other * infants.region
    log_death = log_death + p.death_in_cr_ade_mae * (arm == 1)
    log_death += p.death_in_cr_lr * (infants.risk == margins.LR)
    death = waiting_time(
        rng.random(N), DEATH_IN_CR_STARTS, np.exp(log_death)[:, None] * DEATH_IN_CR_SHAPE
    )
    smn_hazard = np.where(arm == 1, np.exp(p.log_smn), 0.0)[:, None] * SMN_SHAPE
    return np.stack([relapse, death, waiting_time(rng.random(N), SMN_STARTS, smn_hazard)])


def _transplantation(
    rng: np.random.Generator,
    infants: Infants,
    waiting: BoolArray,
    diagnosis: FloatArray,
    score: FloatArray,
) -> tuple[IntArray, BoolArray]:
    """MRD, and who is transplanted, among those without an event until the planned time."""
    transplanted = np.zeros(N, dtype=np.bool_)
    high = np.zeros(N, dtype=np.bool_)
    medium = waiting & (infants.risk == margins.MR)
    for region in (0, 1):
        here = infants.region == region
        mrd_high = pick(
            rng, medium & here & (diagnosis > 2009.4), margins.MRD_HIGH_BY_REGION[region], score
        )
        high |= mrd_high
        transplanted |= pick(rng, mrd_high, margins.MRD_HIGH_SCT_BY_REGION[region])
        hr = waiting & here & (infants.risk == margins.HR)
        transplanted |= pick(rng, hr, margins.HR_SCT_BY_REGION[region])
        for risk in ("LR", "MR"):
            rest = waiting & here & (infants.risk == margins.RISKS.index(risk)) & ~high
            transplanted |= pick(rng, rest, margins.OTHER_SCT[risk, region], score)
    measured = medium & (diagnosis > 2009.4) & (rng.random(N) < MRD_MEASURED)
    return np.where(high, 1, np.where(measured, 0, UNKNOWN)), transplanted


def _sct_score(score: FloatArray, infants: Infants) -> FloatArray:
    """Half of the characteristics' effect, about its mean in high-risk infants, is left after a transplantation."""
    centred: FloatArray = 0.5 * (score - score[infants.risk == margins.HR].mean())
    return centred


def _after_sct(
    rng: np.random.Generator,
    arm: IntArray,
    mrd: IntArray,
    later: BoolArray,
    score: FloatArray,
    p: Parameters,
) -> FloatArray:
    """Years from transplantation to relapse, death and second malignancy, shape (3, n)."""
    log_relapse = p.log_sct_relapse + score + p.sct_relapse_high_mrd * (mrd == 1)
    relapse = waiting_time(
        rng.random(N), SCT_STARTS, np.exp(log_relapse)[:, None] * SCT_RELAPSE_SHAPE
    )
    log_toxic = p.log_toxic_death + p.toxic_death_from_2012 * later
    death = waiting_time(rng.random(N), TOXIC_STARTS, np.exp(log_toxic)[:, None] * TOXIC_SHAPE)
    smn = np.where(arm == 1, SMN_AFTER_SCT * np.exp(p.log_smn), 0.0)[:, None] * SMN_SHAPE
    return np.stack([relapse, death, waiting_time(rng.random(N), SMN_STARTS, smn)])


def _after_relapse(
    rng: np.random.Generator, infants: Infants, arm: IntArray, relapse: FloatArray, p: Parameters
) -> FloatArray:
    level = np.array(
        [
            [p.log_death_original_lr, p.log_death_original_mr, p.log_death_original_hr],
            [p.log_death_other_lr, p.log_death_other_mr, p.log_death_other_hr],
        ]
    )[infants.region, infants.risk]
    level = level + p.death_after_relapse_ade_mae * (arm == 1)
    time: FloatArray = (
        relapse
        + 3 / 365.25
        + waiting_time(rng.random(N), DEATH_STARTS, np.exp(level)[:, None] * DEATH_SHAPE)
    )
    return time
