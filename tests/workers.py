"""Which tests go to one worker together."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

FEDERATIONS = "tests/system/flower/"


class FederationsTogether(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file of tests over Flower goes to one worker, which starts its processes once; every other test goes to whoever is free.

    The largest come first, so these files do not begin when all others are done.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(FEDERATIONS) else nodeid
