"""The parameters of the cohort's multi-state model, and the file that keeps them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from riskset_common.errors import InputError
from riskset_common.survival.arrays.shapes import FloatArray


@dataclass(frozen=True)
class Parameters:
    """Logarithms of hazards a year (`log_...`) or of hazard ratios, unless said. docs/synthetic-cohort.md describes the model.

    The reference of the relapse hazard is an infant of 6 to 9 months with germline KMT2A, CD10-positive B-lineage, fewer than
    100e9/L white cells and a good prednisone response, of low risk in an original group.
    """

    # Relapse in first remission without transplantation, by time since remission.
    log_relapse_0: float = -2.4
    log_relapse_6m: float = -1.3
    log_relapse_1y: float = -1.9
    log_relapse_18m: float = -3.5
    log_relapse_3y: float = -3.9
    # Its hazard ratios.
    t411_t1119: float = 0.5
    t911_other: float = 0.3
    age_0_3: float = 0.5
    age_3_6: float = 0.15
    age_9_12: float = -0.6
    wbc_100_300: float = 0.6
    wbc_300: float = 0.8
    poor_response: float = 0.3
    cd10_negative: float = 0.1
    t_lineage: float = 0.3
    biphenotypic: float = 0.4
    female: float = 0.0
    high_risk: float = 0.4
    other_lr: float = 0.3
    other_mr: float = 0.3
    other_hr: float = 0.3
    ade_mae_mr_first_year: float = -0.3
    ade_mae_mr_later: float = -0.2
    ade_mae_hr_first_year: float = -0.1
    ade_mae_hr_later: float = 0.0
    # Death in first remission without transplantation.
    log_death_in_cr: float = -3.3
    death_in_cr_other: float = 1.3
    death_in_cr_ade_mae: float = 0.2
    death_in_cr_lr: float = -0.6
    # Second malignancies, under ADE+MAE.
    log_smn: float = -4.9
    # After transplantation; log_toxic_death is that of 2006 to 2011.
    log_sct_relapse: float = -0.6
    sct_relapse_high_mrd: float = 1.3
    log_toxic_death: float = -0.6
    toxic_death_from_2012: float = -1.6
    # Death after relapse, by risk group and region.
    log_death_original_lr: float = -1.4
    log_death_original_mr: float = -0.1
    log_death_original_hr: float = 0.3
    log_death_other_lr: float = -0.3
    log_death_other_mr: float = -0.2
    log_death_other_hr: float = 0.9
    death_after_relapse_ade_mae: float = -0.1
    # How far the failures of induction follow the covariates of relapse, and the mean years from last contact to the cut-off.
    induction_failure: float = 0.7
    log_delay: float = 0.3
    # Interfant-99.
    log_event_earlier_original: float = -1.0
    log_event_earlier_other: float = -0.8
    log_death_earlier_original: float = 0.2
    log_death_earlier_other: float = 0.4

    @classmethod
    def of(cls, values: FloatArray) -> Self:
        """Parameters from their values in the order of the fields."""
        return cls(*map(float, values))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names in the order of the fields."""
        return tuple(field.name for field in fields(cls))


def read_parameters(path: Path) -> Parameters:
    """Read the parameters that the calibration wrote.

    Raises
    ------
    InputError
        Where one is missing or unknown.
    """
    written: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["parameters"]
    different = sorted(set(written) ^ set(Parameters.names()))
    if different:
        raise InputError(
            f"{path}: {', '.join(different)} is missing or unknown. Make the file again: "
            "python -m deploy.studies.interfant06.synthetic.calibrate"
        )
    return Parameters(**written)


def as_json(parameters: Parameters) -> dict[str, float]:
    """The parameters to six decimals, in the order of the fields."""
    return {name: round(value, 6) for name, value in asdict(parameters).items()}
