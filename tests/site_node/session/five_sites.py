"""Five sites with keys of their own, a centre, and the roster that names them; the site of `conftest` is the first."""

from __future__ import annotations

import datetime

from riskset_common.consortium.roster import Member, Roster
from riskset_common.primitives.signing import Identity

NOW = datetime.datetime(2018, 6, 1, 12, tzinfo=datetime.UTC)
CENTRE = Identity.from_random(b"c" * 32)
NAMES = ("dcog", "aieop", "coall", "nopho", "sjcrh")
SITES = [Identity.from_random(name.encode().ljust(32, b".")) for name in NAMES]
ROSTER = Roster(
    version=1,
    members=tuple(
        Member(site_id=number, name=name, study_group="NOPHO", public=site.public)
        for number, (name, site) in enumerate(zip(NAMES, SITES, strict=True), 1)
    ),
)
