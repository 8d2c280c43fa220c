"""disclosure.md states the thresholds that the rules apply."""

from __future__ import annotations

from tests.system.docs.pages import page, plain

from riskset_common.study.plan import Disclosure


def test_the_page_states_the_default_thresholds():
    default = Disclosure()
    text = plain(page("disclosure.md").text)

    assert f"k is `minimum_cell` ({default.minimum_cell} by default)" in text
    assert f"m is `minimum_at_risk` ({default.minimum_at_risk} by default" in text
    assert default.release == "rounded"
