"""Print a digest of all that parties derive for themselves of a rounded plan, and of all that is opened in it, in order.

python -m tests.common.release.what_is_computed STUDY
"""

from __future__ import annotations

import hashlib
import sys

from tests.common.release.rounded import computed
from tests.study_folders import study_in_folder

from riskset_common.secure.blind.parties.counts.equations import shared_totals
from riskset_embedded.demos.lung import study_folder


def main(name: str) -> None:
    study, sites = study_in_folder(
        study_folder(name), release="rounded", minimum_cell=5, minimum_at_risk=10
    )
    of = computed(study, sites)
    counted = of.work.counted(of.facts)
    derived = [
        (
            each,
            list(each.arrays(of.work.study).items()),
            list(each.identities(of.work.study)),
            list(each.totals(of.work.study)),
            list(each.levels(of.work.study)),
        )
        for each in counted
    ]
    opened = [(ask, values.tolist()) for ask, values in of.opened.items()]
    for each in (derived, shared_totals(counted, of.work.study), opened):
        print(hashlib.sha256(repr(each).encode()).hexdigest())


if __name__ == "__main__":
    main(sys.argv[1])
