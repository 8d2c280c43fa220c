"""What must hold before a blind model is fitted, because its coefficients are exact and are released.

A covariate that few patients have can be read back from its coefficient, its standard error and the log-likelihood, however well the
computation hides the sums behind them. So each level of a factor needs patients and events enough, and a model no more coefficients
than its events bear (Peduzzi et al. 1996: ten events a coefficient). A plan that releases exact numbers, for validation on public
data, is not held to this.

References
----------
Peduzzi P, Concato J, Kemper E, Holford TR, Feinstein AR (1996), J Clin Epidemiol 49:1373.
"""

from __future__ import annotations

from collections.abc import Mapping

from riskset_common.errors import PolicyRefusal

PATIENTS_PER_LEVEL = 10
EVENTS_PER_LEVEL = 5
EVENTS_PER_COEFFICIENT = 10


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
    few = [
        f"{factor} = {level}"
        for (factor, level), (patients, events) in by_level.items()
        if patients < PATIENTS_PER_LEVEL or events < EVENTS_PER_LEVEL
    ]
    if few:
        raise PolicyRefusal(
            f"A coefficient would show single patients: fewer than {PATIENTS_PER_LEVEL} patients or {EVENTS_PER_LEVEL} events with "
            f"{', '.join(few)}. Merge levels in the codebook, or leave the term out."
        )
    if n_columns * EVENTS_PER_COEFFICIENT > n_events:
        raise PolicyRefusal(
            f"The model has {n_columns} coefficients, more than one for {EVENTS_PER_COEFFICIENT} events. Leave terms out."
        )
