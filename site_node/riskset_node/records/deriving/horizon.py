"""Endpoints that are cut at a horizon: what comes later does not count, and who is followed longer is censored there."""

from __future__ import annotations

import numpy as np

from riskset_common.study.patients import MISSING, Bools, EndpointTimes
from riskset_common.study.plan import Endpoint
from riskset_common.study.study import Study
from riskset_common.study.time_grid import exact


def horizon_days(study: Study, endpoint: Endpoint) -> float | None:
    """The horizon of an endpoint in days, if it has one."""
    if endpoint.horizon is None:
        return None
    return float(exact(endpoint.horizon) * study.grid.days_per_unit)


def within_horizon(study: Study, endpoint: Endpoint, times: EndpointTimes) -> EndpointTimes:
    """The same times, cut at the endpoint's horizon.

    A horizon between two steps of the grid lets no event of the later step count; who is followed beyond it is censored at that step, so
    that they are at risk until the horizon. Who came under observation at the horizon or later is never at risk within it, and has no
    endpoint.
    """
    if endpoint.horizon is None:
        return times
    before, after = study.grid.steps_around(endpoint.horizon)
    beyond: Bools = times.time > before
    time = np.minimum(times.time, after)
    event = np.where(beyond & (times.event != MISSING), 0, times.event)
    if times.entry is None:
        return EndpointTimes(time, event)
    late = times.known & (times.entry >= after)
    return EndpointTimes(*(np.where(late, MISSING, each) for each in (time, event, times.entry)))
