"""How examples are chosen in every test."""

from __future__ import annotations

import os

from hypothesis import settings

# The same examples in every run, so that a red run means a change and not a draw; and no limit on the time of one, which depends
# on what else the machine does. HYPOTHESIS_PROFILE=search draws new ones, and ten times as many where a test does not say how many.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
