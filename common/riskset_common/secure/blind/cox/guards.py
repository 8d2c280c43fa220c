"""Conditions before a blind model is fitted, because its coefficients are exact and are released.

A covariate that few patients have can be read back from its coefficient, its standard error and the log-likelihood, however well the
computation hides the sums behind them. So each level of a factor needs patients and events enough, and a model no more coefficients
than its events bear (Peduzzi et al. 1996: ten events a coefficient). A plan that releases exact numbers, for validation on public
data, is not held to this.

References
----------
Peduzzi P, Concato J, Kemper E, Holford TR, Feinstein AR (1996), J Clin Epidemiol 49:1373.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from riskset_common.errors import PolicyRefusal

PATIENTS_PER_LEVEL = 10
EVENTS_PER_LEVEL = 5
EVENTS_PER_COEFFICIENT = 10
HAZARD_TIMES = 12
EVENTS_PER_BLOCK = 20
TIMES_PER_BLOCK = 10


def require_enough(
    by_level: Mapping[tuple[str, str], tuple[int, int]], n_columns: int, n_events: int
) -> None:
    """Raise unless a model's coefficients rest on enough patients and events. Run by the centre on pooled counts, before the fit.

    Parameters
    ----------
    by_level
        Patients and events by factor and level.
    n_columns
        Coefficients of the model.
    n_events
        Events in all.
    """
    few = dict.fromkeys(
        factor
        for (factor, _), (patients, events) in by_level.items()
        if patients < PATIENTS_PER_LEVEL or events < EVENTS_PER_LEVEL
    )
    if few:
        raise PolicyRefusal(
            f"A coefficient would show single patients: a level of {', '.join(few)} has fewer than {PATIENTS_PER_LEVEL} patients or "
            f"{EVENTS_PER_LEVEL} events. Merge levels in the codebook, or leave the term out."
        )
    if n_columns * EVENTS_PER_COEFFICIENT > n_events:
        raise PolicyRefusal(
            f"The model has {n_columns} coefficients, more than one for {EVENTS_PER_COEFFICIENT} events. Leave terms out."
        )


def require_wide_blocks(
    n_times: int, blocks: Sequence[tuple[int, int]], least_events: int = EVENTS_PER_BLOCK
) -> None:
    """Raise unless a baseline hazard is wanted at few times that lie far apart. Run by every party, whatever the plan releases.

    The step of a hazard at one event time is the reciprocal of a sum over its risk set. A block adds up many of them.

    Parameters
    ----------
    n_times
        How many times.
    blocks
        For each stratum and time the events after the time before, and at how many different times they happened.
    least_events
        Events that each block needs, should it be more than `EVENTS_PER_BLOCK`.
    """
    if not 0 < n_times <= HAZARD_TIMES:
        raise PolicyRefusal(
            f"A baseline hazard is opened at 1 to {HAZARD_TIMES} times, but {n_times} are wanted. Choose fewer."
        )
    least = max(least_events, EVENTS_PER_BLOCK)
    if any(events < least or times < TIMES_PER_BLOCK for events, times in blocks):
        raise PolicyRefusal(
            f"Between two times of a baseline hazard, and before the first, there must be {least} events at {TIMES_PER_BLOCK} "
            "different times in every stratum. Choose fewer times, further apart, or fewer digits."
        )
