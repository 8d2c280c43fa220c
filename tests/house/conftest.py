"""The checkout as it lies on disk, and the wheels that are built from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheels(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The four wheels, by the folder that each is built from."""
    target = str(tmp_path_factory.mktemp("wheels"))
    return {
        folder: Path(
            next(
                WheelBuilder(str(checkout / folder)).build(directory=target, versions=["standard"])
            )
        )
        for folder in ("common", "site_node", "server", "deploy/embedded")
    }
