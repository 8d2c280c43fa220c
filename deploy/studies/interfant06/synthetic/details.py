"""The site of a relapse, and the cause of a death."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from deploy.studies.interfant06.synthetic.infants import UNKNOWN

from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray

RELAPSE_SITES: Final = ("bm", "cns", "testis", "bm_cns", "bm_testis", "other")
RELAPSE_SHARES: Final = (66.0, 11.9, 1.2, 13.1, 2.1, 5.7)
"""Published, in percent of all relapses; testes relapse in boys only."""
DEATH_CAUSES: Final = ("leukaemia", "infection", "other")
INFECTION = 0.8
"""Share of infections among deaths in remission without transplantation: with 16 of 46 after one, 24 deaths (52 %) are infections."""
EARLY_LEUKAEMIA, EARLY_INFECTION = 0.15, 0.65
"""Shares among deaths in induction; chosen."""


def relapse_sites(rng: np.random.Generator, relapsed: BoolArray, female: BoolArray) -> IntArray:
    """Position in `RELAPSE_SITES`, -1 without relapse, shape (n,)."""
    shares = np.tile(RELAPSE_SHARES, (female.size, 1))
    testis = np.array(["testis" in site for site in RELAPSE_SITES])
    boys = (relapsed & ~female).sum() / max(int(relapsed.sum()), 1)
    shares[:, testis] = np.where(female[:, None], 0.0, shares[:, testis] / boys)
    return np.where(relapsed, _choose(rng, shares), UNKNOWN)


def death_causes(rng: np.random.Generator, ended: Mapping[str, BoolArray]) -> IntArray:
    """Position in `DEATH_CAUSES`, -1 alive, shape (n,).

    Leukaemia after relapse or resistance; in remission infection or toxicity, after transplantation toxicity.
    """
    u = rng.random(ended["death"].size)
    early = np.select([u < EARLY_LEUKAEMIA, u < EARLY_LEUKAEMIA + EARLY_INFECTION], [0, 1], 2)
    toxic = ended["transplanted"] | ended["smn"] | (u >= INFECTION)
    cause = np.where(ended["remission"], np.where(toxic, 2, 1), early)
    cause = np.where(ended["relapse"] | ended["resistance"], 0, cause)
    return np.where(ended["death"], cause, UNKNOWN)


def _choose(rng: np.random.Generator, shares: FloatArray) -> IntArray:
    """One of the columns with chances in proportion to its shares, shape (n,)."""
    edges = np.cumsum(shares, axis=1)
    chosen: IntArray = (rng.random(len(shares))[:, None] * edges[:, -1:] > edges).sum(axis=1)
    return chosen
