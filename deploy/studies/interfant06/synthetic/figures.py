"""Every published estimate, computed from pooled synthetic cohorts under the names of `published`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from deploy.studies.interfant06.synthetic import margins
from deploy.studies.interfant06.synthetic.cohort import YEAR, Cohort
from deploy.studies.interfant06.synthetic.details import DEATH_CAUSES, RELAPSE_SITES
from deploy.studies.interfant06.synthetic.earlier import EarlierCohort
from deploy.studies.interfant06.synthetic.infants import UNKNOWN
from deploy.studies.interfant06.synthetic.observed import (
    DEATH_IN_CR,
    DEATH_IN_INDUCTION,
    RELAPSE,
    RESISTANCE,
    SMN,
    Observed,
    Times,
    cox,
    incidence_at,
    median_follow_up,
    observe,
    observe_earlier,
    survival_at,
)

from riskset_common.survival.arrays.shapes import BoolArray, FloatArray

Named = Iterator[tuple[str, float]]
REGIONS = ("original", "other")
ARMS = {"ADE+MAE": 1, "IB": 0}
RELAPSE_SITE_NAMES = {
    "isolated BM": "bm",
    "isolated CNS": "cns",
    "isolated testis": "testis",
    "BM+CNS": "bm_cns",
    "BM+testis": "bm_testis",
    "other": "other",
}
EARLY = 0.6
"""Years from remission by which nearly all transplantations are done; an event without one is early until then. The paper does not say
what it calls early."""


def figures(cohorts: Sequence[Cohort], earlier: Sequence[EarlierCohort]) -> dict[str, float]:
    """The estimates of all cohorts pooled; numbers of infants are those of one cohort on average."""
    seen, per = observe(cohorts), len(cohorts)
    estimates = {
        **dict(_curves(seen)),
        **dict(_arms(seen)),
        **dict(_outcomes(seen, per)),
        **dict(_transplantations(seen, per)),
        **dict(_characteristics(seen, per)),
        **dict(_models(seen, per)),
        **dict(_earlier(observe_earlier(earlier))),
    }
    return {name: float(value) for name, value in estimates.items()}


def subgroups(seen: Observed) -> dict[str, BoolArray]:
    """The groups whose event-free survival is published, as rows, shape (n,) each."""
    trait = seen.traits
    kmt2a, age, wbc = trait["kmt2a"], trait["age_band"], trait["wbc_band"]
    by_risk = {name: trait["risk"] == code for code, name in enumerate(margins.RISKS)}
    by_region = {name: trait["region"] == code for code, name in enumerate(REGIONS)}
    both = {
        f"{region}_{risk}": here & infants
        for region, here in by_region.items()
        for risk, infants in by_risk.items()
    }
    return {
        "all": np.ones(seen.n, dtype=np.bool_),
        **by_risk,
        **by_region,
        **both,
        "kmt2a_germline": kmt2a == 0,
        "kmt2a_rearranged": kmt2a == 1,
        **{f"age_{3 * band}_{3 * band + 3}": age == band for band in range(4)},
        "wbc_ge_300": wbc == 2,
        "wbc_100_300": wbc == 1,
        "wbc_lt_100": wbc == 0,
        "cd10_neg": trait["cd10"] == 1,
        "cd10_pos": trait["cd10"] == 0,
        "male": ~trait["female"].astype(np.bool_),
        "female": trait["female"].astype(np.bool_),
        "pgr": trait["response"] == 0,
        "ppr": trait["response"] == 1,
        "rearranged_age_ge_9m": (kmt2a == 1) & (age == 3),
    }


def _curves(seen: Observed) -> Named:
    events, deaths = seen.event_free(), seen.survival()
    for name, rows in subgroups(seen).items():
        yield f"outcome.efs6.{name}", survival_at(events.among(rows), 6)
        yield f"outcome.os6.{name}", survival_at(deaths.among(rows), 6)
    for name, lineage in (("t_cell", 1), ("biphenotypic", 2)):
        rows = seen.traits["lineage"] == lineage
        yield f"outcome.efs4.{name}", survival_at(events.among(rows), 4)
    alive = Times(deaths.days, (deaths.kind > 0).astype(np.int64))
    yield "followup.median_years", median_follow_up(alive)


def _arms(seen: Observed) -> Named:
    disease, deaths = seen.disease_free("randomised"), seen.survival("randomised")
    risk = seen.traits["risk"]
    for name, code in ARMS.items():
        rows = seen.traits["arm"] == code
        yield f"randomised.relapse6.{name}", incidence_at(disease.among(rows), RELAPSE, 6)
        yield f"randomised.death_in_cr6.{name}", incidence_at(disease.among(rows), DEATH_IN_CR, 6)
        for years in (3, 6):
            yield f"randomised.dfs{years}.{name}", survival_at(disease.among(rows), years)
        yield f"randomised.os6.{name}", survival_at(deaths.among(rows), 6)
        medium, high = rows & (risk == margins.MR), rows & (risk == margins.HR)
        yield f"randomised.dfs6_MR.{name}", survival_at(disease.among(medium), 6)
        yield f"randomised.dfs4_HR.{name}", survival_at(disease.among(high), 4)


def _outcomes(seen: Observed, per: int) -> Named:
    kind, region = seen.event_free().kind, seen.traits["region"]
    kinds = {
        "induction_death": DEATH_IN_INDUCTION,
        "resistance": RESISTANCE,
        "death_in_remission": DEATH_IN_CR,
        "relapse": RELAPSE,
    }
    yield "outcome.cr_n", seen.has("remission").sum() / per
    yield "outcome.induction_death_n", (kind == DEATH_IN_INDUCTION).sum() / per
    yield "outcome.resistant_n", (kind == RESISTANCE).sum() / per
    yield "outcome.resistant_died_n", ((kind == RESISTANCE) & seen.has("death")).sum() / per
    yield "outcome.relapse_n", (kind == RELAPSE).sum() / per
    yield "outcome.death_in_cr_n", (kind == DEATH_IN_CR).sum() / per
    yield "outcome.smn_n", (kind == SMN).sum() / per
    toxic = (kind == DEATH_IN_CR) & seen.has("transplanted")
    yield "outcome.death_in_cr_sct_pct", 100 * toxic.sum() / (kind == DEATH_IN_CR).sum()
    infection = seen.traits["death_cause"][kind == DEATH_IN_CR] == DEATH_CAUSES.index("infection")
    yield "outcome.death_in_cr_infection_pct", 100 * infection.mean()
    site = seen.traits["relapse_site"][kind == RELAPSE]
    for name, word in RELAPSE_SITE_NAMES.items():
        share = (site == RELAPSE_SITES.index(word)).mean()
        yield f"outcome.relapse_site_pct.{name}", 100 * share
    for name, code in kinds.items():
        for where, region_name in enumerate(REGIONS):
            share = (kind[region == where] == code).mean()
            yield f"outcome.by_region_pct.{name}.{region_name}", 100 * share
    randomisation = seen.traits["randomisation"]
    for code, name in enumerate(("event_before", "recruited_after_closure", "not_randomised")):
        yield f"randomised.{name}", (randomisation == code).sum() / per
    yield "randomised.eligible", (randomisation >= 2).sum() / per


def _transplantations(seen: Observed, per: int) -> Named:
    trait, kind = seen.traits, seen.event_free().kind
    high = trait["risk"] == margins.HR
    in_cr, done = seen.has("remission"), seen.has("transplanted")
    yield "sct.hr_cr_n", (high & in_cr).sum() / per
    yield "sct.hr_sct_n", (high & done).sum() / per
    soon = seen.event_free().days - seen.days["remission"] < EARLY * YEAR
    yield "sct.hr_early_event_n", (high & in_cr & ~done & (kind > 0) & soon).sum() / per
    for name, code in (("relapse", RELAPSE), ("death_cr", DEATH_IN_CR), ("smn", SMN)):
        yield f"sct.hr_sct_{name}_n", (high & done & (kind == code)).sum() / per
    mrd = (trait["mrd"] == 1) & (trait["risk"] == margins.MR)
    yield "sct.mr_mrd_sct_n", (mrd & done).sum() / per
    disease = seen.disease_free("transplanted")
    yield "sct.dfs4_after_sct_hr", survival_at(disease.among(high & done), 4)
    yield "sct.dfs4_after_sct_mr", survival_at(disease.among(mrd & done), 4)
    for where, region in enumerate(REGIONS):
        yield f"sct.cr1_sct.{region}", (done & (trait["region"] == where)).sum() / per
    toxic = done & (kind == DEATH_IN_CR)
    early = trait["sct_year"] < 2012
    yield "sct.sct_death_by_period.2006-2011", (toxic & early).sum() / per
    yield "sct.sct_death_by_period.2012-2016", (toxic & ~early).sum() / per


def _characteristics(seen: Observed, per: int) -> Named:
    trait = seen.traits
    known = trait["kmt2a"] != UNKNOWN
    rearranged, cd10 = trait["kmt2a"] == 1, trait["cd10"]
    yield "characteristics.male_pct", 100 * (1 - trait["female"].mean())
    yield "characteristics.wbc_ge_100_pct", 100 * (trait["wbc_band"] >= 1).mean()
    yield "characteristics.wbc_ge_300_pct", 100 * (trait["wbc_band"] == 2).mean()
    yield "characteristics.cd10_negative_pct", 100 * (cd10[cd10 != UNKNOWN] == 1).mean()
    yield "characteristics.kmt2a_rearranged_pct", 100 * rearranged[known].mean()
    for band in range(4):
        share = (trait["age_band"] == band).mean()
        yield f"characteristics.age_months_pct.{3 * band}-{3 * band + 3}", 100 * share
    for code, name in enumerate(("t(4;11)", "t(11;19)", "t(9;11)", "other")):
        share = (trait["partner"][rearranged] == code).mean()
        yield f"characteristics.kmt2a_partner_pct.{name}", 100 * share
    yield "characteristics.t_cell_n", (trait["lineage"] == 1).sum() / per
    yield "characteristics.biphenotypic_n", (trait["lineage"] == 2).sum() / per
    yield "characteristics.b_lineage_cd10_known_n", (cd10 != UNKNOWN).sum() / per
    yield "characteristics.cns_evaluable_n", (trait["cns"] != UNKNOWN).sum() / per
    yield "characteristics.cns_involved_n", (trait["cns"] == 1).sum() / per
    yield "characteristics.kmt2a_known_n", known.sum() / per


def _models(seen: Observed, per: int) -> Named:
    trait, events = seen.traits, seen.event_free()
    complete = (trait["kmt2a"] != UNKNOWN) & (trait["response"] != UNKNOWN)
    complete &= (trait["lineage"] > 0) | (trait["cd10"] != UNKNOWN)
    first = (trait["kmt2a"] == 1) & (trait["partner"] < 2)
    second = (trait["kmt2a"] == 1) & (trait["partner"] >= 2)
    shared = {
        "<6": trait["age_band"] < 2,
        ">=300": trait["wbc_band"] == 2,
        "PPR": trait["response"] == 1,
        "B-lineage CD10-": trait["cd10"] == 1,
        "female": trait["female"].astype(np.bool_),
        "T-lineage or biphenotypic": trait["lineage"] > 0,
    }
    one, other = "t(4;11) + t(11;19)", "t(9;11) + other rearranged"
    yield from _model("cox_table1", events, {one: first, other: second, **shared}, complete, per)
    rearranged = complete & (trait["kmt2a"] == 1)
    yield from _model("cox_table2", events, {one: first, **shared}, rearranged, per)
    arm = trait["arm"] != UNKNOWN
    x = (trait["arm"][arm] == 1).astype(np.float64)[:, None]
    fit = cox(seen.disease_free("randomised").among(arm), x, trait["group"][arm])
    yield "randomised.dfs_stratified_cox", fit.coef[0]


def _model(
    table: str, events: Times, columns: dict[str, BoolArray], rows: BoolArray, per: int
) -> Named:
    x: FloatArray = np.stack([each[rows] for each in columns.values()], axis=1).astype(np.float64)
    fit = cox(events.among(rows), x)
    for name, value in zip(columns, fit.coef, strict=True):
        yield f"{table}.{name}", value
    yield f"{table}.n", rows.sum() / per


def _earlier(seen: Observed) -> Named:
    for where, region in enumerate(REGIONS):
        rows = seen.traits["region"] == where
        yield f"interfant99.{region}.efs6", survival_at(seen.event_free().among(rows), 6)
        yield f"interfant99.{region}.os6", survival_at(seen.survival().among(rows), 6)
