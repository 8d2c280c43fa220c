"""The consortium of the tests of the secure sums: here its roster is what counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.common.secure.conftest import Consortium


@pytest.fixture(scope="session")
def consortium() -> Callable[..., Consortium]:
    return Consortium.of
