"""Small sets of patients with ties, strata and left truncation, and the Cox likelihood by its definition."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True)
class Cohort:
    """Patients of a Cox model, in no particular order."""

    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray | None
    x: np.ndarray
    stratum: np.ndarray

    def rows(self, chosen) -> Cohort:
        return Cohort(
            self.time[chosen],
            self.event[chosen],
            None if self.entry is None else self.entry[chosen],
            self.x[chosen],
            self.stratum[chosen],
        )


def make_cohort(
    seed: int, n: int, p: int, *, n_times: int = 12, n_strata: int = 1, left_truncated: bool = False
) -> Cohort:
    """Random patients; few distinct times make many ties."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, n_times + 1, size=n)
    return Cohort(
        time=time,
        event=rng.random(n) < 0.7,
        entry=np.floor(time * rng.random(n)).astype(np.int64) if left_truncated else None,
        x=rng.normal(size=(n, p)),
        stratum=rng.integers(0, n_strata, size=n),
    )


def likelihood_by_definition(cohort: Cohort, beta: np.ndarray, ties: str):
    """Log-likelihood, score and information as the papers write them: one risk set after the other (Efron 1977, section 6)."""
    p = cohort.x.shape[1]
    log_likelihood, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    for stratum in np.unique(cohort.stratum):
        inside = cohort.stratum == stratum
        for t in np.unique(cohort.time[inside & cohort.event]):
            at_risk = inside & (cohort.time >= t)
            if cohort.entry is not None:
                at_risk &= cohort.entry < t
            dead = inside & cohort.event & (cohort.time == t)
            d = int(dead.sum())
            log_likelihood += float((cohort.x[dead] @ beta).sum())
            score += cohort.x[dead].sum(axis=0)
            for l in range(d):
                share = np.ones(len(cohort.time))
                if ties == "efron":
                    share[dead] -= l / d
                x = cohort.x[at_risk]
                w = (share * np.exp(cohort.x @ beta))[at_risk]
                mean = w @ x / w.sum()
                log_likelihood -= math.log(w.sum())
                score -= mean
                information += (x.T * w) @ x / w.sum() - np.outer(mean, mean)
    return log_likelihood, score, information


@pytest.fixture(scope="session")
def cohort():
    return make_cohort


@pytest.fixture(scope="session")
def by_definition():
    return likelihood_by_definition
