"""The environment in which Flower's programs run at the centre: no telemetry, no update check, nothing installed at run time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from riskset_server.centre.config import CentreConfig

CENTRE_VARIABLE = "RISKSET_CENTRE"


def setting(
    centre: CentreConfig, centre_file: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """The environment of a program of the centre; Flower reads some of it while it is imported."""
    return {
        **environment,
        "NO_PROXY": ",".join(filter(None, ["127.0.0.1,localhost", environment.get("NO_PROXY")])),
        "FLWR_HOME": str(centre.flower.home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        CENTRE_VARIABLE: str(centre_file.resolve()),
    }
