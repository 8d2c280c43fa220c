"""Counts of infants that hold in every draw of the cohort: published, implied by the published ones, or chosen to agree with them.

Published or implied: the risk groups; KMT2A status and partners (74 % of 643; 44, 22, 11 and 23 % of 476); age and white cells in
bands; prednisone response (from the standard errors of its two curves); lineage and CD10; failures of induction by region; who was
randomised; transplantations in first remission. The joint counts of two of these are chosen: they are the ones whose risk groups come
out as published, and that leave 56 rearranged infants of nine months and older (from the standard error of that curve), 576 infants
complete for Table 1 and 427 for Table 2.
"""

from __future__ import annotations

from typing import Final

RISKS: Final = ("LR", "MR", "HR")
LR, MR, HR = range(3)

GROUPS: Final = {
    "Aarhus": 44,
    "Basel": 18,
    "Boston": 32,
    "Bristol": 62,
    "Hannover": 78,
    "Leuven": 20,
    "Lyon": 56,
    "Memphis": 30,
    "Padua": 57,
    "Utrecht": 28,
    "Vienna": 14,
    "Zwolle": 8,
    "Adelaide": 38,
    "Brno": 24,
    "Gdansk": 41,
    "Haifa": 15,
    "Hongkong": 26,
    "La Plata": 60,
}
"""Infants of each study group, invented but for the two sums: 447 in the first 12, the original ones, and 204 in the other 6."""
ORIGINAL_GROUPS: Final = 12
SIZES: Final = tuple(GROUPS.values())

RISK_BY_REGION: Final = ((111, 218, 118), (56, 102, 46))
"""LR, MR, HR in the original and in the other groups, from the standard errors of their curves."""

AGE: Final = {
    "LR": (7, 26, 43, 91),
    "MR": (37, 88, 131, 56),
    "HR": (92, 72, 0, 0),
    "unknown": (1, 3, 2, 2),
}
"""Infants of 0 to 3, 3 to 6, 6 to 9 and 9 to 12 months. The 8 of unknown KMT2A status were treated as medium risk."""
AGE_DAYS: Final = ((5, 91), (92, 182), (183, 273), (274, 365))
"""First and last day of each band: 91 days are less than 3 months of 30.4375 days, 92 are more."""

UNKNOWN_BY_REGION: Final = (5, 3)

WBC_AND_RESPONSE: Final = {
    # (at least 300e9/L: good, poor, not known; below: good, poor, not known)
    "LR": (6, 4, 0, 133, 18, 6),
    "MR under 6 months": (0, 0, 0, 119, 0, 6),
    "MR from 6 months": (41, 14, 2, 108, 16, 6),
    "HR": (66, 48, 6, 0, 44, 0),
    "unknown": (1, 1, 0, 3, 1, 2),
}
"""White cells and prednisone response. High risk follows from either; who is medium risk under 6 months has neither."""
WBC_100: Final = {"LR": 30, "MR under 6 months": 55, "MR from 6 months": 45, "HR": 24, "unknown": 2}
"""Of those below 300e9/L, how many have 100e9/L or more."""
WBC_RANGE: Final = ((2.0, 100.0), (100.0, 300.0), (300.0, 1500.0))
"""Counts are drawn from these ranges, evenly on the scale of their logarithm, in 1e9/L."""

PARTNERS: Final = ("t411", "t1119", "t911", "other")
PARTNER_BY_AGE: Final = ((60, 40, 8, 21), (78, 38, 12, 32), (52, 20, 17, 42), (19, 7, 15, 15))
"""t(4;11), t(11;19), t(9;11), other; in each band of age."""

LINEAGE: Final = {"LR": (7, 6), "MR": (3, 12), "HR": (0, 7), "unknown": (0, 0)}
"""T-lineage and biphenotypic; all others are B-lineage."""
CD10: Final = {"LR": (40, 13, 1), "rearranged": (315, 32, 3), "unknown": (3, 3, 0)}
"""B-lineage: CD10 negative, not known, and how many of those lack the prednisone response too."""
FEMALE: Final = {"LR": 68, "rearranged and unknown": 290}
CNS_EVALUABLE, CNS_INVOLVED = 510, 83

INDUCTION_DEATHS: Final = ((1, 5, 4), (2, 6, 6))
RESISTANT: Final = ((1, 5, 7), (1, 4, 4))
"""Induction deaths and resistance by region and risk group: 24 and 22, of which 41 in MR and HR."""
RESISTANT_DIED: Final = 19

CLOSED: Final = {"MR": 24, "HR": 12}
"""In remission, but recruited after randomisation closed."""
RANDOMISED: Final = {"MR": (111, 104), "HR": (58, 57)}
"""ADE+MAE and IB; the standard errors of DFS in MR and HR imply these sizes."""
CHANGED_TREATMENT: Final = 7

MRD_HIGH_BY_REGION: Final = (19, 4)
MRD_HIGH_SCT_BY_REGION: Final = (13, 3)
HR_SCT_BY_REGION: Final = (62, 14)
OTHER_SCT: Final = {("MR", 0): 11, ("MR", 1): 4, ("LR", 0): 3, ("LR", 1): 1}
"""Transplantations: 76 in HR and 16 in MR with high MRD are published, 89 and 22 in the regions; these are the others."""

LOST: Final = 18
"""Lost to follow-up in the first four years; their number is chosen, one of them at 0.1 years, the least follow-up published."""

EARLIER_SIZES: Final = (378, 88)
"""Interfant-99: infants in the original and the other groups, from the standard errors of the published EFS."""
