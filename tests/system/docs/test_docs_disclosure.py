"""disclosure.md states the digits and thresholds that the rules apply."""

from __future__ import annotations

import re

import pytest
from tests.system.docs.pages import page, plain

from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.curve import DECIMALS, MEAN_DIGITS, ROUND_TO
from riskset_server.disclosure.follow_up import FOLLOW_UP_DIGITS
from riskset_server.disclosure.numbers import NUMBER_DIGITS
from riskset_server.disclosure.shortened import SIGNIFICANT_DIGITS

NUMBER_WORDS = {2: "two", 3: "three", 4: "four", 5: "5", 7: "seven"}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (SIGNIFICANT_DIGITS, "Reals have {} significant digits."),
        (SIGNIFICANT_DIGITS, "A log-rank test has {} significant digits."),
        (FOLLOW_UP_DIGITS, "The median has {} significant digits"),
        (NUMBER_DIGITS, "a median and quartiles have {} significant digits."),
        (MEAN_DIGITS, "A restricted mean has {} significant digits."),
        (DECIMALS, "at a block's end is given to {} decimals"),
        (ROUND_TO, "rounded to a multiple of {}."),
    ],
)
def test_the_page_states_the_digits_of_released_numbers(number, said):
    assert said.format(NUMBER_WORDS[number]) in plain(page("disclosure.md").text)


def test_the_page_states_the_default_thresholds():
    default = Disclosure()
    text = plain(page("disclosure.md").text)

    assert f"k is `minimum_cell` ({default.minimum_cell} by default)" in text
    assert f"m is `minimum_at_risk` ({default.minimum_at_risk} by default" in text
    assert default.release == "rounded"


def test_every_kind_of_analysis_has_its_rules_under_one_heading():
    rules = page("disclosure.md").text.partition("## The rules of rounded release")[2]
    sections = re.findall(r"^### .+\n\nOf (.+)\.$", rules.partition("\n## ")[0], re.MULTILINE)
    named = [kind for section in sections for kind in re.findall("`(.+?)`", section)]

    assert sorted(estimator.kind for estimator in ESTIMATORS) == sorted(named)
