"""The releases of a site node that work with a release of the centre."""

from __future__ import annotations

from riskset_common.errors import ProtocolRefusal

MINORS_APART = 2
"""A site may be this many minor releases away from the centre, so that 18 hospitals need not upgrade on one day."""


def check_releases(centre: str, site: str) -> None:
    """Raise unless a site of this release may join a run of that centre: same major, at most two minors apart.

    The wire and the questions have versions of their own, which are checked on every message. This check comes first, because it
    can say which side to upgrade.
    """
    there, here = _numbers(centre), _numbers(site)
    if there is not None and here is not None and there[0] == here[0]:
        apart = there[1] - here[1]
        if abs(apart) <= MINORS_APART:
            return
        older = "this site's riskset-node" if apart > 0 else "the centre's riskset-server"
    else:
        older = "the older of the two"
    raise ProtocolRefusal(
        f"The centre runs riskset {centre[:32]!r}, this site riskset-node {site!r}. Releases up to {MINORS_APART} minor versions apart "
        f"work together: upgrade {older}."
    )


def _numbers(release: str) -> tuple[int, int] | None:
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None
